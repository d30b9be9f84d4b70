// Renewal: what becomes of the certificates that are shown when their files have changed. A pair that is
// not fit is never shown, and never takes the place of one that was.

namespace Sip.Identity

open System
open System.Collections.Generic

/// A certificate with its key as the shell holds them, and where they came from.
type Held<'pair> =
    {
        Source: string
        Certificate: Certificate
        Pair: 'pair
    }

/// What was read at a source: a pair that belongs together, or why there is none.
[<RequireQualifiedAccess>]
type Found<'pair> =
    | Pair of Held: Held<'pair>
    | Broken of Source: string * Words: string

/// What to show from now on.
type Renewal<'pair> =
    {
        Shown: IReadOnlyList<Held<'pair>>
        /// Sources whose pair is shown for the first time.
        Taken: IReadOnlyList<string>
        /// What is refused, in words.
        Refused: IReadOnlyList<string>
    }

/// Deciding what to show.
[<RequireQualifiedAccess>]
module Renewal =

    let private source (found: Found<'pair>) =
        match found with
        | Found.Pair held -> held.Source
        | Found.Broken(source, _) -> source

    let private judge (now: DateTimeOffset) (found: Found<'pair>) : Result<Held<'pair>, string> =
        match found with
        | Found.Broken(source, words) -> Error(String.Concat(source, ": ", words))
        | Found.Pair held ->
            match Certificate.misfit now held.Certificate with
            | ValueNone -> Ok held
            | ValueSome misfit -> Error(String.Concat(held.Source, ": ", Certificate.words misfit))

    /// What to show, after these were shown and those were found, source by source in the order found.
    /// What is shown of a source that was not found any more goes on being shown, behind the others.
    let decide
        (now: DateTimeOffset)
        (shown: IReadOnlyList<Held<'pair>>)
        (found: IReadOnlyList<Found<'pair>>)
        : Renewal<'pair> =
        let before place =
            shown |> Seq.tryFind (fun held -> held.Source = place)

        let judged = [ for one in found -> source one, judge now one ]

        let next =
            [
                for place, verdict in judged do
                    match verdict, before place with
                    | Ok held, _ -> held
                    | Error _, Some old -> old
                    | Error _, None -> ()

                for held in shown do
                    if not (List.exists (fun (place, _) -> place = held.Source) judged) then
                        held
            ]

        {
            Shown = List.toArray next
            Taken =
                [|
                    for place, verdict in judged do
                        if Result.isOk verdict then
                            place
                |]
            Refused =
                [|
                    for _, verdict in judged do
                        match verdict with
                        | Error words -> words
                        | Ok _ -> ()
                |]
        }
