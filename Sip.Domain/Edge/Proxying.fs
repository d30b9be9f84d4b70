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

    let private deliveryOf (source: FlowText) =
        if Transport.isReliable source.Flow.Transport then
            Delivery.Reliable
        else
            Delivery.Unreliable

    let private back (walk: Walk) (response: Response) =
        walk.Around.Outbox.Send(walk.Source.Hop, response.Bytes)

    let private backAgain (walk: Walk) =
        match Answering.kept walk.Answering with
        | ValueSome kept -> back walk kept
        | ValueNone -> ()

    let rec private answer
        (walk: Walk)
        (invite: ServerInvite.Event)
        (other: ServerOther.Event)
        (given: Response)
        =
        let timing, delivery = walk.Around.Timing, deliveryOf walk.Source

        match walk.Answering with
        | Answering.Invite state ->
            let step = ServerInvite.take timing delivery walk.Now invite state
            walk.Answering <- Answering.Invite step.State
            walk.AnswerWake <- step.Wake

            for act in step.Acts do
                match act with
                | ServerInvite.Act.Send -> back walk given
                | ServerInvite.Act.Resend -> backAgain walk
                | ServerInvite.Act.ReportLost -> ()
        | Answering.Other state ->
            let step = ServerOther.take timing delivery walk.Now other state
            walk.Answering <- Answering.Other step.State
            walk.AnswerWake <- step.Wake

            for act in step.Acts do
                match act with
                | ServerOther.Act.Send -> back walk given
                | ServerOther.Act.Resend -> backAgain walk
                | ServerOther.Act.OfferTrying -> respond walk (Upstream.own walk Status.trying)

    and private respond (walk: Walk) (response: Response) =
        let shelf = walk.Around.Outbox.Shelf

        // What the machine may keep is put on the shelf before it is given, and taken off if it does not.
        let given =
            if Answering.mayKeep (deliveryOf walk.Source) response walk.Answering then
                { response with
                    Bytes = shelf.Keep response.Bytes.Span
                }
            else
                response

        answer walk (ServerInvite.Event.Respond given) (ServerOther.Event.Respond given) given

        match Answering.kept walk.Answering with
        | ValueSome kept when kept.Bytes.Equals given.Bytes -> ()
        | ValueSome _
        | ValueNone when not (given.Bytes.Equals response.Bytes) -> shelf.Return given.Bytes
        | ValueSome _
        | ValueNone -> ()

    let private nothing: Response = Unchecked.defaultof<Response>

    // What is done to the machine that answers when no response is given.
    let private stir (walk: Walk) (invite: ServerInvite.Event) (other: ServerOther.Event) =
        answer walk invite other nothing

    let private isLive (walk: Walk) (hop: Hop) =
        match hop with
        | Hop.Flow flow -> walk.Around.Outbox.IsLive flow
        | Hop.Dial _ -> true

    /// Writes what goes to a place; nothing where it would be longer than a message may be.
    let private copy (walk: Walk) (id: int) (place: Place) (leaves: Listener) =
        let around = walk.Around
        let request = walk.Request

        let outgoing =
            {
                Station = around.Station
                Source = walk.Source
                Request = request
                Way = Routes.strip around.Station request
                Hop = place.Hop
                Leaves = leaves
                Heading = place.Heading
                Path = place.Path
                Towards = Station.standing around.Station place.Hop
                Asserted = around.Identities.Of walk.Source.Flow
                Transaction = walk.Key
                Index = id
            }

        around.Edits.Clear()
        Forward.write around.Edits &outgoing
        let length = Patch.length around.Edits request

        if length > int around.Station.Realm.Limits.MessageSize then
            ReadOnlyMemory.Empty
        else
            let out = around.Outbox.Out
            let start = out.Length
            Patch.write around.Edits request (out.Room length) |> ignore
            out.Advance length
            out.Since start

    let private copyOf (walk: Walk) (id: int) (place: Place) : ReadOnlyMemory<byte> =
        match Realm.towards walk.Around.Station.Realm place.Hop with
        | ValueSome leaves -> copy walk id place leaves
        | ValueNone -> ReadOnlyMemory.Empty

    /// What was sent to a leg, read again.
    let private sent (walk: Walk) (id: int) (place: Place) : Message voption =
        let around = walk.Around
        let bytes = copyOf walk id place

        match Reading.into around.Sent around.Station.Realm.Limits bytes.Span with
        | Arrival.Message sent -> ValueSome sent
        | Arrival.Broken _ -> ValueNone

    let private resend (walk: Walk) (id: int) (place: Place) =
        walk.Around.Outbox.Send(place.Hop, copyOf walk id place)

    let private acknowledge (walk: Walk) (id: int) (place: Place) =
        match sent walk id place with
        | ValueSome sent ->
            let out = walk.Around.Outbox.Out
            let start = out.Length
            OwnRequest.ack sent walk.Came out
            walk.Around.Outbox.Send(place.Hop, out.Since start)
        | ValueNone -> ()

    let private cancel (walk: Walk) (id: int) (leg: Leg) =
        match sent walk id leg.Place with
        | ValueSome sent ->
            let out = walk.Around.Outbox.Out
            let start = out.Length
            OwnRequest.cancel sent leg.Reason out
            walk.Around.Outbox.Send(leg.Place.Hop, out.Since start)
        | ValueNone -> ()

    /// Puts a leg on its way; a place that cannot be reached any more has a leg that is over.
    let private openLeg (walk: Walk) (id: int) (place: Place) =
        let bytes =
            if isLive walk place.Hop then
                copyOf walk id place
            else
                ReadOnlyMemory.Empty

        if bytes.IsEmpty then
            walk.SetLeg(
                id,
                {
                    Place = place
                    Calling = Calling.Other ClientOther.State.Terminated
                    Wake = Instant.Never
                    Reason = []
                }
            )

            false
        else
            walk.SetLeg(id, Leg.start walk.Around.Timing walk.Now walk.Method place)
            walk.Around.Outbox.Send(place.Hop, bytes)
            true

    // The response that an event is about, for the context to have it sent on.
    let private about (event: Fork.Event) : Response =
        match event with
        | Fork.Event.Provisional(_, response)
        | Fork.Event.Ended(_, Fork.Outcome.Final response) -> response
        | Fork.Event.Ended(_, (Fork.Outcome.TimedOut | Fork.Outcome.TransportFailed))
        | Fork.Event.Opened _
        | Fork.Event.Cancelled -> nothing

    let rec private fork (walk: Walk) (event: Fork.Event) =
        let step = Fork.Context.step event walk.Context
        forkActs walk step (about event)

    and private forkActs (walk: Walk) (step: Fork.Step) (just: Response) =
        walk.Context <- step.State
        walk.Touch()

        for act in step.Acts do
            match act with
            | Fork.Act.OpenGroup group -> openGroup walk group
            | Fork.Act.Forward -> respond walk just
            | Fork.Act.CancelBranch(id, why) ->
                let reason = Upstream.reason walk why
                walk.SetLeg(id, { walk.Legs[id] with Reason = reason })
                leg walk id LegEvent.Cancel
            | Fork.Act.Best(choice, others) -> respond walk (Upstream.chosen walk choice others)

    and private openGroup (walk: Walk) (group: int) =
        let first = walk.Legs.Length
        let mutable places = walk.Places[group]
        let mutable dead = Branches.none

        while not places.IsEmpty do
            let id = walk.Legs.Length

            if not (openLeg walk id places.Head) then
                dead <- Branches.add id dead

            places <- places.Tail

        fork walk (Fork.Event.Opened(first, walk.Legs.Length - first))

        while not dead.IsEmpty do
            let id = dead.First
            dead <- Branches.remove id dead
            ended walk id (Fork.Outcome.Final(Upstream.own walk Status.temporarilyUnavailable))

    // RFC 3263 §4.3: where a place did not take the request the next one is asked, as a new branch. It is
    // opened before the first counts as ended, so that the search goes on.
    and private tryNext (walk: Walk) (id: int) (outcome: Fork.Outcome) =
        let place = walk.Legs[id].Place

        match place.Hop with
        | Hop.Dial there when Failover.isFailure (Upstream.attempt outcome) ->
            walk.Around.Pulses.Failed(walk.Now, there)
        | Hop.Dial _
        | Hop.Flow _ -> ()

        match Upstream.attempt outcome, place.Spare, walk.Context.Phase with
        | attempt, next :: _, Fork.Phase.Searching _ when
            Failover.isFailure attempt && walk.Legs.Length < Branches.most
            ->
            let fresh = walk.Legs.Length
            let isOpen = openLeg walk fresh next
            fork walk (Fork.Event.Opened(fresh, 1))

            if not isOpen then
                ended walk fresh Fork.Outcome.TransportFailed
        | _, _, _ -> ()

    and private ended (walk: Walk) (id: int) (outcome: Fork.Outcome) =
        tryNext walk id outcome
        count walk id outcome

    // A response that is kept until another has been chosen has bytes of its own.
    and private count (walk: Walk) (id: int) (outcome: Fork.Outcome) =
        match outcome with
        | Fork.Outcome.Final response when Response.classOf response.Status = Class.Failure ->
            let own =
                { response with
                    Bytes = ReadOnlyMemory(response.Bytes.ToArray())
                }

            fork walk (Fork.Event.Ended(id, Fork.Outcome.Final own))
        | Fork.Outcome.Final _
        | Fork.Outcome.TimedOut
        | Fork.Outcome.TransportFailed -> fork walk (Fork.Event.Ended(id, outcome))

    and private pass (walk: Walk) (id: int) (response: Response) =
        match Response.classOf response.Status with
        | Class.Provisional -> fork walk (Fork.Event.Provisional(id, response))
        | Class.Success
        | Class.Failure -> ended walk id (Fork.Outcome.Final response)

    and private leg (walk: Walk) (id: int) (event: LegEvent) =
        let before = walk.Legs[id]

        match before.Calling with
        | Calling.Invite state -> inviteLeg walk id before state event
        | Calling.Other state -> otherLeg walk id before state event

    and private inviteLeg (walk: Walk) (id: int) (before: Leg) state (event: LegEvent) =
        let given =
            match event with
            | LegEvent.Received response -> response
            | LegEvent.Cancel
            | LegEvent.CancelAnswered
            | LegEvent.Unsendable
            | LegEvent.Tick -> nothing

        let event =
            match event with
            | LegEvent.Received response -> ClientInvite.Event.Received response
            | LegEvent.Cancel -> ClientInvite.Event.Cancel
            | LegEvent.CancelAnswered -> ClientInvite.Event.CancelAnswered
            | LegEvent.Unsendable -> ClientInvite.Event.Unsendable
            | LegEvent.Tick -> ClientInvite.Event.Tick

        let delivery = Leg.delivery before.Place
        let step = ClientInvite.take walk.Around.Timing delivery walk.Now event state

        let after =
            { before with
                Calling = Calling.Invite step.State
                Wake = step.Wake
            }

        walk.SetLeg(id, after)

        for act in step.Acts do
            match act with
            | ClientInvite.Act.Resend -> resend walk id after.Place
            | ClientInvite.Act.Pass -> pass walk id given
            | ClientInvite.Act.Acknowledge -> acknowledge walk id after.Place
            | ClientInvite.Act.SendCancel -> cancel walk id after
            | ClientInvite.Act.ReportTimeout -> ended walk id Fork.Outcome.TimedOut
            | ClientInvite.Act.ReportUnsendable -> ended walk id (Upstream.lost walk after)

    and private otherLeg (walk: Walk) (id: int) (before: Leg) state (event: LegEvent) =
        let given =
            match event with
            | LegEvent.Received response -> response
            | LegEvent.Cancel
            | LegEvent.CancelAnswered
            | LegEvent.Unsendable
            | LegEvent.Tick -> nothing

        // A request that is no INVITE is not cancelled (§9.1): its leg ends by itself.
        let event =
            match event with
            | LegEvent.Received response -> ClientOther.Event.Received response
            | LegEvent.Unsendable -> ClientOther.Event.Unsendable
            | LegEvent.Cancel
            | LegEvent.CancelAnswered
            | LegEvent.Tick -> ClientOther.Event.Tick

        let delivery = Leg.delivery before.Place
        let step = ClientOther.take walk.Around.Timing delivery walk.Now event state

        let after =
            { before with
                Calling = Calling.Other step.State
                Wake = step.Wake
            }

        walk.SetLeg(id, after)

        for act in step.Acts do
            match act with
            | ClientOther.Act.Resend -> resend walk id after.Place
            | ClientOther.Act.Pass -> pass walk id given
            | ClientOther.Act.ReportTimeout -> ended walk id Fork.Outcome.TimedOut
            | ClientOther.Act.ReportUnsendable -> ended walk id (Upstream.lost walk after)

    // Legs that are opened meanwhile are not due yet.
    let private tickLegs (walk: Walk) =
        for id in 0 .. walk.Legs.Length - 1 do
            if walk.Legs[id].Wake.IsDue walk.Now then
                leg walk id LegEvent.Tick

    let private tickAnswer (walk: Walk) =
        if walk.AnswerWake.IsDue walk.Now then
            stir walk ServerInvite.Event.Tick ServerOther.Event.Tick

    /// The response as it goes back to the caller.
    let private returned (walk: Walk) (came: FlowText) (message: Message) (status: Status) =
        let around = walk.Around
        let out = around.Outbox.Out
        around.Edits.Clear()
        let asserted = around.Identities.Of came.Flow
        Return.write around.Station around.Edits came asserted walk.Source message

        if walk.Method = Method.Register then
            if around.Station.Realm.Home.IsSome then
                Standin.restore around.Edits around.Station message

            if Response.classOf status = Class.Success then
                around.Identities.Registered(walk.Source, walk.Request)

        let start = out.Length
        let length = Patch.length around.Edits message
        Patch.write around.Edits message (out.Room length) |> ignore
        out.Advance length

        {
            Status = status
            Bytes = out.Since start
        }

    let private answered (walk: Walk) (id: int) (came: FlowText) (message: Message) =
        walk.Came <- message

        match message.Start with
        | StartLine.Response _ when Key.isToCancel message -> leg walk id LegEvent.CancelAnswered
        | StartLine.Response(status, _) when Return.hasFurther message ->
            leg walk id (LegEvent.Received(returned walk came message status))
        // A response with no Via but ours goes nowhere.
        | StartLine.Response _
        | StartLine.Request _ -> ()

    let private happen (walk: Walk) (event: ExchangeEvent) =
        match event with
        | ExchangeEvent.Repeated ->
            stir walk ServerInvite.Event.Retransmitted ServerOther.Event.Retransmitted
        | ExchangeEvent.Acknowledged ->
            stir walk ServerInvite.Event.Acknowledged ServerOther.Event.Tick
        | ExchangeEvent.Cancelled reason ->
            walk.Farewell <- reason
            walk.Touch()
            fork walk Fork.Event.Cancelled
        | ExchangeEvent.Answered(id, came, message) -> answered walk id came message
        | ExchangeEvent.LegFailed id -> leg walk id LegEvent.Unsendable
        // Nobody is left to answer: the branches are called off, and the answer is dropped.
        | ExchangeEvent.SourceGone ->
            fork walk Fork.Event.Cancelled
            stir walk ServerInvite.Event.Unsendable ServerOther.Event.Unsendable
        | ExchangeEvent.Tick ->
            tickLegs walk
            tickAnswer walk

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
        let kind =
            if method = Method.Invite then
                Fork.Kind.Invite
            else
                Fork.Kind.Other

        match kind with
        | Fork.Kind.Invite ->
            walk.Start(key, method, source, request, places, Answering.Invite ServerInvite.start)
            walk.AnswerWake <- Instant.Never
            // §16.2: a proxy answers an INVITE with 100 at once, so that it is not sent again.
            respond walk (Upstream.own walk Status.trying)
        | Fork.Kind.Other ->
            let step = ServerOther.start walk.Around.Timing (deliveryOf source) walk.Now
            walk.Start(key, method, source, request, places, Answering.Other step.State)
            walk.AnswerWake <- step.Wake

        let context = Fork.Context.start kind places.Length
        forkActs walk context nothing
        walk.End null
