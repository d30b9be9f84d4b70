// JwtLaws: what a token has to be before anything that it says is believed.

module Sip.Properties.JwtLaws

open System
open System.Reflection
open System.Security.Cryptography
open System.Text
open Expecto
open FsCheck.FSharp
open Sip
open Sip.Identity
open Sip.Properties.Tokens

let private refused (flaw: JwtFlaw) (token: string) =
    Expect.equal (Result.map (fun (c: Claims) -> c.Subject) (verify token)) (Error flaw) token

let private ours header = sign Signer.Rsa header claims
let private saying text = sign Signer.Rsa rsaHeader text

let private withClaims (iss: string) (aud: string) (rest: string) =
    saying $"""{{"iss":%s{iss},"aud":%s{aud},"sub":"alice"%s{rest}}}"""

let private issuer = "\"https://issuer.example\""
let private audience = "\"sip.example.com\""
let private inTime = ",\"exp\":1800000300"
let private spki = Encoding.ASCII.GetBytes rsaPem

// Each with what is to be said about it.
let private crafted: (string * JwtFlaw) list =
    [
        sign Signer.Nobody """{"alg":"none"}""" claims, JwtFlaw.NoKey
        sign Signer.Nobody """{"alg":"none","kid":"r1"}""" claims, JwtFlaw.NoKey
        sign Signer.Nobody """{"alg":"NoNe","kid":"r1"}""" claims, JwtFlaw.NoKey
        sign Signer.Nobody rsaHeader claims, JwtFlaw.Forged
        sign (Signer.Hmac spki) """{"alg":"HS256","kid":"r1"}""" claims, JwtFlaw.NoKey
        sign (Signer.Hmac spki) rsaHeader claims, JwtFlaw.Forged
        ours """{"alg":"RS256"}""", JwtFlaw.NoKey
        ours """{"kid":"r1"}""", JwtFlaw.NoKey
        ours """{"alg":"ES256","kid":"r1"}""", JwtFlaw.NoKey
        ours """{"alg":"PS256","kid":"r1"}""", JwtFlaw.NoKey
        ours """{"alg":"rs256","kid":"r1"}""", JwtFlaw.NoKey
        ours """{"alg":["RS256"],"kid":"r1"}""", JwtFlaw.NoKey
        ours """{"alg":"RS256","kid":"../../etc/passwd"}""", JwtFlaw.NoKey
        ours """{"alg":"RS256","kid":"r1' OR '1'='1"}""", JwtFlaw.NoKey
        ours """{"alg":"RS256","kid":"r1\u0000"}""", JwtFlaw.NoKey
        ours """{"alg":"RS256","kid":"R1"}""", JwtFlaw.NoKey
        sign
            Signer.OtherRsa
            """{"alg":"RS256","kid":"r1","jku":"https://attacker.example/k"}"""
            claims,
        JwtFlaw.Forged
        sign
            Signer.OtherRsa
            """{"alg":"RS256","kid":"r1","jwk":{"kty":"RSA","n":"AQAB","e":"AQAB"}}"""
            claims,
        JwtFlaw.Forged
        ours """{"alg":"RS256","kid":"r1","crit":["exp"]}""", JwtFlaw.Unreadable
        ours """{"alg":"RS256","kid":"r1","typ":"logout+jwt"}""", JwtFlaw.Unreadable
        ours """{"alg":"none","alg":"RS256","kid":"r1"}""", JwtFlaw.Unreadable
        ours """{"alg":"RS256","kid":"r1","\u006bid":"e1"}""", JwtFlaw.Unreadable
        ours """["RS256","r1"]""", JwtFlaw.Unreadable
        ours (rsaHeader + "{}"), JwtFlaw.Unreadable
        ours (String.replicate 100 """{"a":""" + "1" + String.replicate 100 "}"), JwtFlaw.Unreadable
        ours """{"alg":"RS256","kid":"\ud800"}""", JwtFlaw.Unreadable
        saying "null", JwtFlaw.Unreadable
        saying (claims.Replace("\"sub\":", "\"sub\":\"bob\",\"sub\":")), JwtFlaw.Unreadable
        withClaims "\"https://attacker.example\"" audience inTime, JwtFlaw.OtherIssuer
        withClaims "[\"https://issuer.example\"]" audience inTime, JwtFlaw.OtherIssuer
        withClaims issuer "\"other\"" inTime, JwtFlaw.OtherAudience
        withClaims issuer "[]" inTime, JwtFlaw.OtherAudience
        withClaims issuer "[\"sip.example.com\",1]" inTime, JwtFlaw.OtherAudience
        withClaims issuer "{\"sip.example.com\":1}" inTime, JwtFlaw.OtherAudience
        withClaims issuer audience "", JwtFlaw.Expired
        withClaims issuer audience ",\"exp\":\"1800000300\"", JwtFlaw.Expired
        withClaims issuer audience ",\"exp\":1799999970", JwtFlaw.Expired
        withClaims issuer audience ",\"exp\":-9223372036854775808", JwtFlaw.Expired
        withClaims issuer audience ",\"exp\":1e300", JwtFlaw.Expired
        withClaims issuer audience (inTime + ",\"nbf\":1800000031"), JwtFlaw.NotYet
        withClaims issuer audience (inTime + ",\"nbf\":\"now\""), JwtFlaw.NotYet
        saying """{"iss":"https://issuer.example","aud":"sip.example.com","exp":1800000300}""",
        JwtFlaw.Nobody
        saying
            """{"iss":"https://issuer.example","aud":"sip.example.com","exp":1800000300,"sub":""}""",
        JwtFlaw.Nobody
        "", JwtFlaw.Unreadable
        "a.b", JwtFlaw.Unreadable
        "a.b.c.d.e", JwtFlaw.Unreadable
        String('a', 9000), JwtFlaw.Unreadable
    ]

let private readKey (pem: string) = Result.isOk (JwtKey.Read("k", pem))

let all =
    testList
        "Tokens"
        [
            Law.holds
                "a token that our key has signed for us says who its user is"
                (Arb.fromGen sound)
            <| fun token ->
                match verify token with
                | Ok claims -> claims.Subject = "alice" && claims.Expires = now + 300L<s>
                | Error _ -> false

            Law.holds "of mutated, truncated and resigned tokens none is accepted" forged
            <| fun (_, token) -> Result.isError (verify token)

            testCase "a crafted token is refused, each for its reason"
            <| fun () ->
                for token, flaw in crafted do
                    refused flaw token

            testCase "a token counts within the leeway of both its ends"
            <| fun () ->
                Expect.isOk (verify (withClaims issuer audience ",\"exp\":1799999971")) "the end"

                Expect.isOk
                    (verify (withClaims issuer audience (inTime + ",\"nbf\":1800000030")))
                    "the beginning"

            testCase "an unverified token has no claim to read"
            <| fun () ->
                let everything =
                    BindingFlags.Public ||| BindingFlags.Instance ||| BindingFlags.DeclaredOnly

                let members = typeof<Unverified>.GetMembers everything |> Array.map _.Name
                Expect.equal members [| "ToString" |] "members of a token as it came"
                Expect.isEmpty (typeof<Claims>.GetConstructors()) "ways to claims but by verifying"

            testCase "a key that is private, short or of another kind is refused"
            <| fun () ->
                use short = RSA.Create 1024
                use other = ECDsa.Create ECCurve.NamedCurves.nistP384
                Expect.isTrue (readKey rsaPem) "a public key"
                Expect.isFalse (readKey (short.ExportSubjectPublicKeyInfoPem())) "1024 bits"
                Expect.isFalse (readKey (short.ExportPkcs8PrivateKeyPem())) "a private key"
                Expect.isFalse (readKey (other.ExportSubjectPublicKeyInfoPem())) "P-384"

                Expect.isFalse
                    (readKey "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----")
                    "noise"

                Expect.isFalse (readKey "") "nothing"
        ]
