// MeterLaws: what is true of the tables that strangers are counted in, against slow twins: a classic token bucket a key, and
// a list of who is there.

module Sip.Properties.Guarding.MeterLaws

open System
open System.Collections.Generic
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Properties
open Sip.Guarding

let private at milliseconds = Instant.FromMilliseconds milliseconds

let private words = ArbMap.defaults |> ArbMap.generate<uint64>

/// A token bucket as the books have it: what it holds, and since when.
type private Bucket = { Holds: float; Since: int64 }

let private asks =
    gen {
        let! number = Gen.choose (1, 20)
        let! period = Gen.choose (1, 60)
        let! atOnce = Gen.choose (1, 5)

        let! steps =
            Gen.listOf (Gen.zip (Gen.choose (0, 3)) (Gen.elements [ 0; 1; 7; 100; 1000; 20000 ]))

        return number, period, atOnce, steps
    }
    |> Arb.fromGen

let private twin =
    Law.holds "a meter says what a token bucket for each key says" asks
    <| fun (number, period, atOnce, steps) ->
        let allowance = Allowance.make number (int64 period * 1L<s>) atOnce
        let meter = Meter 1024
        let each = float allowance.Each / 1000.0
        let most = float (number * atOnce)
        let buckets = Dictionary<int, Bucket>()
        let mutable now = 1000L

        steps
        |> List.forall (fun (key, later) ->
            now <- now + int64 later

            let bucket =
                match buckets.TryGetValue key with
                | true, bucket -> bucket
                | false, _ -> { Holds = most; Since = now }

            let holds = min most (bucket.Holds + float (now - bucket.Since) / each)
            let isEnough = holds >= 1.0 - 1e-6

            buckets[key] <-
                {
                    Holds = if isEnough then holds - 1.0 else holds
                    Since = now
                }

            meter.Take(at now, uint64 key + 1UL, allowance) = isEnough)

let private waits =
    Law.holds "who is refused is let in when the meter said, and not a moment before" asks
    <| fun (number, period, atOnce, _) ->
        let allowance = Allowance.make number (int64 period * 1L<s>) atOnce
        let meter = Meter 8
        let now = at 5000L

        while meter.Take(now, 1UL, allowance) do
            ()

        let wait = meter.Until(now, 1UL, allowance)

        wait > 0L<ms>
        && not (meter.Take(now.After(wait - 1L<ms>), 1UL, allowance))
        && meter.Take(now.After wait, 1UL, allowance)

let private flood =
    testCase "a flood of other keys forgets nobody whose bucket is not fuller than theirs"
    <| fun () ->
        let meter = Meter 64
        let slow = Allowance.make 1 3600L<s> 1
        let quick = Allowance.make 1000 1L<s> 1
        let now = at 1000L
        Expect.isTrue (meter.Take(now, 7UL, slow)) "the first"

        for key in 100UL .. 20_000UL do
            meter.Take(now, key, quick) |> ignore

        Expect.isFalse (meter.Take(now, 7UL, slow)) "the second, an hour too early"

let private crowd =
    Law.holds
        "a crowd counts what a list of all would, up to its most"
        (Gen.listOf (Gen.zip (Gen.choose (0, 3)) (Gen.elements [ true; false ]))
         |> Arb.fromGen)
    <| fun steps ->
        let crowd = Crowd()
        let there = List<int>()

        steps
        |> List.forall (fun (key, comes) ->
            let count = there |> Seq.filter ((=) key) |> Seq.length

            if comes then
                let isIn = crowd.TryAdd(uint64 key, 3)

                if isIn then
                    there.Add key

                isIn = (count < 3)
            else
                if there.Remove key then
                    crowd.Remove(uint64 key)

                true)
        && crowd.Held = (Seq.distinct there |> Seq.length)

let private v6 high low : Address = { High = high; Low = low }

let private origins =
    Law.holds
        "an IPv4 address counts alone, and all of a /64 as one"
        (Gen.zip3 words words words |> Arb.fromGen)
    <| fun (high, one, other) ->
        let high = high ||| 0x2000000000000000UL
        let secret = Prf.key (ReadOnlySpan(Array.init 16 byte))
        let key = Origin.key secret

        key (v6 high one) = key (v6 high other)
        && key (v6 high one) <> key (v6 (high + 1UL) one)
        && (uint32 one = uint32 other
            || key (Address.ofV4 (uint32 one)) <> key (Address.ofV4 (uint32 other)))

let private free =
    testCase "asking about a datagram or a message of a connection allocates nothing"
    <| fun () ->
        let guard = Guard(Array.init 32 byte, Bound.usual, [ Address.ofV4 1u ])
        let mutable address = 0x0A000000u

        let work () =
            address <- address + 1u
            let from = Address.ofV4 address
            guard.Datagram(at 1000L, from) |> ignore
            guard.Message(at 1000L, int64 address, from) |> ignore

        // So many have stood on every page.
        for _ in 1..20_000 do
            work ()

        Expect.equal (Law.allocated work) 0L "bytes"

/// Every law.
let all: Test =
    testList "Meters and crowds" [ twin; waits; flood; crowd; origins; free ]
