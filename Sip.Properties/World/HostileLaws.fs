// HostileLaws: what no message may do, however damaged, forged or many; and that a fault of our own
// costs one message and nothing else.

module Sip.Properties.World.HostileLaws

open System
open Expecto
open Sip
open Sip.Wire
open Sip.Edge
open Sip.Routing
open Sip.Registrar
open Sip.Transactions
open Sip.Identity
open Sip.Properties

let private pieces =
    [|
        ""
        "\r\n"
        "\""
        "<"
        ";"
        ","
        "\000"
        "%"
        "["
        " "
        "\n"
        ";tag="
        "sips:"
        "INVITE"
    |]

let private damage (dice: Random) (text: string) =
    let mutable damaged = text

    for _ in 0 .. dice.Next 3 do
        let at = dice.Next(damaged.Length + 1)
        let length = min (dice.Next 6) (damaged.Length - at)
        damaged <- damaged.Remove(at, length).Insert(at, pieces[dice.Next pieces.Length])

    damaged

/// The inputs of a world once more, each message also damaged, and also from another flow.
let private abused (run: Run) =
    let dice = Random run.Script.Seed
    let ledgers = World.ledgers run.Script.Shards
    let other = World.flow 91 Link.Udp 0L

    let take shard now input =
        try
            ledgers[shard].Take(now, input) |> ignore
            []
        with fault ->
            [ fault.ToString() ]

    [
        for happening in run.Happenings do
            let now, shard = happening.At, happening.Shard

            match Happening.carried happening with
            | Carried.Arrived(flow, bytes) ->
                let text = damage dice (Text.ofBytes bytes.Span)
                yield! take shard now (Input.Arrived(flow, ReadOnlyMemory(Text.toBytes text)))
                yield! take shard now (Input.Arrived(other, bytes))
                yield! take shard now (Input.Unframed(other, StreamEvent.Broken, bytes))
                yield! take shard now (Input.Severed(Hop.Flow flow))
            | Carried.Handed(flow, bytes) ->
                let text = damage dice (Text.ofBytes bytes.Span)
                yield! take shard now (Input.Handed(flow, ReadOnlyMemory(Text.toBytes text)))
                yield! take shard now (Input.Handed(other, bytes))
            | Carried.Nothing -> ()

            yield! take shard now happening.Input
    ]

/// The inputs once more, each response first by somebody who has seen it and sends it from elsewhere.
let private forestalled (run: Run) =
    let ledgers = World.ledgers run.Script.Shards
    let other = World.flow 91 Link.Udp 0L

    let forestall shard now input =
        Sends.texts (ledgers[shard].Take(now, input)) |> List.map snd

    [
        for happening in run.Happenings do
            let now, shard = happening.At, happening.Shard

            match Happening.carried happening with
            | Carried.Arrived(_, bytes) when bytes.Span.StartsWith "SIP/2.0 "B ->
                yield! forestall shard now (Input.Arrived(other, bytes))
            | Carried.Handed(_, bytes) when bytes.Span.StartsWith "SIP/2.0 "B ->
                yield! forestall shard now (Input.Handed(other, bytes))
            | Carried.Arrived _
            | Carried.Handed _
            | Carried.Nothing -> ()

            ledgers[shard].Take(now, happening.Input) |> ignore
    ]

let private at milliseconds = Instant.FromMilliseconds milliseconds
let private sent (text: string) = ReadOnlyMemory(Text.toBytes text)

let private statuses (effects: Effect seq) =
    Sends.texts effects |> List.map (fun (_, text) -> text.Split("\r\n")[0])

let private request method target (number: int) more =
    {
        Start = String.Concat(method, " ", target, " SIP/2.0")
        Fields =
            [
                "Via", "SIP/2.0/UDP 192.0.2.100:5060;branch=z9hG4bK-" + string number
                "From", "<sip:trunk@example.net>;tag=a"
                "To", "<sip:bob@example.test>"
                "Call-ID", "call" + string number
                "CSeq", "1 " + method
            ]
            @ more
        Body = ""
    }
    |> Sheet.print
    |> sent

let private binding (flow: Flow) (q: int) : Binding =
    {
        Contact = NameAddr.ofUri (Uri.Sip(Uri.ofUser ("at" + string q) (Host.Name "x.invalid")))
        CallId = "r" + string q
        CSeq = 1u
        Expires = at 3_600_000L
        Quality = q
        Flow = flow
        Path = []
        Instance = ValueNone
        RegId = ValueNone
    }

let private phone = World.flow 1 Link.Udp 0L

/// A flow of a listener that there is none of: a step that meets it throws.
let private impossible =
    { World.flow 2 Link.Ws 7L with
        Listener = ListenerId 99
    }

let private bounded bounds =
    let ledger =
        Ledger(Ground.realm, Timing.usual, Policy.standard, bounds, Sharding.alone)

    ledger.Take(at 0L, Input.Restored("bob@example.test", binding phone 1000))
    |> ignore

    ledger

let private invite number =
    request "INVITE" "sip:bob@example.test" number []

let private faulty =
    testList
        "a step that throws"
        [
            test "costs its message, and the next is served" {
                let ledger = World.ledger ()
                ledger.Take(at 0L, Input.Opened impossible) |> ignore
                let bad = binding impossible 1000
                ledger.Take(at 0L, Input.Restored("bob@example.test", bad)) |> ignore

                Expect.throws
                    (fun () -> ledger.Take(at 1L, Input.Arrived(World.trunk, invite 1)) |> ignore)
                    "the listener is none"

                Expect.equal ledger.Held 0 "nothing is kept of it"
                let options = request "OPTIONS" "sip:example.test" 2 []
                let effects = ledger.Take(at 2L, Input.Arrived(World.trunk, options))
                Expect.equal (statuses effects) [ "SIP/2.0 200 OK" ] "and nothing of what failed"
            }

            test "at its time costs its exchange, and what was due before it is done" {
                let ledger = World.ledger ()
                ledger.Take(at 0L, Input.Opened impossible) |> ignore

                ledger.Take(at 0L, Input.Restored("bob@example.test", binding phone 900))
                |> ignore

                ledger.Take(at 1L, Input.Arrived(World.trunk, invite 1)) |> ignore

                ledger.Take(at 1L, Input.Restored("bob@example.test", binding impossible 100))
                |> ignore

                ledger.Take(at 2L, Input.Arrived(World.trunk, invite 2)) |> ignore

                // Both branches time out together; only the second call has somewhere else to go.
                Expect.throws
                    (fun () -> ledger.Take(at 40_000L, Input.Tick) |> ignore)
                    "the second group is on the listener that is none"

                Expect.equal ledger.Wake (at 40_000L) "there is something to fetch"
                let effects = ledger.Take(at 40_001L, Input.Tick)

                Expect.contains
                    (statuses effects)
                    "SIP/2.0 408 Request Timeout"
                    "the first call's end"

                ledger.Take(at 100_000L, Input.Tick) |> ignore
                Expect.equal ledger.Held 0 "the second is given up"
            }
        ]

let private bounds =
    testList
        "bounds"
        [
            test
                "all together may have so many requests under way, and the next is refused with 503" {
                let ledger =
                    bounded
                        { Bounds.usual with
                            PerFlow = 1<exchange>
                            Total = 2<exchange>
                            Ended = 2<exchange>
                        }

                for number in 1..2 do
                    let effects = ledger.Take(at 1L, Input.Arrived(World.trunk, invite number))
                    Expect.equal (List.head (statuses effects)) "SIP/2.0 100 Trying" "a peer's"

                let effects = ledger.Take(at 1L, Input.Arrived(World.trunk, invite 3))
                Expect.equal (statuses effects) [ "SIP/2.0 503 Service Unavailable" ] "full"
                let again = ledger.Take(at 2L, Input.Arrived(World.trunk, invite 1))
                Expect.equal (statuses again) [ "SIP/2.0 100 Trying" ] "what is under way goes on"
            }
        ]

/// All laws of abuse.
let all =
    testList
        "Abuse"
        [
            Worlds.hold "no message, damaged or from elsewhere, throws" abused
            Worlds.hold "a response from another flow than the request's goes nowhere" forestalled
            faulty
            bounds
        ]
