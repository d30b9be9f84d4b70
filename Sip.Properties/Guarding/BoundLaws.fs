// BoundLaws: the table of bounds, walked: each bound is reached, refuses, and is counted (reliability is a table, not a
// hope).

module Sip.Properties.Guarding.BoundLaws

open Expecto
open FsCheck.FSharp
open Sip
open Sip.Routing
open Sip.Guarding
open Sip.Properties
open Sip.Properties.Guarding.Narrow

/// The status of the third answer.
let private third (ask: int -> string list) : int =
    [ 1..3 ] |> List.map ask |> List.last |> Answered.status

/// Three users have signed in.
let private signedIn bound =
    let visitors = Visitors(few bound, Admittance.Authenticated)

    for user in [ "alice"; "bob"; "carol" ] do
        visitors.Register(1000L, udp, user, "secret of " + user, user + "@192.0.2.1")
        |> ignore

    visitors

/// Goes over a bound; what is counted for it then, and whether what was too much was refused.
let private reach (bound: Bound) : int64 * bool =
    let guard = guardOf (few bound)
    let counted () = guard.Refused[Bound.place bound]

    let overGuard (ask: int -> bool) =
        let isIn = [ 1..40 ] |> List.map ask
        counted (), List.head isIn && not (List.last isIn)

    match bound with
    | Bound.Connections ->
        overGuard (fun i -> guard.Connects(Ground.at 1L, Address.ofV4 (from + uint32 i)))
    | Bound.ConnectionsPerAddress ->
        overGuard (fun i -> guard.Connects(Ground.at (int64 i * 10_000L), address))
    | Bound.HandshakesPerAddress -> overGuard (fun _ -> guard.Connects(Ground.at 1L, address))
    | Bound.DatagramsPerAddress -> overGuard (fun _ -> guard.Datagram(Ground.at 1L, address))
    | Bound.MessagesPerConnection -> overGuard (fun _ -> guard.Message(Ground.at 1L, 7L, address))
    | Bound.Bans ->
        let ban i =
            guard.Ban(
                Ground.at 1L,
                {
                    Origin = Address.ofV4 (from + uint32 i)
                    Offence = Offence.ByHand
                    Since = Ground.at 1L
                    Until = Ground.at (1000L + int64 i)
                }
            )

        List.iter ban [ 1..3 ]
        counted (), (guard.Bans(Ground.at 2L)).Count = 2
    | Bound.FaultsPerAddress -> overGuard (fun _ -> not (guard.Nonsense(Ground.at 1L, address)))
    | Bound.RequestsPerUser ->
        let visitors = Visitors(few bound, Admittance.Authenticated)

        let statuses =
            [
                for _ in 1..11 ->
                    visitors.Register(1000L, udp, "alice", "secret of alice", "alice@192.0.2.1")
                    |> Answered.status
            ]

        visitors.Refused bound, List.head statuses = 200 && List.last statuses = 503
    | Bound.GuessesPerAddress
    | Bound.GuessesPerUser ->
        let visitors = Visitors(few bound, Admittance.Authenticated)

        let status =
            third (fun i ->
                visitors.Register(1000L, udp, "alice", "guess" + string i, "a@192.0.2.1"))

        visitors.Refused bound, status = 503
    | Bound.PendingPerCaller ->
        let visitors = Visitors.WithBob(few bound)
        let contact = "Contact: <sip:a@192.0.2.9>\r\n"

        let status =
            third (fun _ ->
                visitors.Ask(2000L, udp, "INVITE", "alice", "sip:bob@example.test", contact))

        visitors.Refused bound, status = 503
    | Bound.RequestsPerFlow
    | Bound.Requests ->
        let visitors = Visitors.WithBob(few bound)

        let status =
            third (fun _ ->
                visitors.Ask(2000L, udp, "MESSAGE", "alice", "sip:bob@example.test", ""))

        visitors.Refused bound, status = 503
    | Bound.Answers ->
        let visitors = signedIn bound
        visitors.Refused bound, visitors.Ledger.Held = 2
    | Bound.Nonces ->
        let visitors = signedIn bound
        visitors.Refused bound, visitors.Ledger.Proofs = 2
    | Bound.ContactsPerUser ->
        let visitors = Visitors(few bound, Admittance.UnsafeOpen)

        let status =
            third (fun i -> visitors.Register(1000L, udp, "alice", "", $"alice@192.0.2.%d{i}"))

        visitors.Refused bound, status = 403

let private rows =
    testCase
        "each bound stands in the table once, at its place, with a name and a metric of its own"
    <| fun () ->
        Bound.table
        |> List.iteri (fun i row -> Expect.equal (Bound.place row.Bound) i row.Name)

        let count = Bound.table.Length
        Expect.equal (Bound.table |> List.distinctBy _.Name).Length count "names"
        Expect.equal (Bound.table |> List.distinctBy _.Metric).Length count "metrics"

let private table =
    testList
        "every bound of the table is reached, refuses what is too much and counts it"
        [
            for row in Bound.table do
                testCase row.Name
                <| fun () ->
                    let counted, isRefused = reach row.Bound
                    Expect.isTrue isRefused row.Refused
                    Expect.isGreaterThan counted 0L row.Metric
        ]

let private settings =
    Law.holds
        "a bound is set by its name alone, and anything else is explained"
        (Gen.zip (Gen.elements Bound.table) (Gen.choose (-5, 2_000_000)) |> Arb.fromGen)
    <| fun (row, number) ->
        let isSound = number >= 1 && number <= 1_000_000

        match Bound.read $"%s{row.Name}=%d{number}" Bound.usual with
        | Ok caps -> isSound && caps = Bound.set row.Bound number Bound.usual
        | Error words -> not isSound && words.Contains "say"
        && (Bound.read $"%s{row.Name}x=%d{number}" Bound.usual).IsError

let private census =
    testCase "every bound has a line in the metrics, shards are added up, and nobody is named"
    <| fun () ->
        let guard = guardOf (few Bound.DatagramsPerAddress)

        for _ in 1..6 do
            guard.Datagram(Ground.at 1L, address) |> ignore

        let counts = Census.ofShard guard (Load()) 0L
        let text = Census.text [| counts; counts |] (readOnlyDict [ "connections", 7 ])

        for row in Bound.table do
            Expect.stringContains text ("\n" + row.Metric + " ") row.Name

        Expect.stringContains text "\nsip_refused_datagrams_per_address_total 4\n" "added up"
        Expect.stringContains text "\nsip_connections 7\n" "held"
        Expect.isFalse (text.Contains "192.0.2") "nobody"

/// Every law.
let all: Test = testList "Bounds, bans and load" [ rows; table; settings; census ]
