using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Sip.Edge;
using Sip.Identity;
using Sip.Routing;
using Sip.Server.Shell;

namespace Sip.Server.Portable;

/// <summary>TLS for accepted connections: TLS 1.2 and 1.3 with forward secrecy, the certificate by the name that is asked for.</summary>
public sealed class Serving
{
    /// <summary>Certificates that a peer may show, its authority's included.</summary>
    private const int longest = 6;

    // Windows chooses its suites by the machine's policy alone.
    private static readonly CipherSuitesPolicy? suites = OperatingSystem.IsWindows() ? null : new CipherSuitesPolicy(
    [
        TlsCipherSuite.TLS_AES_128_GCM_SHA256, TlsCipherSuite.TLS_AES_256_GCM_SHA384, TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256,
        TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        TlsCipherSuite.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ]);

    private readonly Realm realm;
    private readonly X509Certificate2Collection trusted;
    private readonly Showing showing;
    private readonly SslStreamCertificateContext[] groups;

    /// <summary>With these identities, and with these authorities of those who have to show a certificate.</summary>
    public Serving(Realm realm, IReadOnlyList<TlsIdentity> identities, X509Certificate2Collection trusted)
    {
        (this.realm, this.trusted) = (realm, trusted);
        showing = ShowingModule.ofCertificates([.. identities.Select(identity => identity.Leaf)]);
        groups = [.. showing.Groups.Select(group => Context(identities[group[0]]))];
    }

    /// <summary>How hands are shaken with a client that asks for this name.</summary>
    public SslServerAuthenticationOptions For(Opening opening, string? name)
    {
        var isTrunk = opening.Admits.IsCertifiedPeers;
        return new SslServerAuthenticationOptions
        {
            ServerCertificateContext = groups[ShowingModule.choose(showing, name ?? "")],
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            CipherSuitesPolicy = suites,
            AllowRenegotiation = false,
            AllowTlsResume = false,
            ClientCertificateRequired = isTrunk,
            CertificateChainPolicy = isTrunk ? ChainPolicy(trusted) : null,
            RemoteCertificateValidationCallback = isTrunk ? IsPeer : null,
        };
    }

    /// <summary>Which authorities are believed: these, or with none of them the system's.</summary>
    public static X509ChainPolicy ChainPolicy(X509Certificate2Collection trusted)
    {
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        if (trusted.Count == 0) return policy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.AddRange(trusted);
        return policy;
    }

    /// <summary>Whether no more was shown than a peer needs.</summary>
    public static bool IsShort(X509Chain? chain) => chain is { ChainElements.Count: <= longest };

    private bool IsPeer(object sender, X509Certificate? shown, X509Chain? chain, SslPolicyErrors errors) =>
        errors == SslPolicyErrors.None
        && IsShort(chain)
        && shown is X509Certificate2 certificate
        && RealmModule.isCertified(realm, CertificateFacts.Of(certificate));

    private static SslStreamCertificateContext Context(TlsIdentity identity)
    {
        using var read = X509Certificate2.CreateFromPem(identity.Certificates, identity.Key);
        var chain = new X509Certificate2Collection();
        chain.ImportFromPem(identity.Certificates);
        // SslStream on some systems wants a key that did not come from PEM.
        return SslStreamCertificateContext.Create(X509CertificateLoader.LoadPkcs12(read.Export(X509ContentType.Pkcs12), null), chain, offline: true);
    }
}
