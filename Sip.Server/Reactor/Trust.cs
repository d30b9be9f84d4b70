using Sip.Identity;
using Sip.Routing;
using Sip.Server.Shell;

namespace Sip.Server.Reactor;

/// <summary>Whether the other side of a TLS connection, whose certificate has been verified, is the one that is meant.</summary>
internal static class Trust
{
    /// <summary>What speaks against it, once hands have been shaken.</summary>
    public static string? Objection(Realm realm, Connection connection)
    {
        if (connection.Errand is { } errand)
        {
            var host = errand.Hop.Destination.Domain;
            return Shown(connection) is { } shown && SipDomain.bears(host, shown) ? null : $"its certificate does not name {HostModule.print(host)}";
        }
        if (connection.Opening.Admits.IsAnybody) return null;
        return Shown(connection) is { } caller && RealmModule.isCertified(realm, caller) ? null : "its certificate names no peer";
    }

    private static Certificate? Shown(Connection connection) => CertificateFacts.OfDer(TlsSession.PeerCertificate(connection.Session));
}
