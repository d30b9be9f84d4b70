// Touching: which entities a flow touches, so that the end of a connection costs as much as what
// hung on it, and one flow's share can be counted.

namespace Sip.Edge

open System.Collections.Generic
open Sip

/// Keys by flow.
[<Sealed>]
type Touching() =
    let keys = Dictionary<Flow, HashSet<string>>()

    /// This key hangs on that flow.
    member _.Add(flow: Flow, key: string) : unit =
        match keys.TryGetValue flow with
        | true, found -> found.Add key |> ignore
        | false, _ -> keys[flow] <- HashSet [ key ]

    /// It does no longer.
    member _.Remove(flow: Flow, key: string) : unit =
        match keys.TryGetValue flow with
        | true, found ->
            found.Remove key |> ignore

            if found.Count = 0 then
                keys.Remove flow |> ignore
        | false, _ -> ()

    /// What hangs on a flow.
    member _.On(flow: Flow) : string list =
        match keys.TryGetValue flow with
        | true, found -> List.ofSeq found
        | false, _ -> []

    /// How much hangs on a flow.
    member _.Count(flow: Flow) : int =
        match keys.TryGetValue flow with
        | true, found -> found.Count
        | false, _ -> 0

    /// How many flows have something hanging on them.
    member _.Flows: int = keys.Count
