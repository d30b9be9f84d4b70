// NonceCountLaws: what is true of the counts of a nonce's uses.

module Sip.Properties.NonceCountLaws

open System
open Expecto
open FsCheck.FSharp
open Sip.Identity

let private numbers =
    Gen.oneof
        [
            Gen.listOf (Gen.choose (0, 150) |> Gen.map uint32)
            Gen.listOf (
                Gen.choose (-100, 100) |> Gen.map (fun n -> UInt32.MaxValue / 2u + uint32 n)
            )
            Gen.listOf (Gen.choose (0, 70) |> Gen.map (fun n -> UInt32.MaxValue - uint32 n))
        ]

let private shrinkList (numbers: uint32 list) =
    Seq.init numbers.Length (fun i -> List.removeAt i numbers)

let private uses = Arb.fromGenShrink (numbers, shrinkList)

// Which uses the window lets in, in order.
let private accepted (numbers: uint32 list) =
    let step (window, taken) number =
        match Window.step (NonceCount.ofNumber number) window with
        | Counting.Counted next -> next, number :: taken
        | Counting.Replayed -> window, taken

    List.fold step (Window.unused, []) numbers |> snd |> List.rev

// The slow twin: it remembers every count.
let private remembered (numbers: uint32 list) =
    let step (taken: uint32 list) number =
        let highest = if taken.IsEmpty then 0u else List.max taken
        let late = number < highest && highest - number >= Window.width

        if late || List.contains number taken then
            taken
        else
            number :: taken

    List.fold step [] numbers |> List.rev

let all =
    testList
        "Nonce counts"
        [
            Law.holds "a nonce count is accepted once" uses
            <| fun numbers ->
                let taken = accepted numbers
                List.distinct taken = taken

            Law.holds "the window agrees with one that remembers every count" uses
            <| fun numbers -> accepted numbers = remembered numbers

            Law.holds
                "requests that overtook each other are all let in"
                (Arb.fromGen (
                    Gen.choose (0, 1000000)
                    |> Gen.map2
                        (fun order first -> List.map (fun n -> uint32 (first + n)) order)
                        (Gen.shuffle [ 0..63 ] |> Gen.map List.ofArray)
                ))
            <| fun numbers -> accepted numbers = numbers

            Law.holds
                "eight digits are a nonce count, in either case"
                (Arb.fromGen IdentityCases.count)
            <| fun count ->
                let read = NonceCount.tryRead (count.Written.ToUpperInvariant())
                read |> ValueOption.map _.Number = ValueSome count.Number
        ]
