// Proxying: how an exchange steps: between the caller's server machine, the response context and the
// legs (RFC 3261 §16.6 to §16.10). Each act of one of them is an event of another, until none is left.

namespace Sip.Edge

open System
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Transactions

/// Stepping exchanges.
[<RequireQualifiedAccess>]
module Proxying =

    /// An exchange under way, its acts gathered last first.
    type private Walk =
        {
            Around: Surroundings
            State: Exchange
            Acts: ExchangeAct list
        }

    let private act (next: ExchangeAct) (walk: Walk) = { walk with Acts = next :: walk.Acts }

    let private delivery (exchange: Exchange) =
        if Transport.isReliable exchange.Source.Transport then
            Delivery.Reliable
        else
            Delivery.Unreliable

    let private own (walk: Walk) (status: Status) : Response =
        Upstream.own walk.Around walk.State status

    let private back (response: Response) (walk: Walk) =
        act (ExchangeAct.Send(Hop.Flow walk.State.Source, response.Bytes.ToArray())) walk

    let private answer (event: ServerInvite.Event) (other: ServerOther.Event) (walk: Walk) : Walk =
        let around = walk.Around

        match walk.State.Answering with
        | Answering.Invite state ->
            let step =
                ServerInvite.take around.Timing (delivery walk.State) around.Now event state

            let send walk act =
                match act with
                | ServerInvite.Act.Send response -> back response walk
                | ServerInvite.Act.ReportLost -> walk

            List.fold
                send
                { walk with
                    State =
                        { walk.State with
                            Answering = Answering.Invite step.State
                            AnswerWake = step.Wake
                        }
                }
                step.Acts
        | Answering.Other state ->
            let rec go (event: ServerOther.Event) (state: ServerOther.State) (walk: Walk) : Walk =
                let step =
                    ServerOther.take around.Timing (delivery walk.State) around.Now event state

                let walk =
                    { walk with
                        State =
                            { walk.State with
                                Answering = Answering.Other step.State
                                AnswerWake = step.Wake
                            }
                    }

                let send walk act =
                    match act with
                    | ServerOther.Act.Send response -> back response walk
                    | ServerOther.Act.OfferTrying ->
                        go (ServerOther.Event.Respond(own walk Status.trying)) step.State walk

                List.fold send walk step.Acts

            go other state walk

    let private respond (response: Response) (walk: Walk) : Walk =
        answer (ServerInvite.Event.Respond response) (ServerOther.Event.Respond response) walk

    let private isLive (walk: Walk) (hop: Hop) =
        match hop with
        | Hop.Flow flow -> walk.Around.IsLive flow
        | Hop.Dial _ -> true

    /// Puts a leg on its way; a place that cannot be reached any more ends as 480 at once.
    let private openLeg (walk: Walk) (id: int) (place: Place) : struct (Walk * bool) =
        match Exchange.copy walk.Around walk.State id place with
        | ValueSome sent when isLive walk place.Hop ->
            let leg = Leg.start walk.Around.Timing walk.Around.Now place.Hop sent

            let walk =
                { walk with
                    State =
                        { walk.State with
                            Legs = Map.add id leg walk.State.Legs
                        }
                }
                |> act (ExchangeAct.Expect(Key.client sent, id))
                |> act (ExchangeAct.Send(place.Hop, sent.Bytes.ToArray()))

            struct (walk, true)
        | ValueSome _
        | ValueNone -> struct (walk, false)

    let rec private fork (event: Fork.Event) (walk: Walk) : Walk =
        let step = Fork.Context.step event walk.State.Context
        forkActs step walk

    and private forkActs (step: Fork.Step) (walk: Walk) : Walk =
        let walk =
            { walk with
                State = { walk.State with Context = step.State }
            }

        List.fold forkAct walk step.Acts

    and private forkAct (walk: Walk) (act: Fork.Act) : Walk =
        match act with
        | Fork.Act.OpenGroup group -> openGroup group walk
        | Fork.Act.Forward response -> respond response walk
        | Fork.Act.CancelBranch(id, why) ->
            leg id (LegEvent.Cancel(Upstream.reason walk.State why)) walk
        | Fork.Act.Best(choice, others) ->
            respond (Upstream.chosen walk.Around walk.State choice others) walk

    and private openGroup (group: int) (walk: Walk) : Walk =
        let first = walk.State.Places |> List.truncate group |> List.sumBy List.length

        let one (walk, ids, dead) (index, place) =
            let id = first + index
            let struct (walk, isOpen) = openLeg walk id place
            walk, id :: ids, (if isOpen then dead else id :: dead)

        let walk, ids, dead =
            walk.State.Places[group] |> List.indexed |> List.fold one (walk, [], [])

        let away walk id =
            fork
                (Fork.Event.Ended(id, Fork.Outcome.Final(own walk Status.temporarilyUnavailable)))
                walk

        List.fold away (fork (Fork.Event.Opened(List.rev ids)) walk) dead

    and private leg (id: int) (event: LegEvent) (walk: Walk) : Walk =
        match Map.tryFind id walk.State.Legs with
        | None -> walk
        | Some before ->
            let struct (after, acts) = Leg.take walk.Around.Timing walk.Around.Now event before

            let walk =
                { walk with
                    State =
                        { walk.State with
                            Legs = Map.add id after walk.State.Legs
                        }
                }

            let one walk legAct =
                match legAct with
                | LegAct.Send bytes -> act (ExchangeAct.Send(after.Hop, bytes)) walk
                | LegAct.SendCancel bytes ->
                    walk
                    |> act (ExchangeAct.Expect(Key.cancel after.Sent, id))
                    |> act (ExchangeAct.Send(after.Hop, bytes))
                | LegAct.Pass response -> fork (Fork.Event.Provisional(id, response)) walk
                | LegAct.Ended outcome ->
                    fork
                        (Fork.Event.Ended(id, Upstream.lost walk.Around walk.State after outcome))
                        walk

            List.fold one walk acts

    let private tickLegs (walk: Walk) : Walk =
        let due =
            walk.State.Legs
            |> Map.toList
            |> List.filter (fun (_, leg) -> leg.Wake.Milliseconds <= walk.Around.Now.Milliseconds)

        List.fold (fun walk (id, _) -> leg id LegEvent.Tick walk) walk due

    let private tickAnswer (walk: Walk) : Walk =
        if walk.State.AnswerWake.Milliseconds <= walk.Around.Now.Milliseconds then
            answer ServerInvite.Event.Tick ServerOther.Event.Tick walk
        else
            walk

    let private returned (walk: Walk) (came: Flow) (message: Message) (status: Status) =
        let around = walk.Around
        around.Edits.Clear()
        Return.write around.Edits (around.Station.Flows.Of came) walk.State.Source message

        LegEvent.Received(
            message,
            {
                Status = status
                Bytes = ReadOnlyMemory(Patch.toBytes around.Edits message)
            }
        )

    let private happen (event: ExchangeEvent) (walk: Walk) : Walk =
        match event with
        | ExchangeEvent.Repeated ->
            answer ServerInvite.Event.Retransmitted ServerOther.Event.Retransmitted walk
        | ExchangeEvent.Acknowledged ->
            answer ServerInvite.Event.Acknowledged ServerOther.Event.Tick walk
        | ExchangeEvent.Cancelled reason ->
            let state = { walk.State with Farewell = reason }
            fork Fork.Event.Cancelled { walk with State = state }
        | ExchangeEvent.Answered(id, came, message) ->
            match message.Start with
            | StartLine.Response _ when Key.isToCancel message ->
                leg id LegEvent.CancelAnswered walk
            | StartLine.Response(status, _) when Return.hasFurther message ->
                leg id (returned walk came message status) walk
            // A response with no Via but ours goes nowhere.
            | StartLine.Response _
            | StartLine.Request _ -> walk
        | ExchangeEvent.LegFailed id -> leg id LegEvent.Unsendable walk
        // Nobody is left to answer: the branches are called off, and the answer is dropped.
        | ExchangeEvent.SourceGone ->
            walk
            |> fork Fork.Event.Cancelled
            |> answer ServerInvite.Event.Unsendable ServerOther.Event.Unsendable
        | ExchangeEvent.Tick -> walk |> tickLegs |> tickAnswer

    let private ended (walk: Walk) : ExchangeStep =
        {
            Exchange = walk.State
            Acts = List.rev walk.Acts
        }

    /// What an event makes of the exchange.
    let step (around: Surroundings) (event: ExchangeEvent) (exchange: Exchange) : ExchangeStep =
        {
            Around = around
            State = exchange
            Acts = []
        }
        |> happen event
        |> ended

    /// An exchange for a request that has just been let in, with its first group on the way.
    let start
        (around: Surroundings)
        (key: string)
        (source: Flow)
        (request: Message)
        (way: Way)
        (places: Place list list)
        : ExchangeStep =
        let kind, answering, wake =
            match request.Start with
            | StartLine.Request(Method.Invite, _, _) ->
                Fork.Kind.Invite, Answering.Invite ServerInvite.start, Instant.Never
            | StartLine.Request _
            | StartLine.Response _ ->
                let delivery =
                    if Transport.isReliable source.Transport then
                        Delivery.Reliable
                    else
                        Delivery.Unreliable

                let step = ServerOther.start around.Timing delivery around.Now
                Fork.Kind.Other, Answering.Other step.State, step.Wake

        let context = Fork.Context.start kind places.Length

        let walk =
            {
                Around = around
                Acts = []
                State =
                    {
                        Key = key
                        Request = request
                        Source = source
                        Way = way
                        Places = places
                        Answering = answering
                        AnswerWake = wake
                        Context = context.State
                        Legs = Map.empty
                        Farewell = []
                    }
            }

        // §16.2: a proxy answers an INVITE with 100 at once, so that it is not sent again.
        let walk =
            match kind with
            | Fork.Kind.Invite -> respond (own walk Status.trying) walk
            | Fork.Kind.Other -> walk

        forkActs context walk |> ended
