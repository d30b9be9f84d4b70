using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Sip.Identity;

namespace Sip.Server.Shell;

/// <summary>A certificate, the chain behind it and its key, in PEM. Never printed: the key is among it.</summary>
public sealed class TlsIdentity
{
    private const string beginning = "-----BEGIN CERTIFICATE-----";

    private TlsIdentity(string certificates, string key, Certificate leaf) => (Certificates, Key, Leaf) = (certificates, key, leaf);

    /// <summary>The certificate and the chain behind it.</summary>
    public string Certificates { get; }

    /// <summary>Its private key.</summary>
    public string Key { get; }

    /// <summary>What counts of the certificate.</summary>
    public Certificate Leaf { get; }

    /// <summary>A pair whose key is the certificate's; any other text is a <see cref="CryptographicException"/>.</summary>
    public static TlsIdentity Of(string certificates, string key)
    {
        using var leaf = X509Certificate2.CreateFromPem(certificates, key);
        var chain = new X509Certificate2Collection();
        chain.ImportFromPem(certificates);
        foreach (var one in chain) one.Dispose();
        // A file that is still being written ends somewhere.
        if (chain.Count != (certificates.Length - certificates.Replace(beginning, "").Length) / beginning.Length)
            throw new CryptographicException("it ends in the middle of a certificate");
        return new TlsIdentity(certificates, key, CertificateFacts.Of(leaf));
    }

    /// <summary>A certificate with its key.</summary>
    public static TlsIdentity Of(X509Certificate2 certificate)
    {
        using var key = (AsymmetricAlgorithm?)certificate.GetECDsaPrivateKey() ?? certificate.GetRSAPrivateKey();
        return new TlsIdentity(certificate.ExportCertificatePem(), key!.ExportPkcs8PrivateKeyPem(), CertificateFacts.Of(certificate));
    }
}
