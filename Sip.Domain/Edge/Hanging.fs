// Hanging: which exchanges hang on a flow or a hop, so that the end of a connection costs as much as what
// hung on it, and one flow's share can be counted. What only waits for its end hangs before the rest, the
// longest waiting first. HOT: hooks are held by what hangs and used again.

namespace Sip.Edge

open System
open System.Collections.Generic
open Sip
open Sip.Routing

/// What something hangs on.
[<Sealed>]
type Rail<'where>() =
    member val internal Count = 0 with get, set

    [<DefaultValue(false)>]
    val mutable internal Where: 'where

    [<DefaultValue>]
    val mutable internal First: Hook<'where> | null

    [<DefaultValue>]
    val mutable internal Last: Hook<'where> | null

    /// The last of those that only wait for their end.
    [<DefaultValue>]
    val mutable internal Ended: Hook<'where> | null

/// What ties one exchange to it.
and [<Sealed>] Hook<'where>() =
    [<DefaultValue(false)>]
    val mutable internal Key: Mark

    [<DefaultValue>]
    val mutable internal Rail: Rail<'where> | null

    [<DefaultValue>]
    val mutable internal Before: Hook<'where> | null

    [<DefaultValue>]
    val mutable internal After: Hook<'where> | null

/// Exchanges by what they hang on.
[<Sealed>]
type Hanging<'where when 'where: not null>(comparer: IEqualityComparer<'where>) =
    let rails = Dictionary<'where, Rail<'where>>(comparer)
    let spare = Stack<Rail<'where>>()

    let railOf (where: 'where) : Rail<'where> =
        match rails.TryGetValue where with
        | true, rail -> rail
        | false, _ ->
            let rail = if spare.Count > 0 then spare.Pop() else Rail<'where>()
            rail.Where <- where
            rails[where] <- rail
            rail

    // Behind another, or before all.
    let insert (hook: Hook<'where>) (before: Hook<'where> | null) (rail: Rail<'where>) =
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

    let unhook (hook: Hook<'where>) (rail: Rail<'where>) =
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

    /// The exchange with this key hangs there.
    member _.Add(where: 'where, key: Mark, hook: Hook<'where>) : unit =
        let rail = railOf where
        hook.Key <- key
        insert hook rail.Last rail
        rail.Count <- rail.Count + 1

    /// It does no longer, if it did.
    member _.Remove(hook: Hook<'where>) : unit =
        match hook.Rail with
        | null -> ()
        | rail ->
            unhook hook rail
            rail.Count <- rail.Count - 1

            if rail.Count = 0 then
                rails.Remove rail.Where |> ignore
                spare.Push rail

    /// What hangs there only waits for its end from now on.
    member _.End(hook: Hook<'where>) : unit =
        match hook.Rail with
        | null -> ()
        | rail ->
            unhook hook rail
            insert hook rail.Ended rail
            rail.Ended <- hook

    /// What hangs there and has waited longest for its end.
    member _.Oldest(where: 'where) : Mark voption =
        match rails.TryGetValue where with
        | true, rail ->
            match rail.Ended, rail.First with
            | NonNull _, NonNull first -> ValueSome first.Key
            | _, _ -> ValueNone
        | false, _ -> ValueNone

    /// The keys of what hangs there.
    member _.On(where: 'where) : Mark list =
        match rails.TryGetValue where with
        | true, rail ->
            let keys = List<Mark>()
            let mutable hook = rail.First

            while not (isNull hook) do
                let one = Unchecked.nonNull hook
                keys.Add one.Key
                hook <- one.After

            List.ofSeq keys
        | false, _ -> []

    /// How much hangs there.
    member _.Count(where: 'where) : int =
        match rails.TryGetValue where with
        | true, rail -> rail.Count
        | false, _ -> 0

    /// How many have something hanging on them.
    member _.Used: int = rails.Count
