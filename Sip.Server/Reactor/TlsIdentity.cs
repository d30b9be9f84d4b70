using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Sip.Server.Reactor;

/// <summary>A certificate, the chain behind it and its key, in PEM.</summary>
public sealed record TlsIdentity(string Certificates, string Key)
{
    /// <summary>The operator's files as they are, with their chain; without files, the certificate itself.</summary>
    public static TlsIdentity Of(X509Certificate2 certificate, string file, string key) => file.Length > 0
        ? new TlsIdentity(File.ReadAllText(file), File.ReadAllText(key))
        : Of(certificate);

    /// <summary>A certificate with its key.</summary>
    public static TlsIdentity Of(X509Certificate2 certificate)
    {
        using var key = (AsymmetricAlgorithm?)certificate.GetECDsaPrivateKey() ?? certificate.GetRSAPrivateKey();
        return new TlsIdentity(certificate.ExportCertificatePem(), key!.ExportPkcs8PrivateKeyPem());
    }
}
