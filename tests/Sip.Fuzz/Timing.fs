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
            Transport = Ground.realm.Listeners[1].Transport
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

    let private teller = "a comparison that tells"

    // Each batch has tokens of its own.
    let private sorts (batch: int) : Sort list =
        let seal = Array.init 16 (fun i -> byte (i * 37 + 11 + batch))

        Seals.sorts 32 (fun number -> flow (number + batch * 1000))
        @ [
            teller, Array.init 32 (fun _ -> Base64Url.EncodeToString(ReadOnlySpan seal)), naive seal
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

    /// What one measurement came to.
    [<Struct>]
    type private Found =
        {
            Probability: float
            Gap: float
            Accepted: int
        }

    let private find (luck: Luck) (rounds: int) (_, genuine, accepts) : Found =
        let struct (first, last, accepted) = measure luck rounds genuine accepts

        {
            Probability = Ranks.probability first last
            Gap = Ranks.median last - Ranks.median first
            Accepted = accepted
        }

    // One in a hundred times the three of ours together are accused wrongly.
    let private tells (found: Found) =
        found.Probability < 0.0033 && abs found.Gap >= 1.

    // What lies in a few tokens, or in the machine, may look like a difference: one that is there shows with other tokens, too,
    // and in the same direction.
    let private isAccused (found: Found list) =
        List.forall tells found
        && (List.forall (fun one -> one.Gap > 0.) found
            || List.forall (fun one -> one.Gap < 0.) found)

    let private isSound (name: string) (found: Found list) =
        if name = teller then
            isAccused found && found.Head.Gap > 0.
        else
            not (isAccused found)
            && found |> List.forall (fun one -> abs one.Gap < 50. && one.Accepted = 0)

    let private words (found: Found) =
        $"p {found.Probability:F4}, {found.Gap:F1} ns apart"

    /// Runs and says what it came to: a difference that shows is a failure, and so is one that does not where there is one.
    let run (_: string) (seed: int) (bound: Bound) : Tally =
        let luck = Luck seed
        let rounds = int bound.Count / (sorts 0).Length / 64

        let results =
            [
                for (name, _, _) as one, other in List.zip (sorts 0) (sorts 1) do
                    let first = find luck rounds one

                    let found =
                        if tells first then
                            [ first; find luck rounds other ]
                        else
                            [ first ]

                    isSound name found,
                    String.Concat(name, ": ", String.Join(", again ", List.map words found))
            ]

        {
            Kind = "timing"
            Seed = seed
            Count = int64 (rounds * results.Length * 64)
            Failures = results |> List.filter (fst >> not) |> List.length
            Remark = String.Join("; ", List.map snd results)
        }
