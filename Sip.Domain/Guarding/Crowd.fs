// Crowd: how many of something there are for each key, exactly: connections of an address, INVITEs of a caller.
// It holds no more entries than there are things counted, which others bound. HOT.

namespace Sip.Guarding

open System.Collections.Generic

/// The counts of one shard.
[<Sealed>]
type Crowd() =
    let counts = Dictionary<uint64, int>()

    /// How many there are.
    member _.Of(key: uint64) : int =
        match counts.TryGetValue key with
        | true, count -> count
        | false, _ -> 0

    /// One more, unless there are that many.
    member this.TryAdd(key: uint64, most: int) : bool =
        let count = this.Of key

        if count >= most then
            false
        else
            counts[key] <- count + 1
            true

    /// One less.
    member this.Remove(key: uint64) : unit =
        match this.Of key with
        | 0
        | 1 -> counts.Remove key |> ignore
        | count -> counts[key] <- count - 1

    /// How many keys there are.
    member _.Held: int = counts.Count
