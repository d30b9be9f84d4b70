namespace Sip.Server.Reactor;

/// <summary>What holds for every shard.</summary>
public sealed record ReactorSettings
{
    /// <summary>Bytes that may wait to be sent on one connection; a peer that reads slower is disconnected.</summary>
    public required int QueueBytes { get; init; }

    /// <summary>Where bans are taken to, if the operator allows it.</summary>
    public Shell.Nftables? Nftables { get; init; }

    /// <summary>TLS for accepted connections; needed where a listener is secure.</summary>
    public TlsContext? Server { get; init; }

    /// <summary>TLS for dialled connections; needed where a TLS hop may be called.</summary>
    public TlsContext? Client { get; init; }
}
