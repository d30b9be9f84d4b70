// Exchanges: the table of the requests that are on their way, found by their own key, by the branch
// that a response answers, and by the flows that they hang on. A new value is kept only after its
// step has returned. HOT.

namespace Sip.Edge

open System
open System.Collections.Generic
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Guarding

/// The exchanges of one ledger.
[<Sealed>]
type internal Exchanges(around: Surroundings, agenda: Agenda, bounds: Bounds) =
    let slots = Dictionary<Mark, Slot>()
    let legs = Dictionary<Mark, struct (Slot * int)>()
    let sources = Hanging<Flow> Flow.comparer
    let targets = Hanging<Hop> Hop.comparer
    let spare = Stack<Slot>()
    let ended = Ended()
    let walk = Walk around
    let shelf = around.Outbox.Shelf

    let branch (key: Mark) (id: int) = Branch.mark around.Station key id

    let find (key: Mark) : Slot | null =
        match slots.TryGetValue key with
        | true, slot -> slot
        | false, _ -> null

    let guard = around.Guard

    let calls = around.Calls

    let answered (slot: Slot) =
        calls.Settled(around.Now, slot.Call)
        slot.Call <- null

        if slot.Caller <> 0UL then
            guard.Answered slot.Caller
            slot.Caller <- 0UL

    let forget (slot: Slot) =
        let key = slot.Key
        answered slot
        slots.Remove key |> ignore
        agenda.Forget slot
        ended.Remove slot
        sources.Remove slot.Source

        for id in 0 .. slot.Legs - 1 do
            legs.Remove(branch key id) |> ignore
            targets.Remove slot.Targets[id]

        shelf.Return slot.Request

        match slot.Kept with
        | ValueSome response -> shelf.Return response.Bytes
        | ValueNone -> ()

        slot.Legs <- 0
        slot.Clear()
        spare.Push slot

    // Legs are only ever added.
    let addLegs (slot: Slot) (exchange: Exchange) =
        for id in slot.Legs .. exchange.Legs.Length - 1 do
            legs[branch exchange.Key id] <- struct (slot, id)

            if id = slot.Targets.Count then
                slot.Targets.Add(Hook<Hop>())

            let hop = exchange.Legs[id].Place.Hop

            if Hop.isConnection hop then
                targets.Add(hop, exchange.Key, slot.Targets[id])

        slot.Legs <- exchange.Legs.Length

    let giveWay (slot: Slot | null) =
        match slot with
        | null -> ()
        | slot -> forget slot

    let giveBack (before: Exchange) (after: Exchange) =
        if before.Request.Length > after.Request.Length then
            shelf.Return before.Request

        match Answering.kept before.Answering, Answering.kept after.Answering with
        | ValueSome one, ValueSome other when one.Bytes.Equals other.Bytes -> ()
        | ValueSome one, _ -> shelf.Return one.Bytes
        | ValueNone, _ -> ()

    let keep (slot: Slot) (after: Exchange) =
        slot.Become after
        addLegs slot after
        agenda.Remind(slot.Wake, slot)

        if (slot.Caller <> 0UL || not (isNull slot.Call)) && not (Exchange.isPending after) then
            answered slot

        if not slot.IsEnded && Exchange.onlyLingers after then
            ended.Add slot
            sources.End slot.Source

            if ended.Count > bounds.Ended then
                giveWay ended.Oldest

    /// The slot of a request's exchange, null where there is none.
    member _.Find(key: Mark) : Slot | null = find key

    /// The slot and the leg that a branch belongs to; the slot is null where there is none.
    member _.Leg(branch: Mark) : struct ((Slot | null) * int) =
        match legs.TryGetValue branch with
        | true, struct (slot, leg) -> struct (slot, leg)
        | false, _ -> struct (null, 0)

    /// Sends a request on its way; `caller` is who is counted for it, 0 for nobody.
    member _.Begin(key, method, source: FlowText, request, places, caller: uint64) : unit =
        match Proxying.start walk key method source request places with
        | null ->
            shelf.Return walk.Bytes
            calls.Settled(around.Now, calls.Find request)

            if caller <> 0UL then
                guard.Answered caller
        | exchange ->
            let slot = if spare.Count > 0 then spare.Pop() else Slot()
            slot.Caller <- caller
            slot.Call <- calls.Find request
            slots[key] <- slot
            sources.Add(source.Flow, key, slot.Source)
            keep slot exchange

    /// Something has happened to an exchange.
    member _.Step(event: ExchangeEvent, slot: Slot) : unit =
        let before = slot.Exchange

        match Proxying.step walk event before with
        | null -> forget slot
        | after when Object.ReferenceEquals(before, after) -> ()
        | after ->
            giveBack before after
            keep slot after

    /// The time has come that an exchange asked for, or an earlier one: then it wants to be looked at again.
    member this.Tick(slot: Slot) : unit =
        if not (slot.Wake.IsDue around.Now) then
            agenda.Remind(slot.Wake, slot)
        elif slot.IsResting then
            forget slot
        else
            this.Step(ExchangeEvent.Tick, slot)

    /// Forgets an exchange, whatever is still to come of it.
    member _.Forget(slot: Slot) : unit = forget slot

    /// The exchanges that came by a flow.
    member _.From(flow: Flow) : Mark list = sources.On flow

    /// The exchanges with a leg on a connection.
    member _.To(hop: Hop) : Mark list = targets.On hop

    /// Whether there is room for one more that comes by a flow: where there is none, what has waited
    /// longest for its end gives way, of that flow's own where it has its share.
    member _.TryMakeRoom(source: FlowText) : bool =
        let share = sources.Count source.Flow * 1<exchange>

        if share >= bounds.PerFlow && source.Standing <> Standing.Peer then
            match sources.Oldest source.Flow with
            | ValueSome key ->
                giveWay (find key)
                true
            | ValueNone ->
                guard.Refuse Bound.RequestsPerFlow
                false
        elif slots.Count * 1<exchange> >= bounds.Total then
            let oldest = ended.Oldest
            giveWay oldest

            if isNull oldest then
                guard.Refuse Bound.Requests

            not (isNull oldest)
        else
            true

    /// How many wait for a final response.
    member _.Pending: int =
        slots.Values
        |> Seq.filter (fun slot -> not slot.IsResting && Exchange.isPending slot.Exchange)
        |> Seq.length

    /// How many entries the tables hold.
    member _.Held: int = slots.Count + legs.Count + sources.Used + targets.Used
