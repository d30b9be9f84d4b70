// Clock: virtual time. What is to happen later waits in a queue; the next of it makes the time.

namespace Sip.Properties.World

open System.Collections.Generic

/// One world's time, in milliseconds.
[<Sealed>]
type Clock() =
    let queue = PriorityQueue<unit -> unit, struct (int64 * int64)>()
    let mutable now = 0L
    let mutable order = 0L

    /// The time.
    member _.Now = now

    /// Does this so much later; what is due at one time happens in the order of asking.
    member _.After(span: int64, act: unit -> unit) =
        order <- order + 1L
        queue.Enqueue(act, struct (now + max 0L span, order))

    /// Lets time pass until nothing more is to happen, or until that time.
    member _.Run(until: int64) =
        let mutable act = ignore
        let mutable at = struct (0L, 0L)

        while queue.TryPeek(&act, &at) && (let struct (time, _) = at in time <= until) do
            queue.Dequeue() |> ignore
            let struct (time, _) = at
            now <- time
            act ()

        now <- until
