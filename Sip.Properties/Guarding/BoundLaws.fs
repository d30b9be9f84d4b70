// BoundLaws: the table of bounds, walked: each bound is reached, refuses, and is counted (reliability is a table, not a
// hope); and what keeps one from another's harm: guesses, bans, load.

module Sip.Properties.Guarding.BoundLaws

open System
open Expecto
open FsCheck.FSharp
open Sip
open Sip.Routing
open Sip.Guarding
open Sip.Edge
open Sip.Properties

let private at milliseconds = Instant.FromMilliseconds milliseconds
let private from = 0xC0000263u
let private address = Address.ofV4 from
let private few bound = Bound.set bound 2 Bound.usual
let private guardOf caps = Guard(Array.init 32 byte, caps, [])
let private udp = Visitors.Flow(from, 0L)

let private open' bound =
    Visitors(few bound, Admittance.UnsafeOpen)

// Bob answers nothing, so that whatever goes to him is under way.
let private withBob (visitors: Visitors) =
    visitors.Register(1000L, Visitors.Flow(0xC0000201u, 0L), "bob", "", "bob@192.0.2.1")
    |> ignore

    visitors

let private third (ask: int -> int) =
    let statuses = [ 1..3 ] |> List.map ask
    List.last statuses

/// Goes over a bound; what is counted for it then, and whether what was too much was refused.
let private reach (bound: Bound) : int64 * bool =
    let guard = guardOf (few bound)
    let counted () = guard.Refused[Bound.place bound]

    let overGuard (ask: int -> bool) =
        let isIn = [ 1..40 ] |> List.map ask
        counted (), List.head isIn && not (List.last isIn)

    match bound with
    | Bound.Connections ->
        overGuard (fun i -> guard.Connects(at 1L, Address.ofV4 (from + uint32 i)))
    | Bound.ConnectionsPerAddress ->
        overGuard (fun i -> guard.Connects(at (int64 i * 10_000L), address))
    | Bound.HandshakesPerAddress -> overGuard (fun _ -> guard.Connects(at 1L, address))
    | Bound.DatagramsPerAddress -> overGuard (fun _ -> guard.Datagram(at 1L, address))
    | Bound.MessagesPerConnection -> overGuard (fun _ -> guard.Message(at 1L, 7L, address))
    | Bound.Bans ->
        let ban i =
            guard.Ban(
                at 1L,
                {
                    Origin = Address.ofV4 (from + uint32 i)
                    Offence = Offence.ByHand
                    Since = at 1L
                    Until = at (1000L + int64 i)
                }
            )

        List.iter ban [ 1..3 ]
        counted (), (guard.Bans(at 2L)).Count = 2
    | Bound.FaultsPerAddress -> overGuard (fun _ -> not (guard.Nonsense(at 1L, address)))
    | Bound.RequestsPerUser ->
        let visitors = Visitors(few bound, Admittance.Authenticated)

        let statuses =
            [ 1..11 ]
            |> List.map (fun i ->
                let contact = "alice@192.0.2.1"

                Answered.status (
                    visitors.Register(1000L, udp, "alice", "secret of alice", contact)
                ))

        visitors.Refused bound, List.head statuses = 200 && List.last statuses = 503
    | Bound.GuessesPerAddress
    | Bound.GuessesPerUser ->
        let visitors = Visitors(few bound, Admittance.Authenticated)

        let guess i =
            Answered.status (
                visitors.Register(1000L, udp, "alice", "guess" + string i, "a@192.0.2.1")
            )

        let status = third guess
        visitors.Refused bound, status = 503
    | Bound.PendingPerCaller ->
        let visitors = withBob (open' bound)

        let status =
            third (fun _ ->
                Answered.status (
                    visitors.Ask(
                        2000L,
                        udp,
                        "INVITE",
                        "alice",
                        "sip:bob@example.test",
                        "Contact: <sip:a@192.0.2.9>\r\n"
                    )
                ))

        visitors.Refused bound, status = 503
    | Bound.RequestsPerFlow
    | Bound.Requests ->
        let visitors = withBob (open' bound)

        let status =
            third (fun _ ->
                Answered.status (
                    visitors.Ask(2000L, udp, "MESSAGE", "alice", "sip:bob@example.test", "")
                ))

        visitors.Refused bound, status = 503
    | Bound.Answers ->
        let visitors = Visitors(few bound, Admittance.Authenticated)

        for user in [ "alice"; "bob"; "carol" ] do
            visitors.Register(1000L, udp, user, "secret of " + user, user + "@192.0.2.1")
            |> ignore

        visitors.Refused bound, visitors.Ledger.Held = 2
    | Bound.Nonces ->
        let visitors = Visitors(few bound, Admittance.Authenticated)

        for user in [ "alice"; "bob"; "carol" ] do
            visitors.Register(1000L, udp, user, "secret of " + user, user + "@192.0.2.1")
            |> ignore

        visitors.Refused bound, visitors.Ledger.Proofs = 2
    | Bound.ContactsPerUser ->
        let visitors = open' bound

        let status =
            third (fun i ->
                Answered.status (
                    visitors.Register(1000L, udp, "alice", "", $"alice@192.0.2.%d{i}")
                ))

        visitors.Refused bound, status = 403

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

let private rows =
    testCase
        "each bound stands in the table once, at its place, with a name and a metric of its own"
    <| fun () ->
        Bound.table
        |> List.iteri (fun i row -> Expect.equal (Bound.place row.Bound) i row.Name)

        let count = Bound.table.Length
        Expect.equal (Bound.table |> List.distinctBy _.Name).Length count "names"
        Expect.equal (Bound.table |> List.distinctBy _.Metric).Length count "metrics"

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

/// A password is guessed from a thousand addresses for an hour: how many are looked at, and whether the user,
/// who had been there before, gets in meanwhile from home and from nowhere else.
let private guessing =
    testCase
        "however many guess, at most 60 passwords of a user are looked at in an hour, and the user is let in from home"
    <| fun () ->
        let guard = guardOf Bound.usual
        let home = Address.ofV4 0xC6336401u
        guard.Right(at 0L, "alice", home)
        let mutable looked = 0

        for second in 0L .. 3599L do
            for guess in 0L .. 9L do
                let now = at (second * 1000L + guess * 100L)
                let address = Address.ofV4 (0xCB007100u + uint32 ((second * 10L + guess) % 1000L))

                if guard.MayGuess(now, "alice", address) then
                    looked <- looked + 1
                    guard.Wrong(now, "alice", address) |> ignore

            Expect.isTrue (guard.MayGuess(at (second * 1000L), "alice", home)) "at home"

        Expect.isLessThanOrEqual looked 60 "guesses"
        Expect.isGreaterThan looked 30 "guesses"

let private challenge =
    Law.holds
        "a challenge that nobody answers is kept by nobody, bans nobody and uses up no guess, however often it is asked for"
        (Gen.zip (Gen.choose (1, 200)) (Gen.elements [ "REGISTER"; "INVITE"; "OPTIONS" ])
         |> Arb.fromGen)
    <| fun (times, method) ->
        let visitors = Visitors(Bound.usual, Admittance.Authenticated)
        let flow = Visitors.Flow(from, 9L)
        visitors.Ledger.Take(at 0L, Input.Opened flow) |> ignore

        for i in 1..times do
            visitors.Ask(int64 i, flow, method, "alice", "sip:bob@example.test", "")
            |> ignore

        let guard = visitors.Ledger.Guard

        not (guard.IsBanned(at 1000L, address))
        && guard.MayGuess(at 1000L, "alice", address)
        && visitors.Refused Bound.GuessesPerAddress = 0L
        && visitors.Ledger.Held = 0
        && visitors.Ledger.Proofs = 0

/// Credentials are used and used again in this order: 0 to 5 are those of a challenge that is asked for when first wanted.
let private spent =
    Law.holds
        "however few nonces there is room for, credentials are accepted once, and those of a new challenge are accepted"
        (Gen.listOf (Gen.zip (Gen.choose (0, 5)) (Gen.choose (1, 40_000))) |> Arb.fromGen)
    <| fun uses ->
        let visitors = Visitors(few Bound.Nonces, Admittance.Authenticated)
        let target = "sip:example.test"
        let contact = "Contact: <sip:alice@192.0.2.1>\r\n"
        let made = Collections.Generic.Dictionary<int, string>()
        let taken = Collections.Generic.HashSet<int>()
        let mutable now = 1000L
        let mutable sound = true

        for which, later in uses do
            now <- now + int64 later
            let isNew = not (made.ContainsKey which)

            if isNew then
                let challenge =
                    visitors.Ask(now, udp, "REGISTER", "alice", target, contact) |> List.head

                made[which] <-
                    visitors.Credentials(challenge, "REGISTER", "alice", target, "secret of alice")

            let status =
                visitors.Ask(now, udp, "REGISTER", "alice", target, contact + made[which])
                |> Answered.status

            visitors.Ledger.Take(at now, Input.Tick) |> ignore

            sound <-
                sound
                && visitors.Ledger.Proofs <= 2
                && (status = 200 || status = 401)
                && (not isNew || status = 200)
                && (status <> 200 || taken.Add which)

        sound

let private banned =
    testCase
        "who guesses beyond the bound is banned for ten minutes, but not where a user has proven themselves"
    <| fun () ->
        let visitors = Visitors(few Bound.GuessesPerAddress, Admittance.Authenticated)
        let guard = visitors.Ledger.Guard
        let office = Visitors.Flow(0xC0000277u, 0L)

        visitors.Register(1000L, office, "bob", "secret of bob", "bob@192.0.2.1")
        |> ignore

        for i in 1..5 do
            visitors.Register(2000L, udp, "alice", "guess" + string i, "a@192.0.2.1")
            |> ignore

            visitors.Register(2000L, office, "alice", "guess" + string i, "a@192.0.2.1")
            |> ignore

        Expect.isTrue (guard.IsBanned(at 2001L, address)) "who guesses"
        Expect.isFalse (guard.Datagram(at 2001L, address)) "their datagrams"
        Expect.isFalse (guard.Connects(at 2001L, address)) "their connections"
        Expect.isFalse (guard.IsBanned(at 2001L, office.Remote.Address)) "the office"
        Expect.isFalse (guard.IsBanned(at 602_001L, address)) "ten minutes later"

let private forged =
    testCase
        "datagrams with a false source ban nobody: nonsense and scanners count on connections only"
    <| fun () ->
        let visitors = Visitors(few Bound.FaultsPerAddress, Admittance.Authenticated)
        let guard = visitors.Ledger.Guard
        let nonsense = ReadOnlyMemory(Text.toBytes "NONSENSE\r\n\r\n")
        let scanner = "User-Agent: friendly-scanner\r\n"
        let flow = Visitors.Flow(from, 9L)

        for _ in 1..10 do
            visitors.Ledger.Take(at 1L, Input.Arrived(udp, nonsense)) |> ignore
            visitors.Ask(1L, udp, "OPTIONS", "a", "sip:100@example.test", scanner) |> ignore

        Expect.isFalse (guard.IsBanned(at 2L, address)) "by datagram"
        visitors.Ledger.Take(at 2L, Input.Opened flow) |> ignore

        visitors.Ask(2L, flow, "OPTIONS", "a", "sip:100@example.test", scanner)
        |> ignore

        Expect.isTrue (guard.IsBanned(at 3L, address)) "a scanner on a connection"
        Expect.isTrue (guard.Pardon address) "the ban is lifted"

        for _ in 1..10 do
            visitors.Ledger.Take(at 4L, Input.Arrived(flow, nonsense)) |> ignore

        Expect.isTrue (guard.IsBanned(at 5L, address)) "nonsense on a connection"

/// A ledger under load: waits of so many milliseconds, long enough to count.
let private loaded waited =
    let visitors = Visitors(Bound.usual, Admittance.Authenticated)

    for i in 0L .. 100L do
        visitors.Ledger.Load.Waited(at (1000L + i * 5L), waited, 0)

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
        let number = 1

        let text =
            $"%s{method} sip:bob@example.test SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKd%d{number}\r\n"
            + "Max-Forwards: 70\r\nFrom: <sip:alice@example.test>;tag=a\r\nTo: <sip:bob@example.test>;tag=b\r\n"
            + $"Call-ID: d\r\nCSeq: 2 %s{method}\r\nContent-Length: 0\r\n\r\n"

        let bytes = ReadOnlyMemory(Text.toBytes text)

        visitors.Ledger.Take(at 2000L, Input.Arrived(udp, bytes))
        |> Sends.texts
        |> List.map snd
        |> Answered.status
            =
            407

let private rules =
    testCase
        "a ban is one line for nftables, of an IPv6 address its /64, with the seconds that it lasts"
    <| fun () ->
        let six = (Address.tryV6 "2001:db8:1:2:3:4:5:6").Value

        Expect.equal
            (Firewall.ban address 600L<s>)
            "add element inet sip_bans banned4 { 192.0.2.99 timeout 600s }\n"
            "IPv4"

        Expect.equal
            (Firewall.ban six 60L<s>)
            "add element inet sip_bans banned6 { 2001:db8:1:2::/64 timeout 60s }\n"
            "IPv6"

        Expect.stringEnds
            (Firewall.pardon address)
            "delete element inet sip_bans banned4 { 192.0.2.99 }\n"
            "lifted"

        Expect.stringContains Firewall.setup "ip saddr @banned4 drop" "what is done"

let private census =
    testCase "every bound has a line in the metrics, shards are added up, and nobody is named"
    <| fun () ->
        let guard = guardOf (few Bound.DatagramsPerAddress)

        for _ in 1..6 do
            guard.Datagram(at 1L, address) |> ignore

        let counts = Census.ofShard guard (Load()) 0L
        let text = Census.text [| counts; counts |] (readOnlyDict [ "connections", 7 ])

        for row in Bound.table do
            Expect.stringContains text ("\n" + row.Metric + " ") row.Name

        Expect.stringContains text "\nsip_refused_datagrams_per_address_total 4\n" "added up"
        Expect.stringContains text "\nsip_connections 7\n" "held"
        Expect.isFalse (text.Contains "192.0.2") "nobody"

/// Every law.
let all: Test =
    testList
        "Bounds, bans and load"
        [
            rows
            table
            settings
            guessing
            challenge
            spent
            banned
            forged
            shedding
            answers
            dialogs
            rules
            census
        ]
