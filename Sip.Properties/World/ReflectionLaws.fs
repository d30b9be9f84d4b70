// ReflectionLaws: what has a source that may be made up gets no more than it sent.

module Sip.Properties.World.ReflectionLaws

open System
open Expecto
open FsCheck.FSharp
open Sip
open Sip.Edge
open Sip.Routing
open Sip.Properties
open Sip.Properties.World.Strangers

let private sizes =
    gen {
        let! method =
            Gen.elements
                [ "INVITE"; "OPTIONS"; "REGISTER"; "MESSAGE"; "NOVEL"; "CANCEL"; "ACK"; "BYE" ]

        let! uri =
            Gen.elements
                [
                    "sip:bob@example.test"
                    "sip:example.test"
                    "sip:nobody@example.test"
                    "sip:x@203.0.113.77"
                    "tel:1"
                    "sip:bob@example.test;alias=AAAA"
                ]

        let! padding = Gen.choose (0, 900)

        let! more =
            Gen.elements
                [
                    []
                    [ "Require: a" ]
                    [ "Proxy-Require: a" ]
                    [ "CSeq: x" ]
                    [ "Authorization: Digest username=\"bob\"" ]
                    [ "Proxy-Authorization: Digest username=\"bob\"" ]
                ]

        let! port = Gen.choose (1024, 65535)
        return method, uri, padding, more, port
    }

let private reflected =
    let mutable number = 0

    Law.holds
        "a datagram from a source that proves nothing is answered once at most, with at most half as many bytes again, and never again later"
        (Arb.fromGen sizes)
    <| fun (method, uri, padding, more, port) ->
        number <- number + 1
        let ledger = ledger ()
        let victim = flow Transport.Udp 0xCB00714Du port

        let message =
            text method uri number "" (("Subject: " + String('s', padding)) :: more)

        let out =
            [
                for time in [ 1L; 500L ] do
                    yield! Sends.texts (take ledger time victim message)
                yield! Sends.texts (ledger.Take(Ground.at 100_000L, Input.Tick))
            ]

        let isShort (_, answer: string) =
            (answer.Length + 28) * 2 <= (message.Length + 28) * 3

        out.Length <= 2
        && List.forall isShort out
        && List.forall (fun (hop, _) -> hop = Hop.Flow victim) out

let private audible =
    testCase
        "a REGISTER as phones write it is challenged, not passed over, from a source that proves nothing"
    <| fun () ->
        let message =
            text
                "REGISTER"
                "sip:example.test"
                1
                ""
                [
                    "User-Agent: Some Phone 1.0"
                    "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, NOTIFY, REFER, MESSAGE"
                    "Supported: path, outbound, gruu"
                    "Expires: 3600"
                ]

        let sent =
            Sends.texts (take (ledger ()) 1L (flow Transport.Udp 0xCB00714Du 5060) message)

        let answer = sent |> List.exactlyOne |> snd |> Sheet.read
        Expect.equal (Sheet.status answer) 401 "asked"
        Expect.isNonEmpty (Sheet.all "WWW-Authenticate" answer) "for a password"

/// Every law.
let all: Test = testList "Policy (RFC 3261 22, 26)" [ reflected; audible ]
