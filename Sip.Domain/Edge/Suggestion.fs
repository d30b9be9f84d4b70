// Suggestion: which of the words that there are somebody may have meant who wrote another.

namespace Sip.Edge

open System
open System.Collections.Generic

/// Guessing words.
[<RequireQualifiedAccess>]
module Suggestion =

    // Letters to add, drop, change or swap with their neighbours, from one word to the other.
    let private distance (one: string) (other: string) : int =
        let table = Array2D.create (one.Length + 1) (other.Length + 1) 0

        for i in 0 .. one.Length do
            for j in 0 .. other.Length do
                table[i, j] <-
                    if i = 0 || j = 0 then
                        i + j
                    else
                        let change = if one[i - 1] = other[j - 1] then 0 else 1

                        let plain =
                            min
                                (min (table[i - 1, j] + 1) (table[i, j - 1] + 1))
                                (table[i - 1, j - 1] + change)

                        if
                            i > 1 && j > 1 && one[i - 1] = other[j - 2] && one[i - 2] = other[j - 1]
                        then
                            min plain (table[i - 2, j - 2] + 1)
                        else
                            plain

        table[one.Length, other.Length]

    /// The nearest of these words, where one is near enough to have been meant.
    let nearest (known: IReadOnlyList<string>) (word: string) : string voption =
        let written = word.ToLowerInvariant()

        if known.Count = 0 || word.Length > 64 then
            ValueNone
        else
            let best = known |> Seq.minBy (fun one -> distance (one.ToLowerInvariant()) written)

            if distance (best.ToLowerInvariant()) written <= max 1 (word.Length / 4) then
                ValueSome best
            else
                ValueNone

    /// The guess as the end of a sentence; empty where there is none.
    let words (known: IReadOnlyList<string>) (word: string) : string =
        match nearest known word with
        | ValueSome best -> String.Concat(", did you mean ", best, "?")
        | ValueNone -> ""
