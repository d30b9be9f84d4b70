// Authority: who signs certificates in these tests, and the certificates that a peer must not be believed by.

namespace Sip.Live

open System
open System.Security.Cryptography
open System.Security.Cryptography.X509Certificates

/// A certificate with its key, and those between it and its authority.
type Shown =
    {
        Certificate: X509Certificate2
        Between: X509Certificate2 list
    }

/// What a certificate says.
type Says =
    {
        Common: string
        Names: string list
        Uris: string list
        From: float
        Until: float
        Uses: string list
        IsAuthority: bool
    }

/// Issuing certificates.
[<RequireQualifiedAccess>]
module Authority =

    let plain =
        {
            Common = "x"
            Names = []
            Uris = []
            From = -1.
            Until = 1.
            Uses = []
            IsAuthority = false
        }

    let private request (says: Says) (key: ECDsa) =
        let request = CertificateRequest("CN=" + says.Common, key, HashAlgorithmName.SHA256)

        if not (says.Names.IsEmpty && says.Uris.IsEmpty) then
            let names = SubjectAlternativeNameBuilder()

            for name in says.Names do
                names.AddDnsName name

            for uri in says.Uris do
                names.AddUri(Uri(uri, UriKind.RelativeOrAbsolute))

            request.CertificateExtensions.Add(names.Build())

        if not says.Uses.IsEmpty then
            let uses = OidCollection()

            for use' in says.Uses do
                uses.Add(Oid use') |> ignore

            request.CertificateExtensions.Add(X509EnhancedKeyUsageExtension(uses, true))

        request.CertificateExtensions.Add(
            X509BasicConstraintsExtension(says.IsAuthority, false, 0, true)
        )

        request

    let private portable (certificate: X509Certificate2) =
        X509CertificateLoader.LoadPkcs12(certificate.Export X509ContentType.Pkcs12, null)

    /// One that signs itself.
    let alone (says: Says) : X509Certificate2 =
        use key = ECDsa.Create ECCurve.NamedCurves.nistP256
        let now = DateTimeOffset.UtcNow

        use made =
            (request says key).CreateSelfSigned(now.AddDays says.From, now.AddDays says.Until)

        portable made

    /// One that this authority signs.
    let sign (authority: X509Certificate2) (says: Says) : X509Certificate2 =
        use key = ECDsa.Create ECCurve.NamedCurves.nistP256
        let now = DateTimeOffset.UtcNow

        use made =
            (request says key)
                .Create(
                    authority.SubjectName,
                    X509SignatureGenerator.CreateForECDsa(nonNull (authority.GetECDsaPrivateKey())),
                    now.AddDays says.From,
                    now.AddDays says.Until,
                    RandomNumberGenerator.GetBytes 8
                )

        use whole = made.CopyWithPrivateKey key
        portable whole

    /// An authority.
    let make (name: string) : X509Certificate2 =
        alone
            { plain with
                Common = name
                From = -100.
                Until = 100.
                IsAuthority = true
            }

    let private direct certificate =
        {
            Certificate = certificate
            Between = []
        }

    // An authority that this many others stand before.
    let private chained (root: X509Certificate2) (depth: int) (says: Says) : Shown =
        let below (chain: X509Certificate2 list) number =
            sign
                chain.Head
                { plain with
                    Common = String.Concat("between ", string number)
                    From = -50.
                    Until = 50.
                    IsAuthority = true
                }
            :: chain

        let chain = List.fold below [ root ] [ 1..depth ]

        {
            Certificate = sign chain.Head says
            Between = List.truncate depth chain
        }

    let private server = "1.3.6.1.5.5.7.3.1"
    let private client = "1.3.6.1.5.5.7.3.2"

    /// Those that show who they are.
    let believed (root: X509Certificate2) (name: string) : (string * Shown) list =
        [
            "its DNS name",
            direct (
                sign
                    root
                    { plain with
                        Names = [ "other.test"; name ]
                    }
            )
            "its SIP URI", direct (sign root { plain with Uris = [ "sip:" + name ] })
            "its common name alone", direct (sign root { plain with Common = name })
            "a chain of three", chained root 3 { plain with Names = [ name ] }
        ]

    /// Those that do not, as a client's (for which those of servers do not count) or as a server's.
    let disbelieved
        (root: X509Certificate2)
        (name: string)
        (asClient: bool)
        : (string * Shown) list =
        let named = { plain with Names = [ name ] }
        let stranger = make "stranger"
        let user = sign root named

        [
            "signed by itself", direct (alone named)
            "signed by another authority", direct (sign stranger named)
            "signed by another authority of the same name", direct (sign (make "root") named)
            "signed by a certificate that is no authority's",
            {
                Certificate = sign user named
                Between = [ user ]
            }
            "expired", direct (sign root { named with From = -9.; Until = -1. })
            "not good yet", direct (sign root { named with From = 1.; Until = 9. })
            "of another name", direct (sign root { plain with Names = [ "other.test" ] })
            "of a name that ends alike", direct (sign root { plain with Names = [ "evil" + name ] })
            "of a wildcard",
            direct (
                sign
                    root
                    { plain with
                        Names = [ "*"; "*." + name ]
                    }
            )
            "with the name as common name beside another",
            direct (
                sign
                    root
                    { plain with
                        Common = name
                        Names = [ "other.test" ]
                    }
            )
            "with the name beside another SIP URI",
            direct (
                sign
                    root
                    { named with
                        Uris = [ "sip:other.test" ]
                    }
            )
            "with a SIP URI of a user there",
            direct (
                sign
                    root
                    { plain with
                        Uris = [ "sip:alice@" + name ]
                    }
            )
            "for another use",
            direct (
                sign
                    root
                    { named with
                        Uses = [ (if asClient then server else client) ]
                    }
            )
            "with too long a chain", chained root 9 named
        ]
