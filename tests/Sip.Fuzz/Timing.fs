// Timing: the kind `timing`: whether the time that it takes to refuse a token tells where its seal differs from the right one
// (row H3). Seals that differ in their first and in their last byte are judged in turns; a rank test compares the two.

namespace Sip.Fuzz

open System
open System.Buffers.Text
open System.Diagnostics
open Sip
open Sip.Identity
open Sip.Routing
open Sip.Properties

/// Timing refusals.
[<RequireQualifiedAccess>]
module Timing =

    let private flow (number: int) : Flow =
        {
            Listener = ListenerId 1
            Transport = RoutingLaws.realm.Listeners[1].Transport
            Connection = int64 number + 1L
            Remote =
                {
                    Address = Address.ofV4 (uint32 number * 7919u)
                    Port = 1024 + number
                }
        }

    // Every seal of ours is the last sixteen bytes of its token.
    let private differing (back: int) (token: string) : string =
        let bytes = Base64Url.DecodeFromChars(token.AsSpan())
        bytes[bytes.Length - back] <- bytes[bytes.Length - back] ^^^ 0x55uy
        Base64Url.EncodeToString(ReadOnlySpan bytes)

    /// What would tell: a comparison that stops where the two part.
    let private naive (right: byte[]) (token: string) : bool =
        let bytes = Base64Url.DecodeFromChars(token.AsSpan())
        let mutable i = 0

        while i < right.Length && bytes[i] = right[i] do
            i <- i + 1

        i = right.Length

    let private sorts: Sort list =
        let seal = Array.init 16 (fun i -> byte (i * 37 + 11))

        Seals.sorts 32 flow
        @ [
            "a comparison that tells",
            Array.init 32 (fun _ -> Base64Url.EncodeToString(ReadOnlySpan seal)),
            naive seal
        ]

    /// Nanoseconds for each refusal, of a seal that differs at once and of one that differs at last; and how many were
    /// not refused.
    let private measure (luck: Luck) (rounds: int) (genuine: string[]) (accepts: string -> bool) =
        let forged = [| Array.map (differing 16) genuine; Array.map (differing 1) genuine |]
        let times = [| Array.zeroCreate<float> rounds; Array.zeroCreate<float> rounds |]
        let mutable accepted = 0

        let timed (which: int) (round: int) =
            let started = Stopwatch.GetTimestamp()

            for text in forged[which] do
                if accepts text then
                    accepted <- accepted + 1

            let spent = float (Stopwatch.GetTimestamp() - started)

            times[which][round] <- spent * 1e9 / float Stopwatch.Frequency / float genuine.Length

        for round in 0 .. rounds - 1 do
            let first = luck.Below 2
            timed first round
            timed (1 - first) round

        // What comes before everything is warm tells nothing.
        let warm (all: float[]) = all[rounds / 10 ..]
        struct (warm times[0], warm times[1], accepted)

    // One in a hundred times the three of ours together are accused wrongly.
    let private tells (probability: float) = probability < 0.0033

    /// Runs and says what it came to: a difference that shows is a failure, and so is one that does not where there is one.
    let run (_: string) (seed: int) (bound: Bound) : Tally =
        let luck = Luck seed
        let rounds = int bound.Count / sorts.Length / 64

        let results =
            [
                for name, genuine, accepts in sorts do
                    let struct (first, last, accepted) = measure luck rounds genuine accepts
                    let probability = Ranks.probability first last
                    let gap = Ranks.median last - Ranks.median first

                    let isSound =
                        if name = "a comparison that tells" then
                            tells probability && gap > 0.
                        else
                            not (tells probability && abs gap >= 1.)
                            && abs gap < 50.
                            && accepted = 0

                    isSound, $"{name}: p {probability:F4}, {gap:F1} ns apart"
            ]

        {
            Kind = "timing"
            Seed = seed
            Count = int64 (rounds * sorts.Length * 64)
            Failures = results |> List.filter (fst >> not) |> List.length
            Remark = String.Join("; ", List.map snd results)
        }
