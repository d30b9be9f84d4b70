// Exchange: one forwarded request from its arrival to its last response: a server transaction, the
// response context, and a leg for each branch (RFC 3261 §16.2: the proxy core between the two).
// An immutable value; the ledger keeps the new one only after its step has returned.

namespace Sip.Edge

open System
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Transactions

/// One place where a request may be answered.
type Place = { Hop: Hop; Heading: Heading }

/// The server machine of an exchange.
[<RequireQualifiedAccess>]
type Answering =
    | Invite of State: ServerInvite.State
    | Other of State: ServerOther.State

/// One forwarded request.
type Exchange =
    {
        Key: string
        Request: Message
        Source: Flow
        Way: Way
        /// Where it may go, in groups of equal preference.
        Places: Place list list
        Answering: Answering
        AnswerWake: Instant
        Context: Fork.Context
        Legs: Map<int, Leg>
    }

/// What an exchange steps with.
type Surroundings =
    {
        Station: Station
        /// Where edits and answers are made, one at a time.
        Edits: Edits
        Out: Octets
        Timing: Timing
        Now: Instant
        IsLive: Flow -> bool
    }

/// What may happen to an exchange.
[<RequireQualifiedAccess>]
type ExchangeEvent =
    | Repeated
    | Acknowledged
    | Cancelled
    | Answered of Leg: int * Came: Flow * Response: Message
    | LegFailed of Leg: int
    | SourceGone
    | Tick

/// What an exchange asks for.
[<RequireQualifiedAccess>]
type ExchangeAct =
    | Send of To: Hop * Bytes: byte[]
    /// Responses with this key belong to this leg.
    | Expect of Key: string * Leg: int

/// A new exchange and what to do.
type ExchangeStep =
    {
        Exchange: Exchange
        Acts: ExchangeAct list
    }

/// Stepping exchanges.
[<RequireQualifiedAccess>]
module Exchange =

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

    let private own (walk: Walk) (status: Status) (headers: (string * string) list) : Response =
        let station = walk.Around.Station
        let source = station.Flows.Of walk.State.Source
        let out = walk.Around.Out
        out.Clear()
        Reply.write station source walk.State.Request status (Status.phrase status) headers out

        {
            Status = status
            Bytes = ReadOnlyMemory(out.Written.ToArray())
        }

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
                        go (ServerOther.Event.Respond(own walk Status.trying [])) step.State walk

                List.fold send walk step.Acts

            go other state walk

    let private respond (response: Response) (walk: Walk) : Walk =
        answer (ServerInvite.Event.Respond response) (ServerOther.Event.Respond response) walk

    let private reason (why: Fork.Reason) =
        match why with
        | Fork.Reason.AnsweredElsewhere ->
            [ "Reason", "SIP;cause=200;text=\"Call completed elsewhere\"" ]
        | Fork.Reason.DeclinedEverywhere -> [ "Reason", "SIP;cause=603;text=\"Declined\"" ]
        | Fork.Reason.CallerCancelled -> []

    // §16.7 step 7: the challenges of the other branches go with the best response.
    let private joined (best: Response) (others: Response list) : Response =
        let read (response: Response) =
            match Reading.message Limits.usual response.Bytes.Span with
            | Arrival.Message message -> ValueSome message
            | Arrival.Broken _ -> ValueNone

        let fields message =
            [ HeaderName.WwwAuthenticate; HeaderName.ProxyAuthenticate ]
            |> List.collect (fun name ->
                Message.texts name message |> List.map (fun text -> struct (name, text)))

        match others, read best with
        | [], _
        | _, ValueNone -> best
        | _, ValueSome message ->
            let edits = Edits()

            others
            |> List.collect (fun other ->
                match read other with
                | ValueSome other -> fields other
                | ValueNone -> [])
            |> List.iter (fun (struct (name, text)) -> Patch.fieldAtEnd edits message name text)

            { best with
                Bytes = ReadOnlyMemory(Patch.toBytes edits message)
            }

    let private chosen (choice: Fork.Choice) (others: Response list) (walk: Walk) : Response =
        match choice with
        | Fork.Choice.Relay response -> joined response others
        | Fork.Choice.RequestTimeout -> own walk Status.requestTimeout []
        | Fork.Choice.ServerError -> own walk Status.serverError []
        | Fork.Choice.RequestTerminated -> own walk Status.requestTerminated []
        | Fork.Choice.TemporarilyUnavailable -> own walk Status.temporarilyUnavailable []

    /// The message that goes to a place, or nothing where no listener leads there.
    let private copy (walk: Walk) (id: int) (place: Place) : Message voption =
        let station = walk.Around.Station

        match Realm.towards station.Realm place.Hop with
        | ValueNone -> ValueNone
        | ValueSome leaves ->
            let outgoing =
                {
                    Station = station
                    Source = station.Flows.Of walk.State.Source
                    Request = walk.State.Request
                    Way = walk.State.Way
                    Leaves = leaves
                    Heading = place.Heading
                    Transaction = Prf.hashText station.TransactionKey walk.State.Key
                    Index = id
                }

            walk.Around.Edits.Clear()
            Forward.write walk.Around.Edits &outgoing
            let bytes = Patch.toBytes walk.Around.Edits walk.State.Request

            match Reading.message station.Realm.Limits (ReadOnlySpan bytes) with
            | Arrival.Message message -> ValueSome message
            | Arrival.Broken _ -> ValueNone

    let private isLive (walk: Walk) (hop: Hop) =
        match hop with
        | Hop.Flow flow -> walk.Around.IsLive flow
        | Hop.Dial _ -> true

    /// Puts a leg on its way; a place that cannot be reached any more ends as 480 at once.
    let private openLeg (walk: Walk) (id: int) (place: Place) : struct (Walk * bool) =
        match copy walk id place with
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

    // A client whose connection died is away, not broken: 480, not 500.
    let private lost (walk: Walk) (leg: Leg) (outcome: Fork.Outcome) =
        match outcome, leg.Hop with
        | Fork.Outcome.TransportFailed, Hop.Flow flow when Flow.isConnection flow ->
            Fork.Outcome.Final(own walk Status.temporarilyUnavailable [])
        | Fork.Outcome.TransportFailed, _
        | Fork.Outcome.Final _, _
        | Fork.Outcome.TimedOut, _ -> outcome

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
        | Fork.Act.CancelBranch(id, why) -> leg id (LegEvent.Cancel(reason why)) walk
        | Fork.Act.Best(choice, others) -> respond (chosen choice others walk) walk

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
                (Fork.Event.Ended(id, Fork.Outcome.Final(own walk Status.temporarilyUnavailable [])))
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
                | LegAct.Pass response -> fork (Fork.Event.Provisional(id, response)) walk
                | LegAct.Ended outcome -> fork (Fork.Event.Ended(id, lost walk after outcome)) walk

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
        | ExchangeEvent.Cancelled -> fork Fork.Event.Cancelled walk
        | ExchangeEvent.Answered(id, came, message) ->
            match message.Start with
            | StartLine.Response(status, _) -> leg id (returned walk came message status) walk
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

    /// When the exchange wants to be ticked.
    let wake (exchange: Exchange) : Instant =
        let first (one: Instant) (other: Instant) =
            if one.Milliseconds <= other.Milliseconds then
                one
            else
                other

        exchange.Legs
        |> Map.fold (fun at _ leg -> first at leg.Wake) exchange.AnswerWake

    /// Whether its request still waits for a final response.
    let isPending (exchange: Exchange) : bool =
        match exchange.Answering with
        | Answering.Invite(ServerInvite.State.Proceeding _) -> true
        | Answering.Other(ServerOther.State.Trying _ | ServerOther.State.Proceeding _) -> true
        | Answering.Invite(ServerInvite.State.Accepted _ | ServerInvite.State.Completed _ | ServerInvite.State.Confirmed _ | ServerInvite.State.Terminated)
        | Answering.Other(ServerOther.State.Completed _ | ServerOther.State.Terminated) -> false

    /// Whether nothing will happen to the exchange any more.
    let isOver (exchange: Exchange) : bool =
        let answered =
            match exchange.Answering with
            | Answering.Invite state -> state = ServerInvite.State.Terminated
            | Answering.Other state -> state = ServerOther.State.Terminated

        answered && Map.forall (fun _ leg -> Leg.isOver leg) exchange.Legs

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
                    }
            }

        // §16.2: a proxy answers an INVITE with 100 at once, so that it is not sent again.
        let walk =
            match kind with
            | Fork.Kind.Invite -> respond (own walk Status.trying []) walk
            | Fork.Kind.Other -> walk

        forkActs context walk |> ended
