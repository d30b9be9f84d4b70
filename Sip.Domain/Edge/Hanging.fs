// Hanging: which exchanges hang on a flow, so that the end of a connection costs as much as what hung
// on it, and one flow's share can be counted. What only waits for its end hangs before the rest, the
// longest waiting first. HOT: hooks are held by what hangs and used again.

namespace Sip.Edge

open System
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

    /// The last of those that only wait for their end.
    [<DefaultValue>]
    val mutable internal Ended: Hook | null

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

    // Behind another, or before all.
    let insert (hook: Hook) (before: Hook | null) (rail: Rail) =
        hook.Rail <- rail
        hook.Before <- before

        match before with
        | null ->
            hook.After <- rail.First
            rail.First <- hook
        | before ->
            hook.After <- before.After
            before.After <- hook

        match hook.After with
        | null -> rail.Last <- hook
        | after -> after.Before <- hook

    let unhook (hook: Hook) (rail: Rail) =
        if Object.ReferenceEquals(rail.Ended, hook) then
            rail.Ended <- hook.Before

        match hook.Before with
        | null -> rail.First <- hook.After
        | before -> before.After <- hook.After

        match hook.After with
        | null -> rail.Last <- hook.Before
        | after -> after.Before <- hook.Before

        hook.Rail <- null
        hook.Before <- null
        hook.After <- null

    /// The exchange with this key hangs on that flow.
    member _.Add(flow: Flow, key: Mark, hook: Hook) : unit =
        let rail = railOf flow
        hook.Key <- key
        insert hook rail.Last rail
        rail.Count <- rail.Count + 1

    /// It does no longer, if it did.
    member _.Remove(hook: Hook) : unit =
        match hook.Rail with
        | null -> ()
        | rail ->
            unhook hook rail
            rail.Count <- rail.Count - 1

            if rail.Count = 0 then
                rails.Remove rail.Flow |> ignore
                spare.Push rail

    /// What hangs there only waits for its end from now on.
    member _.End(hook: Hook) : unit =
        match hook.Rail with
        | null -> ()
        | rail ->
            unhook hook rail
            insert hook rail.Ended rail
            rail.Ended <- hook

    /// What hangs on a flow and has waited longest for its end.
    member _.Oldest(flow: Flow) : Mark voption =
        match rails.TryGetValue flow with
        | true, rail ->
            match rail.Ended, rail.First with
            | NonNull _, NonNull first -> ValueSome first.Key
            | _, _ -> ValueNone
        | false, _ -> ValueNone

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
