// TendingLaws: whether the servers behind an edge answer, and what becomes of what waits for them.

module Sip.Properties.World.TendingLaws

open System
open System.Collections.Generic
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Edge
open Sip.Registrar
open Sip.Routing
open Sip.Transactions
open Sip.Properties
open Sip.Properties.World.Front

let private asked (sent: (Hop * Sheet) list) =
    sent
    |> List.filter (fun (_, sheet) -> Sheet.isRequest sheet && Sheet.method sheet = "OPTIONS")

/// What the servers that answer say to all that comes within so long.
let private tended (edge: Edge) (answering: Address list) (milliseconds: int64) =
    for _ in 1L .. milliseconds / 100L do
        for hop, sheet in asked (edge.Passes 100L) do
            match hop with
            | Hop.Flow flow when List.contains flow.Remote.Address answering ->
                edge.Says flow (answered 200 [] sheet) |> ignore
            | Hop.Flow _
            | Hop.Dial _ -> ()

/// Asking the registrar's servers.
let tending shards =
    [
        test "a server behind us is asked whether it answers, every half minute" {
            let edge, _, _ = waiting shards [ here ]
            let first = asked (edge.Passes 1L)
            Expect.equal (List.map fst first) [ Hop.Flow home ] "at once"
            edge.Says home (answered 200 [] (snd first.Head)) |> ignore
            Expect.equal (asked (edge.Passes 29_000L)) [] "not again"
            Expect.equal (List.map fst (asked (edge.Passes 1_100L))) [ Hop.Flow home ] "again"
        }

        test "who does not answer is tried last, until it answers again" {
            let edge, browser, _ = waiting shards named
            edge.Answers(zone places) |> ignore
            tended edge places.Tail 10_000L

            let next number =
                edge.Says
                    browser
                    { invite with
                        Fields =
                            ("Via", $"SIP/2.0/WSS x7.invalid;branch=z9hG4bK-n%d{number}")
                            :: List.tail invite.Fields
                    }
                |> one
                |> fst

            Expect.equal (next 1) (dial places[1] 5071) "the first is silent"
            tended edge places 10_000L
            Expect.equal (next 2) (dial places.Head 5070) "the first again"
        }

        test "a response from elsewhere keeps no server alive" {
            let edge, browser, _ = waiting shards named
            edge.Answers(zone places) |> ignore

            for hop, sheet in asked (edge.Passes 1L) do
                if hop = dial places.Head 5070 then
                    edge.Says
                        (Ground.flow Transport.Udp 0L (v4 0xCB007109u) 5070)
                        (answered 200 [] sheet)
                    |> ignore

            tended edge places.Tail 10_000L

            let again =
                { invite with
                    Fields =
                        ("Via", "SIP/2.0/WSS x7.invalid;branch=z9hG4bK-2") :: invite.Fields.Tail
                }

            let hop, _ = one (edge.Says browser again)
            Expect.equal hop (dial places[1] 5071) "the first is silent"
        }
    ]

let private events =
    Gen.listOf (
        Gen.zip
            (Gen.choose (0, 9000))
            (Gen.elements
                [
                    PulseEvent.Tick
                    PulseEvent.Tick
                    PulseEvent.Unsendable
                    PulseEvent.Failed
                    PulseEvent.Answered
                        {
                            Status = Status.ok
                            Bytes = ReadOnlyMemory.Empty
                        }
                    PulseEvent.Answered
                        {
                            Status = Status.serviceUnavailable
                            Bytes = ReadOnlyMemory.Empty
                        }
                ])
    )
    |> Arb.fromGen

/// One server's.
let pulse =
    Law.holds
        "whatever happens a server is asked again within half a minute, and only its answer makes it alive"
        events
    <| fun events ->
        let step (now, pulse, fine) (pause, event) =
            let now = now + int64 pause

            let struct (next, _) =
                Pulse.step Timing.usual Delivery.Unreliable (Ground.at now) event pulse

            let isAnswer =
                match event with
                | PulseEvent.Answered response -> response.Status = Status.ok
                | PulseEvent.Tick
                | PulseEvent.Unsendable
                | PulseEvent.Failed -> false

            let revived =
                Pulse.condition pulse = Condition.Silent
                && Pulse.condition next = Condition.Alive

            now,
            next,
            fine
            && (Pulse.wake next).Milliseconds <= now + 30_000L
            && (isAnswer || not revived)

        let _, _, fine = List.fold step (1000L, Pulse.fresh (Ground.at 1000L), true) events
        fine

/// The cuts and floods that may come while names are looked up.
let private scripts =
    Gen.listOf (
        Gen.frequency
            [
                4, Gen.map (fun n -> "ask " + string n) (Gen.choose (1, 20))
                2, Gen.map (fun n -> "cut " + string n) (Gen.choose (1, 3))
                2, Gen.constant "answer"
                1, Gen.constant "fail"
                2, Gen.map (fun n -> "wait " + string (100 * n)) (Gen.choose (1, 9))
            ]
    )

/// All in all.
let total =
    Law.holds
        "whatever happens meanwhile, nothing that waited is left in the end"
        (Arb.fromGen (Gen.zip (Gen.choose (1, 3)) scripts))
    <| fun (shards, script) ->
        let edge = Edge(realm byPath named, shards)
        let live = HashSet<int64>()

        let connect number =
            if live.Add number then
                edge.Opens(browser number)

        for deed in script do
            let number = Int64.Parse((deed + " 0").Split(' ')[1])

            match deed.Split(' ')[0] with
            | "ask" ->
                connect (number % 3L + 1L)

                let sheet =
                    { invite with
                        Fields =
                            ("Via", $"SIP/2.0/WSS x7.invalid;branch=z9hG4bK-%d{number}")
                            :: List.tail invite.Fields
                    }

                edge.Says (browser (number % 3L + 1L)) sheet |> ignore
            | "cut" when live.Remove number -> edge.Take(Input.Closed(browser number)) |> ignore
            | "answer" -> edge.Answers(zone places) |> ignore
            | "fail" -> edge.Answers(fun _ -> Answer.Failed) |> ignore
            | "wait" -> edge.Passes number |> ignore
            | _ -> ()

        edge.Passes 400_000L |> ignore

        for number in live do
            edge.Take(Input.Closed(browser number)) |> ignore

        edge.Held = 0
