// Shards: the ledgers of one server in virtual time. What they leave for each other waits as long as it
// likes, but stays in the order of leaving. A datagram may come to any of them.

namespace Sip.Properties.World

open System
open System.Collections.Generic
open Sip
open Sip.Edge
open Sip.Routing

/// What happened at one shard, and what it made of it.
type Happening =
    {
        At: Instant
        Shard: int
        Input: Input
        Effects: Effect list
    }

/// The message that an input brings to a shard.
[<RequireQualifiedAccess>]
type Carried =
    | Arrived of Flow: Flow * Bytes: ReadOnlyMemory<byte>
    | Handed of Flow: Flow * Bytes: ReadOnlyMemory<byte>
    | Nothing

/// Asking what happened.
[<RequireQualifiedAccess>]
module Happening =

    /// The message that came.
    let carried (happening: Happening) : Carried =
        match happening.Input with
        | Input.Arrived(flow, bytes) -> Carried.Arrived(flow, bytes)
        | Input.Handed(flow, bytes) -> Carried.Handed(flow, bytes)
        | Input.Told _
        | Input.Opened _
        | Input.Visited _
        | Input.Unframed _
        | Input.Closed _
        | Input.Severed _
        | Input.Enrolled _
        | Input.Restored _
        | Input.Answered _
        | Input.Tick -> Carried.Nothing

/// A server whose ledgers are entered one at a time; the seed decides what they hear first.
[<Sealed>]
type Shards(clock: Clock, ledgers: Ledger[], seed: int, send: Hop -> string -> unit) =
    let dice = Random seed
    let count = ledgers.Length
    let happenings = List<Happening>()
    let disputes = List<string>()
    let faults = List<string>()
    let planned = Array.create count Int64.MaxValue
    // What each shard has left for each other one.
    let left = Array.init (count * count) (fun _ -> Queue<Input>())
    let leftBy from towards = left[from * count + towards]
    let leave from towards input = (leftBy from towards).Enqueue input
    let now () = Instant.FromMilliseconds clock.Now

    // What the ledger hands out is good until it is handed the next input.
    let kept (effect: Effect) =
        match effect with
        | Effect.Note _
        | Effect.Ask _
        | Effect.Tell _ -> effect
        | Effect.Send(hop, bytes) -> Effect.Send(hop, ReadOnlyMemory(bytes.ToArray()))
        | Effect.Hand(other, flow, bytes) ->
            Effect.Hand(other, flow, ReadOnlyMemory(bytes.ToArray()))

    let rec take (shard: int) (input: Input) =
        let effects =
            [
                for effect in ledgers[shard].Take(now (), input) do
                    match effect with
                    // A sign of life, which phones make nothing of.
                    | Effect.Send(_, bytes) when bytes.Length = 4 -> ()
                    | Effect.Send _
                    | Effect.Hand _
                    | Effect.Tell _
                    | Effect.Ask _
                    | Effect.Note _ -> kept effect
            ]

        happenings.Add
            {
                At = now ()
                Shard = shard
                Input = input
                Effects = effects
            }

        for effect in effects do
            match effect with
            | Effect.Ask _
            | Effect.Note _ -> ()
            | Effect.Send(hop, bytes) -> send hop (Text.ofBytes bytes.Span)
            | Effect.Hand(other, flow, bytes) -> leave shard other (Input.Handed(flow, bytes))
            | Effect.Tell told ->
                for other in 0 .. count - 1 do
                    if other <> shard then
                        leave shard other (Input.Told told)

        plan shard

    and plan (shard: int) =
        let wake = ledgers[shard].Wake

        if wake <> Instant.Never && wake.Milliseconds < planned[shard] then
            planned[shard] <- wake.Milliseconds
            clock.After(planned[shard] - clock.Now, (fun () -> tick shard))

    and tick (shard: int) =
        if clock.Now >= planned[shard] then
            planned[shard] <- Int64.MaxValue
            bring shard Input.Tick

            if ledgers[shard].Wake <= now () then
                faults.Add "after a tick the next is due already"

    // Each hears what was left for it, one thing at a time, in any order of those who left it.
    and settle () =
        let waiting =
            [
                for from in 0 .. count - 1 do
                    for towards in 0 .. count - 1 do
                        if (leftBy from towards).Count > 0 then
                            struct (from, towards)
            ]

        if waiting.IsEmpty then
            compare ()
        else
            let struct (from, towards) = waiting[dice.Next waiting.Length]
            take towards ((leftBy from towards).Dequeue())
            settle ()

    and compare () =
        for user in Script.users do
            let aor = String.Concat(user, "@example.test")
            let held = ledgers |> Array.map _.Bound(aor) |> Array.distinct

            if held.Length > 1 then
                disputes.Add $"%s{aor} at %d{clock.Now}: %A{held}"

    and bring (shard: int) (input: Input) =
        take shard input

        if count > 1 then
            clock.After(int64 (dice.Next 4), settle)

    /// Something happens on a flow, at the shard that it lives in.
    member _.Bring(flow: Flow, input: Input) : unit =
        if Flow.isConnection flow then
            bring (int flow.Connection % count) input
        else
            bring (dice.Next count) input

    /// All that happened, in order.
    member _.Happenings: Happening list = List.ofSeq happenings

    /// What the shards held differing opinions of when all was told.
    member _.Disputes: string list = List.ofSeq disputes

    /// What must never happen, as it happened.
    member _.Faults: string list = List.ofSeq faults
