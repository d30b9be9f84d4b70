// OverloadLaws: what is refused under load, and that it ends.

module Sip.Properties.Guarding.OverloadLaws

open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Properties
open Sip.Guarding

let private at milliseconds = Instant.FromMilliseconds milliseconds

let private words = ArbMap.defaults |> ArbMap.generate<uint64>

let private ranks =
    [
        Urgency.UnderWay
        Urgency.Emergency
        Urgency.Returning
        Urgency.Call
        Urgency.Newcomer
        Urgency.Rest
    ]

let private moods =
    Gen.oneof
        [
            Gen.constant Mood.Calm
            Gen.map2
                (fun since seen -> Mood.Rising(at (int64 since), seen))
                (Gen.choose (0, 1000))
                (Gen.choose (1, 64))
            Gen.constant Mood.Shedding
            Gen.map (fun since -> Mood.Falling(at (int64 since))) (Gen.choose (0, 1000))
        ]

let private wait = Gen.map (fun n -> int64 n * 1L<ms>) (Gen.choose (0, 5000))

let private order =
    Law.holds
        "whatever is refused, nothing less urgent is worked on, and what is under way always is"
        (Gen.zip moods wait |> Arb.fromGen)
    <| fun (mood, waited) ->
        let works = ranks |> List.map (Overload.isWorked mood waited)

        List.head works
        && List.pairwise works |> List.forall (fun (more, less) -> more || not less)

let private calm =
    Law.holds
        "where a wait was short within the last 300 ms before a load, nothing is refused"
        (Gen.zip (Gen.listOf wait) (Gen.elements ranks) |> Arb.fromGen)
    <| fun (waits, urgency) ->
        // Every third wait is short; they come 100 ms apart.
        let mood, _ =
            ((Mood.Calm, 0L), List.indexed waits)
            ||> List.fold (fun (mood, now) (i, waited) ->
                let waited = if i % 3 = 2 then 0L<ms> else waited
                Overload.step (at now) waited mood, now + 100L)

        Overload.isWorked mood 5000L<ms> urgency

let private ends =
    Law.holds "a second of short waits ends any load" (Arb.fromGen moods)
    <| fun mood ->
        let mutable mood = mood

        for i in 0L .. 25L do
            mood <- Overload.step (at (2000L + i * 50L)) 10L<ms> mood

        mood = Mood.Calm

let private begins =
    testCase "three hundred milliseconds of long waits are a load, a few of them are not"
    <| fun () ->
        let after count gap =
            (Mood.Calm, [ 0L .. count ])
            ||> List.fold (fun mood i -> Overload.step (at (i * gap)) 80L<ms> mood)

        Expect.equal (after 70L 5L) Mood.Shedding "seventy in 350 ms"
        Expect.isFalse (Overload.isShedding (after 70L 1L)) "seventy in 70 ms"
        Expect.isFalse (Overload.isShedding (after 10L 100L)) "ten in a second"

let private spread =
    Law.holds
        "those who are refused together come back spread over seconds, the later the longer the wait"
        (Gen.zip wait words |> Arb.fromGen)
    <| fun (waited, dice) ->
        let after = Overload.retryAfter waited dice

        let all = [ 0UL .. 99UL ] |> List.map (Overload.retryAfter waited) |> List.distinct

        after >= 2L<s> && after <= 30L<s> && all.Length >= 5

let private budget =
    Law.holds
        "refusing is paid for by working: what is beyond that is dropped"
        (Gen.zip (Gen.choose (0, 5000)) (Gen.choose (1, 20_000)) |> Arb.fromGen)
    <| fun (worked, offered) ->
        let load = Load()

        for i in 0L .. 100L do
            load.Waited(at (i * 5L), 150L<ms>, 0)

        for _ in 1..worked do
            load.Works()

        for _ in 1..offered do
            load.Judge Urgency.Call |> ignore

        load.Refused + load.Dropped = int64 offered
        && load.Refused <= int64 ((6_000 + worked) / 6)

let private sieve =
    Law.holds
        "the sieve lets through up to twice what can be worked on, whatever is offered, and opens when the flood is over"
        (Gen.zip3 (Gen.choose (20, 2000)) (Gen.choose (3, 50)) (Gen.choose (4, 1024))
         |> Arb.fromGen)
    <| fun (most, times, first) ->
        let offered = most * times
        let mutable sieve = first
        let mutable came = 0

        for _ in 1..30 do
            came <- offered * sieve / Sieve.wide
            sieve <- Sieve.step came (min most came) sieve

        // A sieve of 1024 steps cannot be finer.
        let grain = offered / Sieve.wide + 1
        let isNear = came <= 2 * most + 16 + 5 * grain && came >= most - grain

        for _ in 1..30 do
            sieve <- Sieve.step 0 0 sieve

        isNear && sieve = Sieve.wide

let private behind =
    Law.holds
        "a load is not over before everything passes the sieve again, and then within five seconds"
        (Gen.zip (Gen.choose (100, 5000)) (Gen.choose (1, 40)) |> Arb.fromGen)
    <| fun (offered, rounds) ->
        let load = Load()
        let mutable now = 1000L

        let turn wait came =
            now <- now + 10L
            load.Waited(at now, wait, 0)

            for _ in 1..came do
                load.Judge Urgency.Call |> ignore

            load.Sifts(at now) |> ignore
            not load.IsCalm || load.Sieve = Sieve.wide

        let during = [ for _ in 1 .. 100 + 10 * rounds -> turn 150L<ms> (offered / 10) ]
        let after = [ for _ in 1..500 -> turn 0L<ms> 0 ]
        List.forall id (during @ after) && load.IsCalm

// A server that works on so many calls a second, refuses six for the time of one, and looks at what waits in its
// socket, which holds so many: how many it works on, of those it could, and the longest wait after two seconds.
let private flooded (capacity: int) (times: int) (room: int) =
    let load = Load()
    let waiting = System.Collections.Generic.Queue<int64>()
    let mutable passed = 0.0
    let mutable budget = 0.0
    let mutable worked = 0
    let mutable longest = 0L<ms>

    for turn in 1L .. 1200L do
        let now = 1000L + turn * 10L
        let each = float (capacity * times) / 100.0
        passed <- passed + each * float load.Sieve / float Sieve.wide

        while passed >= 1.0 do
            passed <- passed - 1.0

            if waiting.Count < room then
                waiting.Enqueue now

        budget <- min (float capacity / 50.0) budget + float capacity / 100.0

        while budget > 0.0 && waiting.Count > 0 do
            let wait = (now - waiting.Dequeue()) * 1L<ms>
            load.Waited(at now, wait, 0)

            if turn > 200L then
                longest <- max longest wait

            match load.Judge Urgency.Call with
            | Fate.Work ->
                budget <- budget - 1.0

                for _ in 1..6 do
                    load.Works()

                if turn > 200L then
                    worked <- worked + 1
            | Fate.Refuse
            | Fate.Drop -> budget <- budget - 1.0 / 6.0

        load.Sifts(at now) |> ignore

    struct (float worked / (float capacity * 10.0), longest)

let private steady =
    Law.holds
        "in a flood nine tenths of what can be worked on are, and nothing waits longer than an eighth of a second"
        (Gen.zip3 (Gen.choose (200, 5000)) (Gen.choose (3, 20)) (Gen.choose (200, 400))
         |> Arb.fromGen)
    <| fun (capacity, times, milliseconds) ->
        let struct (share, longest) =
            flooded capacity times (capacity * milliseconds / 1000)

        share >= 0.9 && longest <= 125L<ms>

/// Every law.
let all: Test =
    testList "Overload" [ order; calm; ends; begins; spread; budget; sieve; steady; behind ]
