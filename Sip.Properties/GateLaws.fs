// GateLaws: what a proven user may call themselves in a request, read from its octets (RFC 3261 §22.1).

module Sip.Properties.GateLaws

open System
open Expecto
open FsCheck.FSharp
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Edge
open Sip.Identity
open Sip.Properties

let private users =
    [ "alice"; "Alice"; "%61lice"; "alic"; "alicia"; "alice:secret"; "bob"; "" ]

let private hosts =
    [
        "example.test"
        "EXAMPLE.test"
        "example.test:5080"
        "example.testy"
        "elsewhere.test"
        "192.0.2.7"
        "anonymous.invalid"
    ]

let private names =
    Arb.fromGen (
        gen {
            let! scheme = Gen.elements [ "sip:"; "sips:"; "SIP:"; "tel:"; "mailto:" ]
            let! user = Gen.elements users
            let! host = Gen.elements hosts
            let! rest = Gen.elements [ ""; ";transport=ws"; ";user=phone" ]
            let at = if user = "" then "" else "@"
            return String.Concat(scheme, user, at, host) + rest
        }
    )

let private message (name: string) : Message voption =
    let text =
        "INVITE sip:bob@example.test SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK1\r\n"
        + $"Max-Forwards: 70\r\nFrom: <%s{name}>;tag=1\r\nTo: <sip:bob@example.test>\r\n"
        + "Call-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"

    match Reading.message Limits.usual (ReadOnlySpan(Text.toBytes text)) with
    | Arrival.Message message -> ValueSome message
    | Arrival.Broken _ -> ValueNone

let all =
    testList
        "Gate"
        [
            Law.holds "a name is told to be a proven user's from its octets as from its noun" names
            <| fun name ->
                let principal = Principal.at (Host.Name "example.test") "alice"

                match message name with
                | ValueNone -> true
                | ValueSome request ->
                    let isTheirs =
                        match UriView.ofText name with
                        | ValueSome uri -> Principal.mayUse principal uri <> Use.Foreign
                        | ValueNone -> false

                    let keys = Ground.mint.Keys

                    Gate.mayBe (Ground.station ()) keys principal Target.User request = isTheirs
        ]
