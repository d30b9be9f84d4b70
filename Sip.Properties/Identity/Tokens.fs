// Tokens: an issuer with keys of both kinds, the tokens it signs, and those that an attacker makes.

module Sip.Properties.Tokens

open System
open System.Buffers.Text
open System.Security.Cryptography
open System.Text
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Identity

let private rsa = RSA.Create 2048
let private ecdsa = ECDsa.Create ECCurve.NamedCurves.nistP256
let private othersRsa = RSA.Create 2048
let private othersEcdsa = ECDsa.Create ECCurve.NamedCurves.nistP256

/// The issuer's RSA key as everybody may read it.
let rsaPem = rsa.ExportSubjectPublicKeyInfoPem()

/// The attacker's RSA key.
let othersPem = othersRsa.ExportSubjectPublicKeyInfoPem()

let private key kid pem =
    match JwtKey.Read(kid, pem) with
    | Ok key -> key
    | Error words -> failwith words

let rules =
    {
        Issuer = "https://issuer.example"
        Audience = "sip.example.com"
        Keys = [ key "r1" rsaPem; key "e1" (ecdsa.ExportSubjectPublicKeyInfoPem()) ]
    }

/// The second at which everything is asked.
let now = 1_800_000_000L<s>

let encode (text: string) =
    Base64Url.EncodeToString(ReadOnlySpan(Encoding.UTF8.GetBytes text))

/// Who signs, and how.
[<RequireQualifiedAccess>]
type Signer =
    | Rsa
    | Ecdsa
    | OtherRsa
    | OtherEcdsa
    /// HMAC with the bytes of a public key, which everybody has.
    | Hmac of Key: byte[]
    | Nobody

let private signature signer (bytes: byte[]) : byte[] =
    let byRsa (key: RSA) =
        key.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)

    match signer with
    | Signer.Rsa -> byRsa rsa
    | Signer.OtherRsa -> byRsa othersRsa
    | Signer.Ecdsa -> ecdsa.SignData(bytes, HashAlgorithmName.SHA256)
    | Signer.OtherEcdsa -> othersEcdsa.SignData(bytes, HashAlgorithmName.SHA256)
    | Signer.Hmac key -> HMACSHA256.HashData(key, bytes)
    | Signer.Nobody -> [||]

/// The token of this header and these claims, both as JSON.
let sign (signer: Signer) (header: string) (claims: string) : string =
    let signed = encode header + "." + encode claims

    signed
    + "."
    + Base64Url.EncodeToString(ReadOnlySpan(signature signer (Encoding.ASCII.GetBytes signed)))

let rsaHeader = """{"alg":"RS256","kid":"r1","typ":"JWT"}"""
let ecdsaHeader = """{"alg":"ES256","kid":"e1"}"""

/// The claims of a user from a minute ago until this second.
let claimsUntil (until: int64<s>) (user: string) =
    $"""{{"iss":"https://issuer.example","aud":["other","sip.example.com"],"sub":"%s{user}","iat":1799999940,"exp":%d{until},"x":{{"y":[1,{{}}]}}}}"""

let claims = claimsUntil (now + 300L<s>) "alice"

let verify (token: string) =
    match Unverified.TryOf token with
    | ValueSome token -> Jwt.verify rules now token
    | ValueNone -> Error JwtFlaw.Unreadable

let sound =
    Gen.elements [ sign Signer.Rsa rsaHeader claims; sign Signer.Ecdsa ecdsaHeader claims ]

let private base64 =
    Gen.elements (
        List.ofSeq "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.= \n%"
    )

let private changed (token: string) =
    gen {
        let! at = Gen.choose (0, token.Length - 1)
        let! cut = Gen.choose (0, min 4 (token.Length - at))
        let! put = Gen.listOf base64 |> Gen.map (List.toArray >> String)
        return token.Remove(at, cut).Insert(at, put)
    }

let private truncated (token: string) =
    Gen.choose (0, token.Length - 1)
    |> Gen.map (fun length -> token.Substring(0, length))

let private resigned =
    Gen.elements
        [
            sign Signer.OtherRsa rsaHeader claims
            sign Signer.OtherEcdsa ecdsaHeader claims
            sign Signer.Rsa ecdsaHeader claims
            sign Signer.Ecdsa rsaHeader claims
        ]

// A part of one token in the place of another's.
let private mixed (token: string) =
    gen {
        let! other = resigned
        let! part = Gen.choose (0, 2)
        let pieces = token.Split '.'
        pieces[part] <- (other.Split '.')[part]
        return String.Join(".", pieces)
    }

/// A sound token, and what an attacker without the keys makes of it.
let forged: Arbitrary<string * string> =
    gen {
        let! token = sound

        let! other =
            Gen.frequency [ 6, changed token; 2, truncated token; 1, mixed token; 1, resigned ]

        return token, other
    }
    |> Gen.filter (fun (token, other) -> token <> other)
    |> Arb.fromGen
