// SheddingLaws: what a ledger under load refuses, and what it works on all the same.

module Sip.Properties.Guarding.SheddingLaws

open Expecto
open FsCheck.FSharp
open Sip
open Sip.Routing
open Sip.Guarding
open Sip.Properties
open Sip.Properties.Guarding.Narrow

let private loaded (waited: int64<ms>) =
    let visitors = Visitors(Bound.usual, Admittance.Authenticated)
    visitors.Waits waited
    visitors

let private shedding =
    testCase
        "under load a new call and a newcomer are refused with 503 and Retry-After, and who has answered a challenge is not"
    <| fun () ->
        let visitors = loaded 150L<ms>
        let invite = "Contact: <sip:a@192.0.2.9>\r\n"

        let asked =
            visitors.Ask(2000L, udp, "INVITE", "alice", "sip:bob@example.test", invite)

        Expect.equal (Answered.status asked) 503 "a call"
        Expect.stringContains (List.head asked) "Retry-After: " "when to come back"

        let asked =
            visitors.Ask(2000L, udp, "REGISTER", "alice", "sip:example.test", invite)

        Expect.equal (Answered.status asked) 503 "a newcomer"
        let answer = "Authorization: Digest username=\"alice\"\r\n" + invite

        let asked =
            visitors.Ask(2000L, udp, "REGISTER", "alice", "sip:example.test", answer)

        Expect.notEqual (Answered.status asked) 503 "an answer, which is judged"

let private answers =
    Law.holds
        "no client that has answered its challenge is dropped between the steps of an avalanche"
        (Gen.choose (75, 199) |> Arb.fromGen)
    <| fun waited ->
        let mood = Mood.Shedding
        let waited = int64 waited * 1L<ms>

        not (Overload.isWorked mood waited Urgency.Newcomer)
        && Overload.isWorked mood waited Urgency.Returning

let private dialogs =
    Law.holds
        "however long waits are, an end of what is under way is worked on"
        (Gen.zip (Gen.choose (60, 20_000)) (Gen.elements [ "BYE"; "INVITE"; "INFO" ])
         |> Arb.fromGen)
    <| fun (waited, method) ->
        let visitors = loaded (int64 waited * 1L<ms>)

        let text =
            $"%s{method} sip:bob@example.test SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKd1\r\n"
            + "Max-Forwards: 70\r\nFrom: <sip:alice@example.test>;tag=a\r\nTo: <sip:bob@example.test>;tag=b\r\n"
            + $"Call-ID: d\r\nCSeq: 2 %s{method}\r\nContent-Length: 0\r\n\r\n"

        Answered.status (visitors.Says(2000L, udp, text)) = 407

/// Every law.
let all: Test = testList "Bounds, bans and load" [ shedding; answers; dialogs ]
