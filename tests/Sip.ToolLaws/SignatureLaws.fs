// SignatureLaws: what the load generator signs without strings, the domain finds rightly signed.

module Sip.ToolLaws.SignatureLaws

open System
open Expecto
open FsCheck.FSharp
open Sip
open Sip.Identity
open Sip.Properties
open Sip.Tools.Load
open Sip.Tools.Load.Play
open Sip.Tools.Load.Wire

type private Asked =
    {
        Algorithm: Algorithm
        Realm: string
        Nonce: string
        Opaque: string voption
        Qops: Qop list
        User: int
        Uses: int
    }

let private asked =
    gen {
        let! algorithm = Gen.elements Algorithm.usual
        let! realm = Gen.elements [ "sip.test"; "a, b"; "a realm = of words" ]
        let! nonce = Gen.elements [ "abc"; "0123456789abcdef0123456789abcdef=="; "x,y=z" ]
        let! opaque = Gen.elements [ ValueNone; ValueSome "o"; ValueSome "5ccc069c" ]
        let! qops = Gen.elements [ []; [ Qop.Auth ]; [ Qop.Auth; Qop.AuthInt ] ]
        let! user = Gen.elements [ 0; 7; 123456; 1234567 ]
        let! uses = Gen.choose (1, 20)

        return
            {
                Algorithm = algorithm
                Realm = realm
                Nonce = nonce
                Opaque = opaque
                Qops = qops
                User = user
                Uses = uses
            }
    }
    |> Arb.fromGen

let private challenge asked =
    Challenge.print
        {
            Realm = asked.Realm
            Nonce = asked.Nonce
            Opaque = asked.Opaque
            Staleness = Staleness.Fresh
            Algorithm = AlgorithmName.Known asked.Algorithm
            Qops = asked.Qops
        }

let private response (challenge: string) =
    "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\n"
    + "Call-ID: c\r\nCSeq: 1 REGISTER\r\nWWW-Authenticate: "
    + challenge
    + "\r\n\r\n"
    |> Text.toBytes

/// The header field with which a user answers, after so many uses of the nonce.
let private signed answering asked =
    let mutable message = Incoming()
    Incoming.Read(ReadOnlySpan(response (challenge asked)), &message) |> ignore
    let login = Login()

    if login.Take(&message, answering, asked.User, "secret") then
        for i in 1 .. asked.Uses do
            login.Sign(
                Outgoing(),
                asked.User,
                ReadOnlySpan "REGISTER"B,
                ReadOnlySpan "sip:sip.test"B,
                uint32 i
            )

        ValueSome(Text.ofBytes login.Header.Span)
    else
        ValueNone

let private isRight asked =
    match signed Answering.First asked with
    | ValueNone -> false
    | ValueSome header ->
        let value = header.Substring("Authorization: ".Length).TrimEnd()

        match Credentials.read value with
        | Ok(Authorization.Digest credentials) ->
            let name = "user" + asked.User.ToString "D6"
            let ha1 = Ha1.ofPassword asked.Algorithm asked.Realm name "secret"

            let covered: Signed =
                {
                    Method = "REGISTER"
                    Uri = credentials.Uri
                    Nonce = asked.Nonce
                    Protection = credentials.Protection
                }

            let isCounted =
                match credentials.Protection with
                | Protection.Counted(_, count, _) -> count.Written = asked.Uses.ToString "x8"
                | Protection.NonceOnly -> asked.Qops.IsEmpty

            credentials.Username = name
            && credentials.Opaque = asked.Opaque
            && isCounted
            && Digest.verify ha1 covered credentials.Response = Proof.Right
        | Ok(Authorization.OtherScheme _)
        | Error _ -> false

let private isChosen asked =
    let answered answering = (signed answering asked).IsSome

    answered Answering.Md5 = (asked.Algorithm = Algorithm.Md5)
    && answered Answering.Sha256 = (asked.Algorithm = Algorithm.Sha256)

let all =
    testList
        "Signing"
        [
            Law.holds "what the generator signs, the server finds right" asked isRight
            Law.holds "only the challenge that was asked for is answered" asked isChosen
        ]
