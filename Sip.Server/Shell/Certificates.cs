using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Sip.Server.Shell;

/// <summary>The certificate of the TLS and WSS listeners where the operator gave none.</summary>
public static class Certificates
{
    /// <summary>The development certificate (ECDSA P-256): the one kept in the folder, or a new one for these names.</summary>
    public static X509Certificate2 ForDevelopment(string folder, IEnumerable<string> names, DateTimeOffset now)
    {
        var (certificate, key) = (Path.Combine(folder, "development.pem"), Path.Combine(folder, "development.key"));
        if (folder.Length > 0 && File.Exists(certificate) && File.Exists(key)) return X509Certificate2.CreateFromPemFile(certificate, key);
        using var made = Make(names, now);
        if (folder.Length > 0)
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(certificate, made.ExportCertificatePem());
            File.WriteAllText(key, made.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }

    private static X509Certificate2 Make(IEnumerable<string> names, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Sip development", key, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in names.Append("localhost").Distinct())
        {
            if (IPAddress.TryParse(name.Trim('[', ']'), out var address)) alternatives.AddIpAddress(address);
            else alternatives.AddDnsName(name);
        }
        request.CertificateExtensions.Add(alternatives.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(364));
    }
}
