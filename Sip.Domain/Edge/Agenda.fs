// Agenda: what is due when. An entity stands in it once, at the earliest time that was asked for: when
// that comes, the entity is looked at and says itself when it wants to be looked at next. So the many
// deadlines that a call moves ahead of itself leave nothing behind.

namespace Sip.Edge

open System.Collections.Generic
open Sip

/// What a deadline is for.
[<RequireQualifiedAccess; Struct>]
type Due =
    | Exchange of Key: string
    | Answer of Of: string
    | Bindings of Aor: string
    | Nonce of Id: Sip.Identity.NonceId

/// The queue of deadlines. What is due at one time is due in the order of asking.
[<Sealed>]
type Agenda() =
    let queue = PriorityQueue<Due, struct (int64 * int64)>()
    let planned = Dictionary<Due, struct (int64 * int64)>()
    let mutable asked = 0L

    let isPlanned (what: Due) (place: struct (int64 * int64)) =
        match planned.TryGetValue what with
        | true, wanted -> wanted = place
        | false, _ -> false

    // What was forgotten, or asked for earlier, stands in the queue until it comes to its head.
    let rec head () : struct (Due * int64) voption =
        let mutable what = Due.Exchange ""
        let mutable place = struct (0L, 0L)

        if not (queue.TryPeek(&what, &place)) then
            ValueNone
        elif isPlanned what place then
            let struct (at, _) = place
            ValueSome(struct (what, at))
        else
            queue.Dequeue() |> ignore
            head ()

    let sweep () =
        if queue.Count > 1024 && queue.Count > 2 * planned.Count then
            queue.Clear()

            for KeyValue(what, place) in planned do
                queue.Enqueue(what, place)

    let plan (at: int64) (what: Due) =
        asked <- asked + 1L
        planned[what] <- struct (at, asked)
        queue.Enqueue(what, struct (at, asked))
        sweep ()

    /// Asks for `what` at this time, unless it comes earlier anyway.
    member _.Remind(at: Instant, what: Due) : unit =
        if at <> Instant.Never then
            match planned.TryGetValue what with
            | true, struct (wanted, _) when wanted <= at.Milliseconds -> ()
            | true, _
            | false, _ -> plan at.Milliseconds what

    /// Nothing more is due for this.
    member _.Forget(what: Due) : unit = planned.Remove what |> ignore

    /// The next that is due by now, which is then no longer planned.
    member _.Due(now: Instant) : Due voption =
        match head () with
        | ValueSome(struct (what, at)) when at <= now.Milliseconds ->
            queue.Dequeue() |> ignore
            planned.Remove what |> ignore
            ValueSome what
        | ValueSome _
        | ValueNone -> ValueNone

    /// When something is due next.
    member _.Wake: Instant =
        match head () with
        | ValueSome(struct (_, at)) -> Instant.FromMilliseconds at
        | ValueNone -> Instant.Never
