using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Sip.Identity;

namespace Sip.Server.Shell;

/// <summary>What counts of an X.509 certificate, for the domain to decide about.</summary>
public static class CertificateFacts
{
    private static readonly Asn1Tag uri = new(TagClass.ContextSpecific, 6);

    /// <summary>The facts.</summary>
    public static Certificate Of(X509Certificate2 certificate)
    {
        var names = new List<string>();
        var addresses = new List<Address>();
        var uris = new List<string>();
        foreach (var alternatives in certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>())
        {
            names.AddRange(alternatives.EnumerateDnsNames());
            addresses.AddRange(alternatives.EnumerateIPAddresses().Select(AddressModule.ofIPAddress));
            uris.AddRange(Uris(alternatives.RawData));
        }
        return CertificateModule.make(
            names, addresses, uris, certificate.GetNameInfo(X509NameType.SimpleName, false),
            new DateTimeOffset(certificate.NotBefore), new DateTimeOffset(certificate.NotAfter), Key(certificate));
    }

    /// <summary>The facts of a certificate in DER; none where it cannot be read.</summary>
    public static Certificate? OfDer(ReadOnlySpan<byte> der)
    {
        try
        {
            using var certificate = X509CertificateLoader.LoadCertificate(der);
            return Of(certificate);
        }
        catch (Exception unreadable) when (unreadable is CryptographicException or AsnContentException)
        {
            return null;
        }
    }

    private static KeyKind Key(X509Certificate2 certificate)
    {
        using var ecdsa = certificate.GetECDsaPublicKey();
        if (ecdsa is not null) return KeyKind.Ecdsa;
        using var rsa = certificate.GetRSAPublicKey();
        return rsa is not null ? KeyKind.NewRsa(rsa.KeySize) : KeyKind.NewOther(certificate.PublicKey.Oid.FriendlyName ?? certificate.PublicKey.Oid.Value ?? "unknown");
    }

    // GeneralNames, of which .NET reads all but the URIs.
    private static List<string> Uris(byte[] extension)
    {
        var found = new List<string>();
        var names = new AsnReader(extension, AsnEncodingRules.DER).ReadSequence();
        while (names.HasData)
        {
            if (names.PeekTag() == uri) found.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, uri));
            else names.ReadEncodedValue();
        }
        return found;
    }
}
