// MeteringLaws: how soon whoever has stolen a password is stopped, and that nobody else is.

module Sip.Properties.MeteringLaws

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Identity

let private at milliseconds = Instant.FromMilliseconds milliseconds

/// What came of starts at these times, each towards a destination.
let private ran (afar: Afar) (starts: (int64 * uint64) list) : Metered list =
    let mutable usage = Metering.fresh

    [
        for time, destination in starts do
            let struct (after, metered) =
                Metering.count Metering.usual afar (at time) destination usage

            usage <- after
            metered
    ]

let private passed (found: Metered list) =
    List.length (List.filter ((=) Metered.Passes) found)

let private stolen =
    Law.holds
        "a stolen password that calls peers once a second is stopped within a minute, and stays so for an hour"
        (Arb.fromGen (Gen.zip (Gen.choose (0, 1_000_000)) (Gen.choose (1, 1000))))
    <| fun (start, different) ->
        let starts =
            [ for i in 0..1799 -> int64 start + int64 i * 1000L, uint64 (i % different) ]

        let found = ran Afar.Peers starts

        passed found <= 60
        && List.length (List.filter ((=) Metered.Trips) found) = 1
        && List.forall ((=) Metered.Stopped) (List.skip 61 found)

let private patient =
    Law.holds
        "a thief who keeps within the minute's allowance is stopped by the hour's, the day's, the destinations or the row"
        (Arb.fromGen (Gen.zip (Gen.choose (3100, 60000)) (Gen.elements [ 1; 2; 5; 50; 1000 ])))
    <| fun (pause, different) ->
        let starts = [ for i in 0..999 -> int64 i * int64 pause, uint64 (i % different) ]

        let found = ran Afar.Peers starts
        // One call at a time and less than 120 an hour towards a few is what a busy person does.
        let perHour = 3_600_000 / pause
        List.contains Metered.Trips found || perHour <= 120

let private person =
    let day =
        gen {
            let! count = Gen.choose (0, 120)
            let! pauses = Gen.listOfLength count (Gen.choose (40_000, 700_000))
            let! whom = Gen.listOfLength count (Gen.choose (0, 25))

            return
                List.scan (+) 0 pauses
                |> List.tail
                |> List.map2 (fun one time -> int64 time, uint64 one) whom
        }

    Law.holds "a person who calls all day is never stopped" (Arb.fromGen day)
    <| fun starts -> List.forall ((=) Metered.Passes) (ran Afar.Peers starts)

let private constant =
    testCase "a meter has one size, and counting allocates nothing"
    <| fun () ->
        let mutable usage = Metering.fresh
        let mutable passes = 0

        let count i =
            let struct (after, metered) =
                Metering.count Metering.usual Afar.Users (at (i * 700L)) (uint64 i) usage

            usage <- after

            if metered = Metered.Passes then
                passes <- passes + 1

        for i in 1L .. 1000L do
            count i

        let before = GC.GetAllocatedBytesForCurrentThread()
        let mutable i = 1001L

        while i <= 11_000L do
            let struct (after, _) =
                Metering.count Metering.usual Afar.Users (at (i * 700L)) (uint64 i) usage

            usage <- after
            i <- i + 1L

        let allocated = GC.GetAllocatedBytesForCurrentThread() - before
        Expect.isLessThan allocated 1000L "of ten thousand"
        Expect.isGreaterThan passes 0 "some have passed"

/// Every law.
let all: Test = testList "Fraud meters" [ stolen; patient; person; constant ]
