// JwtKey: a public key from the operator's configuration, the only place that keys come from
// (RFC 7515 §4.1.4 kid, RFC 8725 §3.1). A key's kind decides its algorithm: a token may name that
// one or be refused, so that an RSA key is never taken for the secret of an HMAC.

namespace Sip.Identity

open System
open System.Security.Cryptography
open System.Security.Cryptography.X509Certificates

/// The algorithms that signatures are accepted of (RFC 7518 §3.1).
[<RequireQualifiedAccess; Struct>]
type JwtAlgorithm =
    | Rs256
    | Es256

/// A public key and the name by which tokens choose it.
[<Sealed>]
type JwtKey private (kid: string, algorithm: JwtAlgorithm, key: byte[]) =

    static let leastBits = 2048
    static let p256 = "1.2.840.10045.3.1.7"

    static let ofRsa (kid: string) (rsa: RSA) : Result<JwtKey, string> =
        if rsa.KeySize < leastBits then
            Error "an RSA key needs 2048 bits or more"
        else
            Ok(JwtKey(kid, JwtAlgorithm.Rs256, rsa.ExportSubjectPublicKeyInfo()))

    static let ofEcdsa (kid: string) (ecdsa: ECDsa) : Result<JwtKey, string> =
        if ecdsa.ExportParameters(false).Curve.Oid.Value = p256 then
            Ok(JwtKey(kid, JwtAlgorithm.Es256, ecdsa.ExportSubjectPublicKeyInfo()))
        else
            Error "an elliptic key has to be one of the curve P-256"

    static let ofInfo (kid: string) (info: byte[]) : Result<JwtKey, string> =
        let mutable read = 0
        let key = PublicKey.CreateFromSubjectPublicKeyInfo(ReadOnlySpan info, &read)

        match key.GetRSAPublicKey() with
        | null ->
            match key.GetECDsaPublicKey() with
            | null -> Error "say an RSA key or one of the curve P-256"
            | found ->
                use ecdsa = found
                ofEcdsa kid ecdsa
        | found ->
            use rsa = found
            ofRsa kid rsa

    /// The key that a PEM file holds (`PUBLIC KEY`), or what is wrong with it.
    static member Read(kid: string, pem: string) : Result<JwtKey, string> =
        let wrong =
            Error "say a PEM file with one PUBLIC KEY, as `openssl pkey -pubout` writes it"

        let mutable fields = PemFields()

        let piece (range: Range) =
            let struct (start, length) = range.GetOffsetAndLength pem.Length
            pem.Substring(start, length)

        if
            not (PemEncoding.TryFind(pem.AsSpan(), &fields))
            || piece fields.Label <> "PUBLIC KEY"
        then
            wrong
        else
            try
                ofInfo kid (Convert.FromBase64String(piece fields.Base64Data))
            with :? CryptographicException ->
                wrong

    /// The name by which tokens choose it.
    member _.Kid = kid

    /// The algorithm that its kind has.
    member _.Algorithm = algorithm

    /// Whether this key's owner has signed that.
    member _.HasSigned(signed: ReadOnlySpan<byte>, signature: ReadOnlySpan<byte>) : bool =
        match algorithm with
        | JwtAlgorithm.Rs256 ->
            use rsa = RSA.Create()
            rsa.ImportSubjectPublicKeyInfo(ReadOnlySpan key) |> ignore

            rsa.VerifyData(signed, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
        | JwtAlgorithm.Es256 ->
            use ecdsa = ECDsa.Create()
            ecdsa.ImportSubjectPublicKeyInfo(ReadOnlySpan key) |> ignore

            ecdsa.VerifyData(
                signed,
                signature,
                HashAlgorithmName.SHA256,
                DSASignatureFormat.IeeeP1363FixedFieldConcatenation
            )
