using System.Security.Cryptography.X509Certificates;

namespace Sip.Server.Portable;

/// <summary>What holds for every stream connection.</summary>
public sealed record StreamSettings
{
    /// <summary>Bytes that may wait to be sent; a peer that reads slower is disconnected.</summary>
    public required int QueueBytes { get; init; }

    /// <summary>Authorities that a TLS peer's certificate may come from, beside the system's.</summary>
    public required X509Certificate2Collection Trusted { get; init; }
}
