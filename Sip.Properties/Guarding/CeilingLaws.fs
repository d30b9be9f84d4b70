// CeilingLaws: what is begun and what is finished when memory runs out, and what is told of it.

module Sip.Properties.Guarding.CeilingLaws

open Expecto
open FsCheck.FSharp
open Sip
open Sip.Guarding
open Sip.Routing
open Sip.Edge
open Sip.Properties

let private rooms = [ Room.Ample; Room.Scarce; Room.Gone ]

let private ranks =
    [
        Urgency.UnderWay
        Urgency.Emergency
        Urgency.Returning
        Urgency.Call
        Urgency.Newcomer
        Urgency.Rest
    ]

let private order =
    testCase
        "with less room nothing is worked on that was not with more, nothing before what is more urgent, and what is under way always"
    <| fun () ->
        for room in rooms do
            let works = ranks |> List.map (Ceiling.admits room)
            Expect.isTrue works.Head "under way"

            Expect.isTrue
                (List.pairwise works |> List.forall (fun (more, less) -> more || not less))
                "by urgency"

        for more, less in List.pairwise rooms do
            for urgency in ranks do
                Expect.isTrue
                    (Ceiling.admits more urgency || not (Ceiling.admits less urgency))
                    "by room"

        Expect.allEqual (ranks |> List.map (Ceiling.admits Room.Ample)) true "with room for all"

let private margin =
    Law.holds
        "room is gone at nine tenths, ample below three quarters, and a figure that moves by less than a twentieth changes it once at most"
        (Gen.zip3
            (Gen.choose (1_000_000, 2_000_000_000))
            (Gen.choose (0, 1100))
            (Gen.listOf (Gen.choose (0, 48)))
         |> Arb.fromGen)
    <| fun (most, permille, jitter) ->
        let most = int64 most

        let walk =
            jitter
            |> List.map (fun more -> most * int64 (permille + more) / 1000L)
            |> List.scan (fun room used -> Ceiling.step used most room) Room.Ample

        let changes = List.pairwise walk |> List.filter (fun (a, b) -> a <> b)

        (permille < 910 || List.forall ((=) Room.Gone) (List.tail walk))
        && (permille > 700 || List.forall ((=) Room.Ample) walk)
        && (jitter.Length < 2 || changes.Length <= 2)
        && rooms |> List.forall (fun room -> Ceiling.step 0L most room = Room.Ample)
        && rooms |> List.forall (fun room -> Ceiling.step (most * 2L) 0L room = Room.Ample)

let private kept =
    Law.holds
        "of any number of descriptors clients are left all but a fortieth, or all but 16"
        (Gen.choose (17, 1_000_000) |> Arb.fromGen)
    <| fun most ->
        let theirs = Ceiling.descriptors (int64 most)

        let kept = int64 most - theirs
        theirs >= 1L && kept >= 16L && (kept = 16L || kept * 40L <= int64 most)

/// A call to Bob, who is registered over a datagram; then room gets scarce or is gone.
let private finished =
    Law.holds
        "without room a new call and a newcomer hear 503 and when to come back, a call under way is answered and ended, and with room again calls are begun"
        (Gen.elements [ Room.Scarce; Room.Gone ] |> Arb.fromGen)
    <| fun room ->
        let visitors = Visitors.WithBob Bound.usual

        let ask method more =
            visitors.Ask(2000L, Narrow.udp, method, "alice", "sip:bob@example.test", more)

        let call () =
            ask "INVITE" "Contact: <sip:a@192.0.2.9>\r\n"

        let invite = call () |> List.find _.StartsWith("INVITE ")
        visitors.Ledger.Load.Room <- room

        let isRefused (sent: string list) =
            sent |> List.forall (fun text -> text.StartsWith "SIP/2.0 503")
            && sent |> List.exists _.Contains("\r\nRetry-After: ")

        let copied =
            invite.Split "\r\n"
            |> Array.filter (fun line ->
                [ "Via:"; "From:"; "Call-ID:"; "CSeq:"; "Record-Route:" ]
                |> List.exists line.StartsWith)

        let ok =
            String.concat
                "\r\n"
                [
                    "SIP/2.0 200 OK"
                    yield! copied
                    "To: <sip:alice@example.test>;tag=b"
                    "Contact: <sip:bob@192.0.2.1>"
                    "Content-Length: 0"
                    ""
                    ""
                ]

        let answered =
            visitors.Ledger.Take(
                Ground.at 2100L,
                Input.Arrived(Visitors.Bob, System.ReadOnlyMemory(Text.toBytes ok))
            )
            |> Sends.texts
            |> List.exists (fun (hop, text) ->
                hop = Hop.Flow Narrow.udp && text.StartsWith "SIP/2.0 200")

        // However often: there is time to say no, though nothing is worked on that would pay for it.
        let newCall = List.forall (fun _ -> isRefused (call ())) [ 1..1_100 ]
        let newcomer = isRefused (ask "REGISTER" "Contact: <sip:a@192.0.2.9>\r\n")

        let ends =
            ask "BYE" "" |> List.exists (fun text -> not (text.StartsWith "SIP/2.0 503"))

        visitors.Ledger.Load.Room <- Room.Ample
        let again = call () |> List.exists _.StartsWith("INVITE ")
        answered && newCall && newcomer && ends && again

let private told =
    testCase "what no shard counts is told by name, and a certificate's name breaks out of no label"
    <| fun () ->
        let gauge about value =
            {
                Name = "sip_certificate_days"
                Help = "whole days that a certificate is good for"
                About = about
                Value = value
            }

        Expect.equal
            (Census.gauges
                [|
                    gauge "sip.example" 89.
                    gauge "a\"} 1\nb\\" -2.5
                    { gauge "" 7. with
                        Name = "sip_memory_bytes"
                    }
                |])
            ("# HELP sip_certificate_days whole days that a certificate is good for\n"
             + "# TYPE sip_certificate_days gauge\n"
             + "sip_certificate_days{name=\"sip.example\"} 89\n"
             + "sip_certificate_days{name=\"a\\\"} 1\\nb\\\\\"} -2.5\n"
             + "# HELP sip_memory_bytes whole days that a certificate is good for\n"
             + "# TYPE sip_memory_bytes gauge\nsip_memory_bytes 7\n")
            "the text"

/// Every law.
let all: Test = testList "Room for all" [ order; margin; kept; finished; told ]
