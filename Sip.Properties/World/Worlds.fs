// Worlds: the worlds that a suite looks at, lived through once for all laws, and how a law about them
// is stated. SIP_CASES says how many; a failed law prints the simplest script that it found to fail
// and SIP_REPLAY, which makes the one world again.

namespace Sip.Properties.World

open System
open Expecto
open FsCheck
open FsCheck.FSharp

/// A world with the seed that it was made from.
type Case = { Seed: uint64; Run: Run }

/// Stating laws of worlds.
[<RequireQualifiedAccess>]
module Worlds =

    let private size = 30

    let private script (seed: uint64) : Script =
        Gen.sampleWithSeed (Rnd(seed, 1UL)) size 1 Script.any |> Array.head

    let private seeds =
        match Environment.GetEnvironmentVariable "SIP_REPLAY" with
        | null ->
            let count =
                match Environment.GetEnvironmentVariable "SIP_CASES" with
                | null -> 150
                | text -> int text

            let first = uint64 (Random.Shared.NextInt64())
            List.init count (fun i -> first + uint64 i)
        | text -> [ UInt64.Parse((text.Split ',')[0]) ]

    let private cases =
        lazy
            (seeds
             |> List.map (fun seed ->
                 {
                     Seed = seed
                     Run = World.live (script seed)
                 }))

    // The first simpler world that fails too is made simpler in turn.
    let rec private simplest (broken: Run -> string list) (script: Script) (budget: int) =
        let next =
            if budget <= 0 then
                None
            else
                Script.simpler script
                |> Seq.tryFind (fun simpler -> not (broken (World.live simpler)).IsEmpty)

        match next with
        | Some simpler -> simplest broken simpler (budget - 1)
        | None -> script

    /// The law, named by its sentence: what breaks it in a world, told in words, is nothing.
    let hold (sentence: string) (broken: Run -> string list) : Test =
        testCase sentence
        <| fun () ->
            match cases.Value |> List.tryFind (fun case -> not (broken case.Run).IsEmpty) with
            | None -> ()
            | Some case ->
                let script = simplest broken case.Run.Script 60
                let words = String.Join("\n", broken (World.live script))
                failtest $"%A{script}\n%s{words}\nSIP_REPLAY=%d{case.Seed},1,%d{size}"

    /// Whether enough of the worlds are of a kind, so that the laws about it are not empty.
    let meet (kind: string) (percent: int) (isOne: Run -> bool) : Test =
        testCase kind
        <| fun () ->
            let all = cases.Value
            let met = all |> List.filter (fun case -> isOne case.Run) |> List.length

            if all.Length >= 100 && met * 100 < percent * all.Length then
                failtest $"only %d{met} of %d{all.Length}"
