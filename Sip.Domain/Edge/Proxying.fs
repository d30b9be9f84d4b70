// Proxying: how an exchange steps: between the caller's server machine, the response context and the
// legs (RFC 3261 §16.6 to §16.10). Each act of one of them is an event of another, until none is left. HOT.

namespace Sip.Edge

open System
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Transactions

/// Stepping exchanges.
[<RequireQualifiedAccess>]
module internal Proxying =

    // The response that an event is about, for the context to have it sent on.
    let private about (event: Fork.Event) : Response =
        match event with
        | Fork.Event.Provisional(_, response)
        | Fork.Event.Ended(_, Fork.Outcome.Final response) -> response
        | Fork.Event.Ended(_,
                           (Fork.Outcome.TimedOut | Fork.Outcome.TransportFailed | Fork.Outcome.Withheld))
        | Fork.Event.Opened _
        | Fork.Event.Moved _
        | Fork.Event.Cancelled -> Responding.nothing

    // One branch alone has its end told by its final response.
    let private mayFork (walk: Walk) =
        match walk.Places with
        | [ [ place ] ] -> not place.Spare.IsEmpty
        | _ -> true

    // RFC 6228 §6: what rings is remembered only where its end may have to be told.
    let private ring (walk: Walk) (id: int) (response: Response) =
        if
            walk.Method = Method.Invite
            && mayFork walk
            && Answering.isPending walk.Answering
            && Upstream.hearing walk = Hearing.Hears
        then
            let leg = walk.Legs[id]
            let tag = walk.Came.Text(Message.toTag walk.Came)

            walk.SetLeg(
                id,
                { leg with
                    Early = EarlyEnd.heard response.Status tag leg.Early
                }
            )

    let private statusOf (attempt: Attempt) =
        match attempt with
        | Attempt.Answered status -> status
        | Attempt.TimedOut -> Status.requestTimeout
        | Attempt.Broke
        | Attempt.Withheld -> Status.serviceUnavailable

    let rec private fork (walk: Walk) (event: Fork.Event) =
        let step = Fork.Context.step event walk.Context
        forkActs walk step (about event)

    and private forkActs (walk: Walk) (step: Fork.Step) (just: Response) =
        walk.Context <- step.State
        walk.Touch()

        for act in step.Acts do
            match act with
            | Fork.Act.OpenGroup group -> openGroup walk group
            | Fork.Act.Forward -> Responding.respond walk just
            // RFC 3841 §9.1: the caller wants to have every answer.
            | Fork.Act.CancelBranch(_, Fork.Reason.AnsweredElsewhere) when
                (Choosing.disposition walk.Request).Cancelling = Cancelling.NoCancel
                ->
                ()
            | Fork.Act.CancelBranch(id, why) ->
                let reason = Upstream.reason walk why
                walk.SetLeg(id, { walk.Legs[id] with Reason = reason })
                leg walk id LegEvent.Cancel
            | Fork.Act.Best(choice, others) ->
                Responding.respond walk (Upstream.chosen walk choice others)

    and private openGroup (walk: Walk) (group: int) =
        let first = walk.Legs.Length
        let mutable places = walk.Places[group]
        let mutable dead = Branches.none
        let mutable kept = Branches.none
        // The whole breadth is there again for each group: none is begun before the last is over.
        let count = places.Length
        let whole = MaxBreadth.incoming (Message.number HeaderName.MaxBreadth walk.Request)

        while not places.IsEmpty do
            let id = walk.Legs.Length
            let breadth = MaxBreadth.share whole count (id - first)

            match Downstream.openLeg walk id places.Head breadth with
            | Opened.Sent -> ()
            | Opened.Nowhere -> dead <- Branches.add id dead
            | Opened.Withheld -> kept <- Branches.add id kept

            places <- places.Tail

        fork walk (Fork.Event.Opened(first, walk.Legs.Length - first))

        while not dead.IsEmpty do
            let id = dead.First
            dead <- Branches.remove id dead
            unreachable walk id

        while not kept.IsEmpty do
            let id = kept.First
            kept <- Branches.remove id kept
            withheld walk id

    // Nobody is at the end of the flow any more.
    and private unreachable (walk: Walk) (id: int) =
        if not (movesOn walk id Attempt.Broke) then
            ended walk id (Fork.Outcome.Final(Upstream.own walk Status.temporarilyUnavailable))

    // Somebody else may bear what whoever was asked for cannot.
    and private withheld (walk: Walk) (id: int) =
        if not (movesOn walk id Attempt.Withheld) then
            ended walk id Fork.Outcome.Withheld

    /// Whether a branch that failed goes on by another way to the same place, as a new transaction.
    and private movesOn (walk: Walk) (id: int) (attempt: Attempt) : bool =
        let tried = walk.Legs[id]

        match tried.Place.Hop, attempt with
        | Hop.Dial there, (Attempt.TimedOut | Attempt.Broke) ->
            walk.Around.Pulses.Failed(walk.Now, there)
        | Hop.Dial there, Attempt.Answered status when status = Status.serviceUnavailable ->
            walk.Around.Pulses.Failed(walk.Now, there)
        | Hop.Dial _, (Attempt.Answered _ | Attempt.Withheld)
        | Hop.Flow _, _ -> ()

        if
            tried.Place.Spare.IsEmpty
            || walk.Legs.Length = Branches.most
            || not (Fork.Context.isSeeking walk.Context)
        then
            false
        else
            match Failover.after attempt tried.Place.Spare with
            | Next.Try(first, rest) ->
                let entered = walk.Legs.Length
                let next = { first with Spare = rest }

                tellEarlyEnd walk id (statusOf attempt)

                let opened =
                    if Downstream.isSameServer tried.Place.Hop next.Hop then
                        Downstream.openLegAsItIs walk entered next tried.Breadth
                    else
                        Downstream.openLeg walk entered next tried.Breadth

                fork walk (Fork.Event.Moved(id, entered))

                match opened with
                | Opened.Sent -> ()
                | Opened.Nowhere -> unreachable walk entered
                | Opened.Withheld -> withheld walk entered

                true
            | Next.Settle -> false

    // §6 of RFC 6228: the early dialogs of a branch that has ended while others have not.
    and private tellEarlyEnd (walk: Walk) (id: int) (status: Status) =
        let leg = walk.Legs[id]

        if not leg.Early.IsEmpty then
            let fate =
                if Answering.isPending walk.Answering then
                    Fate.Held
                else
                    Fate.Relayed

            walk.SetLeg(id, { leg with Early = [] })

            match EarlyEnd.decide (Upstream.hearing walk) fate status leg.Early with
            | EarlyEnd.Tell tags ->
                for tag in tags do
                    Responding.respond walk (Upstream.earlyEnd walk tag status)
            | EarlyEnd.Silence -> ()

    // A response that is kept until another has been chosen has bytes of its own.
    and private ended (walk: Walk) (id: int) (outcome: Fork.Outcome) =
        match outcome with
        | Fork.Outcome.Final response when Response.classOf response.Status = Class.Failure ->
            let own =
                { response with
                    Bytes = ReadOnlyMemory(response.Bytes.ToArray())
                }

            fork walk (Fork.Event.Ended(id, Fork.Outcome.Final own))
        | Fork.Outcome.Final _
        | Fork.Outcome.TimedOut
        | Fork.Outcome.TransportFailed
        | Fork.Outcome.Withheld -> fork walk (Fork.Event.Ended(id, outcome))

        tellEarlyEnd walk id (Fork.Choice.statusOf outcome)

    and private pass (walk: Walk) (id: int) (response: Response) =
        match Response.classOf response.Status with
        | Class.Provisional ->
            ring walk id response
            fork walk (Fork.Event.Provisional(id, response))
        | Class.Success -> ended walk id (Fork.Outcome.Final response)
        | Class.Failure ->
            if not (movesOn walk id (Attempt.Answered response.Status)) then
                ended walk id (Fork.Outcome.Final response)

    and private leg (walk: Walk) (id: int) (event: LegEvent) =
        match Requesting.step walk id event with
        | LegReport.Nothing -> ()
        | LegReport.Pass ->
            match event with
            | LegEvent.Received response -> pass walk id response
            // Nothing but a response is passed on.
            | LegEvent.Cancel
            | LegEvent.CancelAnswered
            | LegEvent.Unsendable
            | LegEvent.Tick -> ()
        | LegReport.TimedOut ->
            if not (movesOn walk id Attempt.TimedOut) then
                ended walk id Fork.Outcome.TimedOut
        | LegReport.FellSilent -> ended walk id Fork.Outcome.TimedOut
        | LegReport.Unsendable ->
            if not (movesOn walk id Attempt.Broke) then
                ended walk id (Upstream.lost walk walk.Legs[id])

    // Legs that are opened meanwhile are not due yet.
    let private tickLegs (walk: Walk) =
        for id in 0 .. walk.Legs.Length - 1 do
            if walk.Legs[id].Wake.IsDue walk.Now then
                leg walk id LegEvent.Tick

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
        | StartLine.Response _ when Key.isToCancel message -> leg walk id LegEvent.CancelAnswered
        | StartLine.Response(status, _) when Return.hasFurther message ->
            let response =
                match Return.judge walk.Around.Station.Realm came.Standing status with
                // Whoever has an answer hears of no other failure, and the request is forgotten.
                | ValueSome _ when not (Answering.isPending walk.Answering) ->
                    returned walk came message status
                | ValueNone -> returned walk came message status
                | ValueSome refusal -> Upstream.refused walk came.Flow refusal

            leg walk id (LegEvent.Received response)
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
            fork walk Fork.Event.Cancelled
        | ExchangeEvent.Answered(id, came, message) -> answered walk id came message
        | ExchangeEvent.LegFailed id -> leg walk id LegEvent.Unsendable
        // Nobody is left to answer: the branches are called off, and the answer is dropped.
        | ExchangeEvent.SourceGone ->
            fork walk Fork.Event.Cancelled
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

        let context = Fork.Context.start kind places.Length
        forkActs walk context Responding.nothing
        walk.End null
