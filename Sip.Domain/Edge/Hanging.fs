// Hanging: which exchanges hang on a flow, so that the end of a connection costs as much as what hung
// on it, and one flow's share can be counted. HOT: hooks are held by what hangs and used again.

namespace Sip.Edge

open System.Collections.Generic
open Sip
open Sip.Routing

/// A flow that something hangs on.
[<Sealed>]
type Rail() =
    member val internal Count = 0 with get, set

    [<DefaultValue(false)>]
    val mutable internal Flow: Flow

    [<DefaultValue>]
    val mutable internal First: Hook | null

    [<DefaultValue>]
    val mutable internal Last: Hook | null

/// What ties one exchange to one flow.
and [<Sealed>] Hook() =
    [<DefaultValue(false)>]
    val mutable internal Key: Mark

    [<DefaultValue>]
    val mutable internal Rail: Rail | null

    [<DefaultValue>]
    val mutable internal Before: Hook | null

    [<DefaultValue>]
    val mutable internal After: Hook | null

/// Exchanges by flow.
[<Sealed>]
type Hanging() =
    let rails = Dictionary<Flow, Rail>(Flow.comparer)
    let spare = Stack<Rail>()

    let railOf (flow: Flow) : Rail =
        match rails.TryGetValue flow with
        | true, rail -> rail
        | false, _ ->
            let rail = if spare.Count > 0 then spare.Pop() else Rail()
            rail.Flow <- flow
            rails[flow] <- rail
            rail

    /// The exchange with this key hangs on that flow.
    member _.Add(flow: Flow, key: Mark, hook: Hook) : unit =
        let rail = railOf flow
        hook.Key <- key
        hook.Rail <- rail
        hook.Before <- rail.Last
        hook.After <- null

        match rail.Last with
        | null -> rail.First <- hook
        | before -> before.After <- hook

        rail.Last <- hook
        rail.Count <- rail.Count + 1

    /// It does no longer, if it did.
    member _.Remove(hook: Hook) : unit =
        match hook.Rail with
        | null -> ()
        | rail ->
            match hook.Before with
            | null -> rail.First <- hook.After
            | before -> before.After <- hook.After

            match hook.After with
            | null -> rail.Last <- hook.Before
            | after -> after.Before <- hook.Before

            hook.Rail <- null
            hook.Before <- null
            hook.After <- null
            rail.Count <- rail.Count - 1

            if rail.Count = 0 then
                rails.Remove rail.Flow |> ignore
                spare.Push rail

    /// The keys of what hangs on a flow.
    member _.On(flow: Flow) : Mark list =
        match rails.TryGetValue flow with
        | true, rail ->
            let keys = List<Mark>()
            let mutable hook = rail.First

            while not (isNull hook) do
                let one = Unchecked.nonNull hook
                keys.Add one.Key
                hook <- one.After

            List.ofSeq keys
        | false, _ -> []

    /// How much hangs on a flow.
    member _.Count(flow: Flow) : int =
        match rails.TryGetValue flow with
        | true, rail -> rail.Count
        | false, _ -> 0

    /// How many flows have something hanging on them.
    member _.Flows: int = rails.Count
