namespace Sip.Server.Reactor;

/// <summary>What holds for every shard.</summary>
public sealed record ReactorSettings
{
    /// <summary>Bytes that may wait to be sent on one connection; a peer that reads slower is disconnected.</summary>
    public required int QueueBytes { get; init; }

    /// <summary>Where bans are taken to, if the operator allows it.</summary>
    public Shell.Nftables? Nftables { get; init; }

    /// <summary>TLS for each kind of connection.</summary>
    public required TlsContexts Tls { get; init; }

    /// <summary>Authorities that the certificates of TLS peers may come from (PEM); with none, the system's.</summary>
    public string Trusted { get; init; } = "";
}
