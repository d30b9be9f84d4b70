// Answers: final answers of our own, kept for as long as their request may come again over UDP: what a
// password has been spent on is not judged twice (RFC 3261 §17.2.2, timer J).

namespace Sip.Edge

open System
open System.Collections.Generic
open Sip

/// One answer.
[<Struct>]
type Given =
    {
        Source: Flow
        Bytes: ReadOnlyMemory<byte>
    }

/// The answers of one ledger.
[<Sealed>]
type internal Answers(agenda: Agenda) =
    let given = Dictionary<string, Given>()

    /// The answer that a request was given.
    member _.Find(key: string) : Given voption =
        match given.TryGetValue key with
        | true, found -> ValueSome found
        | false, _ -> ValueNone

    /// Keeps an answer until then.
    member _.Keep(key: string, answer: Given, until: Instant) : unit =
        given[key] <- answer
        agenda.Remind(until, Due.Answer key)

    /// The request comes no more.
    member _.Forget(key: string) : unit = given.Remove key |> ignore

    /// How many are kept.
    member _.Held: int = given.Count
