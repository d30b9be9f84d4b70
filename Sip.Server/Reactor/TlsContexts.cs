using Sip.Routing;
using Sip.Server.Shell;

namespace Sip.Server.Reactor;

/// <summary>TLS as it is for each kind of connection; replaced as one.</summary>
public sealed record TlsContexts : IDisposable
{
    /// <summary>For accepted connections; needed where a listener is secure.</summary>
    public TlsContext? Server { get; init; }

    /// <summary>For those of peers that have to show a certificate.</summary>
    public TlsContext? Trunk { get; init; }

    /// <summary>For dialled connections; needed where a TLS hop may be called.</summary>
    public TlsContext? Client { get; init; }

    /// <summary>What this realm needs, with these identities and trusted authorities (PEM; with none, the system's).</summary>
    public static TlsContexts Of(Realm realm, IReadOnlyList<TlsIdentity> identities, string trusted) => new()
    {
        Server = identities.Count == 0 ? null : TlsContext.ForServer(identities),
        Trunk = identities.Count > 0 && realm.Listeners.Any(listener => listener.Admits.IsCertifiedPeers)
            ? TlsContext.ForTrunk(trusted, identities)
            : null,
        // A peer may ask who calls.
        Client = TlsContext.ForClient(trusted, realm.Peers.Any(peer => peer.Proof.IsCertificate) ? identities : []),
    };

    /// <inheritdoc/>
    public void Dispose()
    {
        Server?.Dispose();
        Trunk?.Dispose();
        Client?.Dispose();
    }
}
