// Answers: final answers of our own, kept for as long as their request may come again over UDP: what a
// password has been spent on is not judged twice (RFC 3261 §17.2.2, timer J).

namespace Sip.Edge

open System
open System.Collections.Generic
open Sip
open Sip.Wire
open Sip.Routing

/// One answer.
[<Sealed>]
type internal Given(key: Mark, source: FlowText, bytes: ReadOnlyMemory<byte>) =
    inherit Reminder()
    member _.Source = source
    member _.Bytes = bytes
    override _.What = Due.Answer key

/// The answers of one ledger.
[<Sealed>]
type internal Answers(agenda: Agenda, shelf: Shelf) =
    let given = Dictionary<Mark, Given>()

    let forget (key: Mark) =
        match given.TryGetValue key with
        | true, answer ->
            given.Remove key |> ignore
            agenda.Forget answer
            shelf.Return answer.Bytes
        | false, _ -> ()

    /// The answer that a request was given, null where there is none.
    member _.Find(key: Mark) : Given | null =
        match given.TryGetValue key with
        | true, found -> found
        | false, _ -> null

    /// Keeps an answer until then.
    member _.Keep(key: Mark, source: FlowText, bytes: ReadOnlyMemory<byte>, until: Instant) : unit =
        forget key
        let answer = Given(key, source, shelf.Keep bytes.Span)
        given[key] <- answer
        agenda.Remind(until, answer)

    /// The request comes no more.
    member _.Forget(key: Mark) : unit = forget key

    /// How many are kept.
    member _.Held: int = given.Count
