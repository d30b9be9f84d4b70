// Together: the ledgers of one server, entered as one: what they leave for each other is done, in the order of
// leaving, before anything else happens. No two of them look at the clock at the same moment.

namespace Sip.Properties.World

open System
open System.Collections.Generic
open Sip
open Sip.Edge
open Sip.Registrar
open Sip.Routing
open Sip.Transactions

/// A server of so many shards whose shards are never behind.
[<Sealed>]
type Together(realm: Realm, policy: Policy, count: int) =
    let ledgers =
        Sharding.all count
        |> Array.map (fun sharding -> Ledger(realm, Timing.usual, policy, Bounds.usual, sharding))

    let left = Queue<struct (int * Input)>()
    // Who has asked what.
    let asked = List<struct (Question * int)>()

    let leave (shard: int) (input: Input) = left.Enqueue(struct (shard, input))
    let copied (bytes: ReadOnlyMemory<byte>) = ReadOnlyMemory(bytes.ToArray())

    let ahead (shard: int) = int64 shard * 7L<ms>

    let wake (shard: int) =
        match ledgers[shard].Wake with
        | never when never = Instant.Never -> never
        | wake -> Instant.FromMilliseconds(wake.Milliseconds - int64 (ahead shard))

    // What a ledger hands out is good until it is handed the next input.
    let step (now: Instant) (shard: int) (input: Input) : Effect list =
        [
            for effect in ledgers[shard].Take(now.After(ahead shard), input) do
                match effect with
                | Effect.Send(hop, bytes) -> Effect.Send(hop, copied bytes)
                | Effect.Hand(other, flow, bytes) -> leave other (Input.Handed(flow, copied bytes))
                | Effect.Tell told ->
                    for other in 0 .. count - 1 do
                        if other <> shard then
                            leave other (Input.Told told)
                | Effect.Ask question ->
                    asked.Add(struct (question, shard))
                    effect
                | Effect.Note _ -> effect
        ]

    // A connection lives in one shard; a datagram comes to any.
    let shardOf (flow: Flow) =
        if Flow.isConnection flow then
            int (flow.Connection % int64 count)
        else
            flow.Remote.Port % count

    let askers (question: Question) =
        let those = asked |> Seq.filter (fun (struct (one, _)) -> one = question)
        let those = [ for struct (_, shard) in those -> shard ]
        asked.RemoveAll(fun (struct (one, _)) -> one = question) |> ignore
        those

    let comesTo (now: Instant) (input: Input) : int list =
        match input with
        | Input.Opened flow
        | Input.Visited(flow, _, _)
        | Input.Closed flow
        | Input.Arrived(flow, _)
        | Input.Handed(flow, _)
        | Input.Unframed(flow, _, _)
        | Input.Severed(Hop.Flow flow) -> [ shardOf flow ]
        | Input.Answered(question, _, _) -> askers question
        | Input.Tick ->
            [
                for shard in 0 .. count - 1 do
                    if wake shard <= now then
                        shard
            ]
        | Input.Severed(Hop.Dial _)
        | Input.Told _
        | Input.Enrolled _
        | Input.Restored _ -> [ 0 .. count - 1 ]

    /// What comes of an input, wherever it has to go, without what only the shards hear.
    member _.Take(now: Instant, input: Input) : Effect list =
        [
            for shard in comesTo now input do
                leave shard input

                while left.Count > 0 do
                    let struct (shard, input) = left.Dequeue()
                    yield! step now shard input
        ]

    /// When the first shard wants to be ticked.
    member _.Wake: Instant =
        Seq.init count wake
        |> Seq.fold (fun soonest one -> Instant.Earlier(soonest, one)) Instant.Never

    /// What comes of all that is due between two times, each at its own.
    member this.Pass(from: int64, until: int64) : Effect list =
        let mutable now = from

        [
            while this.Wake.Milliseconds <= until do
                now <- max now this.Wake.Milliseconds
                yield! this.Take(Instant.FromMilliseconds now, Input.Tick)
        ]

    /// How many entities all of them hold for requests.
    member _.Held: int = ledgers |> Array.sumBy _.Held
