// Answers: final answers of our own, kept for as long as their request may come again over UDP: what a
// password has been spent on is not judged twice (RFC 3261 §17.2.2, timer J).

namespace Sip.Edge

open System
open System.Collections.Generic
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Guarding

/// One answer; used again for another once that is forgotten.
[<Sealed>]
type internal Given() =
    inherit Aged()

    [<DefaultValue(false)>]
    val mutable Key: Mark

    [<DefaultValue(false)>]
    val mutable Source: FlowText

    [<DefaultValue>]
    val mutable Bytes: ReadOnlyMemory<byte>

    override this.What = Due.Answer this.Key

/// The answers of one ledger.
[<Sealed>]
type internal Answers(agenda: Agenda, shelf: Shelf, guard: Guard, most: int) =
    let given = Dictionary<Mark, Given>()
    let spare = Stack<Given>()
    let ages = Ages()

    let forget (key: Mark) =
        match given.TryGetValue key with
        | true, answer ->
            given.Remove key |> ignore
            ages.Remove answer
            agenda.Forget answer
            shelf.Return answer.Bytes
            answer.Bytes <- ReadOnlyMemory.Empty
            spare.Push answer
        | false, _ -> ()

    /// The answer that a request was given, null where there is none.
    member _.Find(key: Mark) : Given | null =
        match given.TryGetValue key with
        | true, found -> found
        | false, _ -> null

    /// Keeps an answer until then; where there is no room the oldest gives way.
    member _.Keep(key: Mark, source: FlowText, bytes: ReadOnlyMemory<byte>, until: Instant) : unit =
        forget key
        let answer = if spare.Count > 0 then spare.Pop() else Given()
        answer.Key <- key
        answer.Source <- source
        answer.Bytes <- shelf.Keep bytes.Span
        given[key] <- answer
        ages.Add answer

        if given.Count > most then
            guard.Refuse Bound.Answers
            forget (Unchecked.nonNull ages.Oldest :?> Given).Key

        agenda.Remind(until, answer)

    /// The request comes no more.
    member _.Forget(key: Mark) : unit = forget key

    /// How many are kept.
    member _.Held: int = given.Count
