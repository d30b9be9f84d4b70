// Proxying: how an exchange steps: between the caller's server machine, the response context and the
// legs (RFC 3261 §16.6 to §16.10). Each act of one of them is an event of another, until none is left. HOT.

namespace Sip.Edge

open Sip
open Sip.Wire
open Sip.Routing
open Sip.Transactions

/// Stepping exchanges.
[<RequireQualifiedAccess>]
module internal Proxying =

    // Legs that are opened meanwhile are not due yet.
    let private tickLegs (walk: Walk) =
        for id in 0 .. walk.Legs.Length - 1 do
            if walk.Legs[id].Wake.IsDue walk.Now then
                Forking.stepLeg walk id LegEvent.Tick

    /// The response as it goes back to the caller.
    let private returned (walk: Walk) (came: FlowText) (message: Message) (status: Status) =
        let around = walk.Around
        around.Edits.Clear()
        let asserted = around.Identities.Of came.Flow
        Return.write around.Station around.Edits came asserted walk.Source message

        if walk.Method = Method.Register then
            if around.Station.Realm.Home.IsSome then
                Standin.restore around.Edits around.Station message

            // The registrar may say so again when the client has long been told.
            if Response.classOf status = Class.Success && walk.HasRequest then
                around.Identities.Registered(walk.Source, walk.Request)

        {
            Status = status
            Bytes = around.Outbox.Patched(around.Edits, message)
        }

    let private answered (walk: Walk) (id: int) (came: FlowText) (message: Message) =
        walk.Came <- message

        match message.Start with
        | StartLine.Response _ when Key.isToCancel message ->
            Forking.stepLeg walk id LegEvent.CancelAnswered
        | StartLine.Response(status, _) when Return.hasFurther message ->
            let response =
                match Return.judge walk.Around.Station.Realm came.Standing status with
                // Whoever has an answer hears of no other failure, and the request is forgotten.
                | ValueSome _ when not (Answering.isPending walk.Answering) ->
                    returned walk came message status
                | ValueNone -> returned walk came message status
                | ValueSome refusal -> Upstream.refused walk came.Flow refusal

            Forking.stepLeg walk id (LegEvent.Received response)
        // A response with no Via but ours goes nowhere.
        | StartLine.Response _
        | StartLine.Request _ -> ()

    let private happen (walk: Walk) (event: ExchangeEvent) =
        match event with
        | ExchangeEvent.Repeated ->
            Responding.stir walk ServerInvite.Event.Retransmitted ServerOther.Event.Retransmitted
        | ExchangeEvent.Acknowledged ->
            Responding.stir walk ServerInvite.Event.Acknowledged ServerOther.Event.Tick
        | ExchangeEvent.Cancelled reason ->
            walk.Farewell <- reason
            walk.Touch()
            Forking.step walk Fork.Event.Cancelled
        | ExchangeEvent.Answered(id, came, message) -> answered walk id came message
        | ExchangeEvent.LegFailed id -> Forking.stepLeg walk id LegEvent.Unsendable
        // Nobody is left to answer: the branches are called off, and the answer is dropped.
        | ExchangeEvent.SourceGone ->
            Forking.step walk Fork.Event.Cancelled
            Responding.stir walk ServerInvite.Event.Unsendable ServerOther.Event.Unsendable
        | ExchangeEvent.Tick ->
            tickLegs walk
            Responding.tick walk

    /// What an event makes of the exchange, none where it is over; what it asks for is in the outbox.
    let step (walk: Walk) (event: ExchangeEvent) (exchange: Exchange) : Exchange | null =
        match event with
        // At the end of all that only lingers each machine falls silent.
        | ExchangeEvent.Tick when
            Exchange.onlyLingers exchange && (Exchange.wake exchange).IsDue walk.Now
            ->
            null
        | ExchangeEvent.Repeated
        | ExchangeEvent.Acknowledged
        | ExchangeEvent.Cancelled _
        | ExchangeEvent.Answered _
        | ExchangeEvent.LegFailed _
        | ExchangeEvent.SourceGone
        | ExchangeEvent.Tick ->
            walk.Resume exchange
            happen walk event
            walk.End exchange

    /// An exchange for a request that has just been let in, with its first group on the way;
    /// none where it is over already.
    let start
        (walk: Walk)
        (key: Mark)
        (method: Method)
        (source: FlowText)
        (request: Message)
        (places: Place list list)
        : Exchange | null =
        let kind = Fork.Kind.ofMethod method

        match kind with
        | Fork.Kind.Invite ->
            walk.Start(key, method, source, request, places, Answering.Invite ServerInvite.start)
            walk.AnswerWake <- Instant.Never
            // §16.2: a proxy answers an INVITE with 100 at once, so that it is not sent again.
            Responding.respond walk (Upstream.own walk Status.trying)
        | Fork.Kind.Other ->
            let step =
                ServerOther.start walk.Around.Timing (Responding.delivery source) walk.Now

            walk.Start(key, method, source, request, places, Answering.Other step.State)
            walk.AnswerWake <- step.Wake

        Forking.start walk kind
        walk.End null
