// ThrottleLaws: what neighbours ask of each other under load, as pure machines: what is kept back, in which order, until
// when, and that asking for it comes to rest (RFC 7339).

module Sip.Properties.Guarding.ThrottleLaws

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Wire
open Sip.Properties
open Sip.Routing
open Sip.Guarding

let private at milliseconds = Instant.FromMilliseconds milliseconds

// The least urgent is first.
let private ranks =
    [
        Urgency.Rest
        Urgency.Newcomer
        Urgency.Call
        Urgency.Returning
        Urgency.Emergency
        Urgency.UnderWay
    ]

let private asking loss validity sequence : Feedback =
    {
        Loss = loss
        Validity = validity * 1L<ms>
        Sequence = sequence
    }

let private heard loss =
    Throttle.hear (at 0L) (asking loss 60_000L 1L) Throttle.fresh

let private worst = 999_999UL

/// Which of many requests stay, each with its dice.
let private sent
    (throttle: Throttle)
    (requests: (Urgency * uint64) list)
    : (Urgency * Passage) list =
    (throttle, requests)
    ||> List.mapFold (fun throttle (urgency, dice) ->
        let struct (after, passage) = Throttle.judge (at 1L) urgency dice throttle
        (urgency, passage), after)
    |> fst

let private mixed =
    gen {
        let! weights = Gen.listOfLength 6 (Gen.choose (0, 10))
        let! first = Gen.choose (0, 5)
        let! seed = Gen.choose (1, Int32.MaxValue)
        let! loss = Gen.choose (0, 100)

        let pool =
            List.zip weights ranks
            |> List.collect (fun (weight, rank) -> List.replicate weight rank)

        return loss, ranks[first] :: pool, seed
    }

let private streamOf (pool: Urgency list) (seed: int) (count: int) : (Urgency * uint64) list =
    let random = Random seed
    let pool = Array.ofList pool

    List.init count (fun _ -> pool[random.Next pool.Length], uint64 (random.Next 1_000_000))

let private share =
    Law.holds
        "of many requests to a neighbour as many stay as it asks, whatever they are"
        (Arb.fromGen mixed)
    <| fun (loss, pool, seed) ->
        // Until the mix is known it is guessed.
        let all = sent (heard loss) (streamOf pool seed 4000) |> List.skip 500

        let stay =
            all |> List.filter (fun (_, passage) -> passage = Passage.Stays) |> List.length

        abs (stay * 100 - loss * all.Length) <= 5 * all.Length

let private order =
    Law.holds
        "while anything less urgent goes, nothing more urgent stays; calls under way and emergencies stay last"
        (Arb.fromGen mixed)
    <| fun (loss, pool, seed) ->
        let throttle =
            (heard loss, streamOf pool seed 1000)
            ||> List.fold (fun throttle (urgency, dice) ->
                let struct (after, _) = Throttle.judge (at 1L) urgency dice throttle
                after)

        let lot urgency dice =
            let struct (_, passage) = Throttle.judge (at 1L) urgency dice throttle
            passage

        // One that is judged counts, so what is asked for once more may tip the last place.
        List.pairwise (List.filter (fun rank -> List.contains rank pool) ranks)
        |> List.forall (fun (less, more) ->
            lot more 0UL = Passage.Goes || lot less (worst - 50_000UL) = Passage.Stays)

let private ends =
    Law.holds
        "what a neighbour asks ends with its time, with a loss of none, and with no time at all"
        (Gen.zip (Gen.choose (1, 100)) (Gen.choose (1, 100_000)) |> Arb.fromGen)
    <| fun (loss, validity) ->
        let throttle =
            Throttle.hear (at 0L) (asking loss (int64 validity) 5L) Throttle.fresh

        Throttle.loss (at (int64 validity - 1L)) throttle = loss
        && Throttle.loss (at (int64 validity)) throttle = 0
        && Throttle.loss (at 0L) (Throttle.hear (at 0L) (asking 0 9000L 6L) throttle) = 0
        && Throttle.loss (at 0L) (Throttle.hear (at 0L) (asking loss 0L 6L) throttle) = 0

let private late =
    Law.holds
        "what was said before what is known changes nothing, and what is said after it counts"
        (Gen.zip3 (Gen.choose (0, 100)) (Gen.choose (0, 100)) (Gen.choose (1, 1000))
         |> Arb.fromGen)
    <| fun (first, second, sequence) ->
        let known =
            Throttle.hear (at 0L) (asking first 1000L (int64 sequence)) Throttle.fresh

        let after order =
            Throttle.loss (at 1L) (Throttle.hear (at 1L) (asking second 1000L order) known)

        after (int64 sequence - 1L) = first
        && after (int64 sequence) = first
        && after (int64 sequence + 1L) = second
        // A server that began anew counts from below.
        && Throttle.loss (at 40_000L) (Throttle.hear (at 40_000L) (asking second 1000L 0L) known) =
            second

let private long =
    testCase "nobody is obeyed for more than ten minutes without saying so again"
    <| fun () ->
        let throttle = Throttle.hear (at 0L) (asking 100 Int64.MaxValue 1L) Throttle.fresh

        Expect.equal (Throttle.loss (at 599_999L) throttle) 100 "obeyed"
        Expect.equal (Throttle.loss (at 600_000L) throttle) 0 "no longer"

let private responseWith (parameters: string) =
    let text =
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx"
        + parameters
        + "\r\nFrom: <sip:a@example.test>;tag=1\r\nTo: <sip:b@example.test>;tag=2\r\nCall-ID: 1\r\n"
        + "CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"

    match Reading.message Limits.usual (ReadOnlySpan(Text.toBytes text)) with
    | Arrival.Message message -> message
    | Arrival.Broken(fault, _) -> failtest $"%A{fault} in %s{text}"

let private roundTrip =
    Law.holds
        "what a server says of overload is read as it was said"
        (Gen.zip3
            (Gen.choose (0, 100))
            (Gen.choose (0, Int32.MaxValue))
            (Gen.choose (0, Int32.MaxValue))
         |> Arb.fromGen)
    <| fun (loss, validity, sequence) ->
        let said = asking loss (int64 validity) (int64 sequence * 1000L)
        OverloadControl.feedback (responseWith (OverloadControl.print said)) = ValueSome said

let private examples =
    testCase
        "the parameters of RFC 7339 section 6 are read, and what is not as section 9 has it is passed over"
    <| fun () ->
        let read parameters =
            OverloadControl.feedback (responseWith parameters)

        Expect.equal
            (read ";oc=20;oc-algo=\"loss\";oc-validity=500;oc-seq=1282321615.782")
            (ValueSome(asking 20 500L 128232161578200L))
            "20 %"

        Expect.equal
            (read ";oc=20;oc-seq=12;OC-ALGO=\"loss\"")
            (ValueSome(asking 20 500L 1200000L))
            "half a second where nothing is said"

        for parameters in
            [
                ";oc;oc-algo=\"loss\""
                ";oc=0;oc-algo=\"loss\";oc-validity=0"
                ";oc=101;oc-seq=1.1"
                ";oc=-1;oc-seq=1.1"
                ";oc=1x;oc-seq=1.1"
                ";oc=1;oc-seq=1.123456"
                ";oc=1;oc-seq=1.-1"
                ";oc=1;oc-seq=1.1;oc-validity=x"
                ";oc=9;oc-algo=\"rate\";oc-seq=1.1"
                ";oc-validity=500;oc-seq=1.1"
            ] do
            Expect.equal (read parameters) ValueNone parameters

let private settles =
    Law.holds
        "what neighbours are asked comes to rest within ten seconds, a fifth around what can be worked on, and is over half a minute after the load"
        (Gen.zip (Gen.choose (100, 5000)) (Gen.choose (110, 1000)) |> Arb.fromGen)
    <| fun (capacity, percent) ->
        let offered = capacity * percent / 100
        let mutable restraint = Restraint.none
        let mutable now = 0L

        let round offered =
            let arriving = offered * (100 - restraint.Loss) / 100
            let worked = min capacity arriving
            now <- now + int64 Restraint.pace

            let counted =
                { restraint with
                    Worked = worked
                    Lost = arriving - worked
                }

            restraint <- Restraint.decide (at now) (arriving <= capacity) counted
            arriving

        let during = [ for _ in 1..60 -> round offered ] |> List.skip 20

        let isNear arriving =
            arriving * 10 >= capacity * 8 && arriving * 10 <= capacity * 12

        let after = [ for _ in 1..60 -> round (capacity / 20) ]
        List.forall isNear during && List.last after > 0 && restraint.Loss = 0

/// Every law.
let all: Test =
    testList "Throttles (RFC 7339)" [ share; order; ends; late; long; roundTrip; examples; settles ]
