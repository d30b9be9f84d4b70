// AdmissionLaws: which requests are worked on and which are refused before they are routed, and by what
// answer (RFC 3261 §16.3).

module Sip.Properties.AdmissionLaws

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Edge


let private request (method: string) (uri: string) (fields: string list) : Message =
    let more = fields |> List.map (fun field -> field + "\r\n") |> String.Concat

    let text =
        method
        + " "
        + uri
        + " SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\n"
        + "To: <sip:bob@example.test>\r\nCall-ID: 1@x\r\nCSeq: 1 "
        + method
        + "\r\n"
        + more
        + "\r\n"

    match Reading.message Limits.usual (ReadOnlySpan(Text.toBytes text)) with
    | Arrival.Message message -> message
    | Arrival.Broken(fault, _) -> failtest $"%A{fault} in\n%s{text}"

let private methods =
    Gen.elements [ "INVITE"; "MESSAGE"; "OPTIONS"; "UPDATE"; "NOVEL-1"; "x.y" ]

let private statusOf (found: Refusal voption) =
    match found with
    | ValueSome refusal -> (Refusal.status refusal).Number
    | ValueNone -> 0

let private unknown =
    Law.holds
        "a method or a field that nobody knows is no reason to refuse"
        (Arb.fromGen (Gen.zip methods (Gen.elements [ "X-New: a;b"; "Novel: \"1\""; "Require: x" ])))
    <| fun (method, field) ->
        statusOf (
            Admission.check (Ground.station ()) (request method "sip:bob@example.test" [ field ])
        )
            =
            0

let private hops =
    Law.holds
        "a request with no hop left is refused with 483, but for an OPTIONS to us"
        (Arb.fromGen (Gen.zip3 methods (Gen.choose (0, 3)) (Gen.elements [ "bob@"; "" ])))
    <| fun (method, hops, user) ->
        let uri = "sip:" + user + "example.test"
        let forUs = method = "OPTIONS" && user = ""

        let found =
            Admission.check
                (Ground.station ())
                (request method uri [ "Max-Forwards: " + string hops ])

        statusOf found = (if hops = 0 && not forUs then 483 else 0)

let private options =
    Gen.nonEmptyListOf (Gen.elements [ "foo"; "sec-agree"; "privacy"; "100rel"; "path" ])

let private extensions =
    Law.holds
        "a Proxy-Require is refused with 420 and an Unsupported that lists it"
        (Arb.fromGen (Gen.zip methods options))
    <| fun (method, options) ->
        let written = String.Join(", ", options)

        match
            Admission.check
                (Ground.station ())
                (request method "sip:bob@example.test" [ "Proxy-Require: " + written ])
        with
        | ValueSome refusal ->
            (Refusal.status refusal).Number = 420
            && Refusal.headers refusal = [ "Unsupported", written ]
        | ValueNone -> false

let private scheme =
    Law.holds
        "a Request-URI of another scheme is refused with 416"
        (Arb.fromGen (
            Gen.elements [ "tel:+15551234"; "mailto:bob@example.test"; "urn:service:sos" ]
        ))
    <| fun uri -> statusOf (Admission.check (Ground.station ()) (request "INVITE" uri [])) = 416

let private instances =
    Law.holds
        "a GRUU is reached without a password within a dialog only: by a user in their own name, by an ACK"
        (Arb.fromGen (
            gen {
                let! method = Gen.elements [ "INVITE"; "BYE"; "MESSAGE"; "ACK" ]
                let! within = Gen.elements [ true; false ]
                let! speaker = Gen.elements [ Speaker.Own; Speaker.Alien; Speaker.Stranger ]
                return method, within, speaker
            }
        ))
    <| fun (method, within, speaker) ->
        let asked = request method "sip:bob@example.test;gr=urn:uuid:1" []

        let message =
            if within then
                let text = Text.ofBytes asked.Bytes

                match
                    Reading.message
                        Limits.usual
                        (ReadOnlySpan(
                            Text.toBytes (
                                text.Replace(
                                    "<sip:bob@example.test>",
                                    "<sip:bob@example.test>;tag=2"
                                )
                            )
                        ))
                with
                | Arrival.Message message -> message
                | Arrival.Broken(fault, _) -> failtest $"%A{fault}"
            else
                asked

        let source = (Ground.station ()).Flows.Of Ground.stranger

        let demanded =
            Gate.demand (Ground.station ()) source speaker Target.Instance message

        let free = within && (method = "ACK" || speaker = Speaker.Own)

        match demanded with
        | Demand.Nothing -> free
        | Demand.AsProxy -> not free && method <> "ACK"
        | Demand.Unmeetable -> not free && method = "ACK"
        | Demand.AsStranger
        | Demand.AsRegistrar -> false

/// Every law.
let all: Test =
    testList "Admission (RFC 3261 16.3)" [ unknown; hops; extensions; scheme; instances ]
