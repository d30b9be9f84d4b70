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

/// The queue of deadlines.
[<Sealed>]
type Agenda() =
    let queue = PriorityQueue<Due, int64>()
    let planned = Dictionary<Due, int64>()

    let isPlanned (what: Due) (at: int64) =
        match planned.TryGetValue what with
        | true, wanted -> wanted = at
        | false, _ -> false

    // What was forgotten, or asked for earlier, stands in the queue until it comes to its head.
    let rec head () : struct (Due * int64) voption =
        let mutable what = Due.Exchange ""
        let mutable at = 0L

        if not (queue.TryPeek(&what, &at)) then
            ValueNone
        elif isPlanned what at then
            ValueSome(struct (what, at))
        else
            queue.Dequeue() |> ignore
            head ()

    let sweep () =
        if queue.Count > 1024 && queue.Count > 2 * planned.Count then
            queue.Clear()

            for KeyValue(what, at) in planned do
                queue.Enqueue(what, at)

    /// Asks for `what` at this time, unless it comes earlier anyway.
    member _.Remind(at: Instant, what: Due) : unit =
        if at <> Instant.Never then
            match planned.TryGetValue what with
            | true, wanted when wanted <= at.Milliseconds -> ()
            | true, _
            | false, _ ->
                planned[what] <- at.Milliseconds
                queue.Enqueue(what, at.Milliseconds)
                sweep ()

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
