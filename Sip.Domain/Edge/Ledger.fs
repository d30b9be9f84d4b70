// Ledger: the conductor. It takes what happened outside to the entity that it is about and keeps what
// the entity became. Deterministic, with no clock, thread or socket of its own. An entity's new value
// is kept only after its step has returned, so that a fault costs one message.

namespace Sip.Edge

open System
open System.Collections.Generic
open Sip
open Sip.Wire
open Sip.Registrar
open Sip.Routing
open Sip.Transactions
open Sip.Identity

/// The state of one shard.
[<Sealed>]
type Ledger(realm: Realm, timing: Timing, policy: Policy, bounds: Bounds) =
    let station = Station.ofRealm realm
    let edits = Edits()
    let out = Octets 2048
    let live = HashSet<Flow>()
    let agenda = Agenda()
    let exchanges = Exchanges agenda
    let answers = Answers agenda
    let proofs = Proofs(realm, agenda)
    let effects = List<Effect>()
    // What a step that threw had asked for stands beyond this and is dropped.
    let mutable sound = 0
    let mutable latest = Instant.FromMilliseconds 0L

    let isListener (flow: Flow) =
        let (ListenerId index) = flow.Listener

        index < realm.Listeners.Length
        && realm.Listeners[index].Transport = flow.Transport

    // A datagram needs no connection, only the listener that it was named for.
    let isLive (flow: Flow) =
        if Flow.isConnection flow then
            live.Contains flow
        else
            isListener flow

    let location = Location(realm, isLive, agenda)

    let note (what: Note) = effects.Add(Effect.Note what)

    let serving = Serving(realm, policy, location, note)

    // No flow, no send: what is meant for a connection that is gone is dropped here.
    let send (hop: Hop) (bytes: byte[]) =
        match hop with
        | Hop.Flow flow when not (isLive flow) -> ()
        | Hop.Dial(Dialled.Udp, Host.Address address, port) ->
            match Realm.towards realm hop with
            | ValueSome listener ->
                let flow =
                    {
                        Listener = listener.Id
                        Transport = Transport.Udp
                        Connection = 0L
                        Remote = { Address = address; Port = port }
                    }

                effects.Add(Effect.Send(Hop.Flow flow, ReadOnlyMemory bytes))
            | ValueNone -> ()
        | Hop.Flow _
        | Hop.Dial _ -> effects.Add(Effect.Send(hop, ReadOnlyMemory bytes))

    let around (now: Instant) : Surroundings =
        {
            Station = station
            Edits = edits
            Out = out
            Timing = timing
            Now = now
            IsLive = isLive
        }

    let made (flow: Flow) (request: Message) (status: Status) (words: string) headers =
        out.Clear()
        Reply.write station (station.Flows.Of flow) request status words headers out
        out.Written.ToArray()

    let reply (flow: Flow) (request: Message) (status: Status) (words: string) headers =
        send (Hop.Flow flow) (made flow request status words headers)

    let unknown (flow: Flow) (request: Message) =
        reply flow request Status.noSuchTransaction (Status.phrase Status.noSuchTransaction) []

    let callId (message: Message) =
        message.Text(Message.value HeaderName.CallId message)

    let isAck (message: Message) =
        match message.Start with
        | StartLine.Request(Method.Ack, _, _) -> true
        | StartLine.Request _
        | StartLine.Response _ -> false

    let keyOf (request: Message) =
        Key.server request (request.Text(Message.methodName request))

    /// Answers once and keeps nothing: the request may be sent again and be refused again.
    let refuse (flow: Flow) (request: Message) (refusal: Refusal) =
        if not (isAck request) then
            let status = Refusal.status refusal
            note (Note.Refused(flow, callId request, status.Number, Refusal.words refusal))
            reply flow request status (Refusal.words refusal) (Refusal.headers refusal)

    let keep (step: ExchangeStep) =
        let exchange = step.Exchange

        for act in step.Acts do
            match act with
            | ExchangeAct.Send(hop, bytes) -> send hop bytes
            | ExchangeAct.Expect(key, leg) -> exchanges.Expect(key, exchange.Key, leg)

        if Exchange.isOver exchange then
            exchanges.Forget exchange
        else
            exchanges.Keep exchange

    let step (now: Instant) (event: ExchangeEvent) (exchange: Exchange) =
        keep (Proxying.step (around now) event exchange)

    /// An ACK of a 2xx is no transaction: it is passed on and forgotten (§16.11).
    let passAck (flow: Flow) (request: Message) (way: Way) (place: Place) =
        match Realm.towards realm place.Hop with
        | ValueNone -> ()
        | ValueSome leaves ->
            let outgoing =
                {
                    Station = station
                    Source = station.Flows.Of flow
                    Request = request
                    Way = way
                    Leaves = leaves
                    Heading = place.Heading
                    Path = place.Path
                    Transaction = Prf.hashText station.TransactionKey (Key.server request "ACK")
                    Index = 0
                }

            edits.Clear()
            Forward.write edits &outgoing
            send place.Hop (Patch.toBytes edits request)

    let isFull (flow: Flow) =
        exchanges.Total >= bounds.Total
        || (exchanges.Share flow >= bounds.PerFlow && not (Realm.isPeer realm flow))

    let forward now (flow: Flow) (request: Message) (way: Way) (places: Place list list) =
        if isAck request then
            List.iter (passAck flow request way) (List.truncate 1 (List.concat places))
        elif isFull flow then
            refuse flow request Refusal.Overloaded
        else
            keep (Proxying.start (around now) (keyOf request) flow request way places)

    let placesOfUser (now: Instant) (request: Message) (way: Way) : Decision =
        let uri = UriView.toUri request.Bytes way.Uri

        let places =
            match uri with
            | ValueSome(Uri.Sip uri) -> location.Places(now, Registration.aor realm uri)
            | ValueSome _
            | ValueNone -> []

        match places with
        | _ :: _ -> Decision.Forward places
        | [] when ValueOption.exists proofs.Knows uri -> Decision.Refuse Refusal.NobodyThere
        | [] -> Decision.Refuse Refusal.NoSuchUser

    let decide now (flow: Flow) method scheme (request: Message) (way: Way) (target: Target) =
        match target with
        | Target.Server -> serving.Decide(now, flow, method, scheme, request)
        | Target.User when method = Method.Register -> Decision.Refuse Refusal.NoSuchUser
        | Target.User -> placesOfUser now request way
        | Target.Along(Hop.Flow there, _) when not (isLive there) ->
            Decision.Refuse Refusal.FlowGone
        | Target.Along(hop, heading) ->
            Decision.Forward
                [
                    [
                        {
                            Hop = hop
                            Heading = heading
                            Path = ReadOnlyMemory.Empty
                        }
                    ]
                ]
        | Target.Nobody refusal -> Decision.Refuse refusal

    let carryOut now (flow: Flow) (request: Message) (way: Way) (decision: Decision) =
        match decision with
        | Decision.Answer(status, words, headers) -> reply flow request status words headers
        | Decision.Refuse refusal -> refuse flow request refusal
        | Decision.Forward places -> forward now flow request way places
        | Decision.Absorb -> ()

    /// Does what was decided for a proven user; over UDP the answer is kept, for the nonce is spent
    /// and a retransmission could prove nothing any more.
    let carryOutOnce
        (now: Instant)
        (flow: Flow)
        (request: Message)
        (way: Way)
        (decision: Decision)
        =
        let remember bytes =
            if not (Transport.isReliable flow.Transport) then
                answers.Keep(
                    keyOf request,
                    {
                        Source = flow
                        Bytes = ReadOnlyMemory bytes
                    },
                    now.After(Timing.patience timing)
                )

        match decision with
        | Decision.Answer(status, words, headers) ->
            let bytes = made flow request status words headers
            send (Hop.Flow flow) bytes
            remember bytes
        | Decision.Refuse refusal ->
            refuse flow request refusal
            let status = Refusal.status refusal
            remember (made flow request status (Refusal.words refusal) (Refusal.headers refusal))
        | Decision.Forward _
        | Decision.Absorb -> carryOut now flow request way decision

    let challenge (now: Instant) (flow: Flow) demand attempt staleness (request: Message) =
        let struct (status, header) = Gate.challenge demand

        let headers =
            proofs.Challenges(now, flow.Transport, attempt, staleness)
            |> List.map (fun value -> header, value)

        reply flow request status (Status.phrase status) headers

    /// Goes on with what the verdict allows; everything else is answered here.
    let judged (now: Instant) (flow: Flow) demand target (request: Message) goOn =
        let attempt = Gate.attempt demand flow request

        match proofs.Judge(now, flow.Transport, attempt) with
        | Verdict.Proven(principal, spent) ->
            proofs.Spend spent

            if Gate.mayBe realm principal target request then
                proofs.Vouch flow
                goOn ValueNone
            else
                goOn (ValueSome Refusal.NotYou)
        | Verdict.Challenge staleness -> challenge now flow demand attempt staleness request
        | Verdict.Malformed flaw ->
            reply flow request Status.badRequest ("Bad Request: " + Flaw.words flaw) []
        | Verdict.Refused(Rejection.SignedElsewhere _) ->
            let words = "Bad Request: The Credentials Name Another Request-URI"
            reply flow request Status.badRequest words []

    let admitted (now: Instant) (flow: Flow) (method: Method) (view: UriView) (request: Message) =
        let way = Routes.strip station request
        let target = Target.choose station request way
        let scheme = if view.Kind = UriKind.Sips then Scheme.Sips else Scheme.Sip

        let decide () =
            decide now flow method scheme request way target

        match Gate.demand realm flow (proofs.Vouched flow) target request with
        | Demand.Nothing -> carryOut now flow request way (decide ())
        | Demand.Unmeetable -> ()
        | Demand.AsRegistrar
        | Demand.AsProxy as demand ->
            judged now flow demand target request (fun refusal ->
                match refusal with
                | ValueSome refusal -> Decision.Refuse refusal
                | ValueNone -> decide ()
                |> carryOutOnce now flow request way)

    let fresh (now: Instant) (flow: Flow) (method: Method) (view: UriView) (request: Message) =
        match Admission.check station request, UriView.toUri request.Bytes view with
        | ValueSome refusal, _ -> refuse flow request refusal
        | ValueNone, ValueNone ->
            refuse
                flow
                request
                (Refusal.Faulty
                    {
                        Wrong = Wrong.RequestUri
                        Place = view.Whole.Start
                    })
        | ValueNone, ValueSome _ -> admitted now flow method view request

    let acknowledged now (flow: Flow) view (request: Message) =
        match exchanges.Find(Key.server request "INVITE") with
        | ValueSome exchange when Exchange.awaitsAck exchange ->
            step now ExchangeEvent.Acknowledged exchange
        // RFC 6026 §7.1: the ACK of a 2xx goes on, whatever its branch.
        | ValueSome _
        | ValueNone ->
            // The ACK of an answer that we gave without keeping anything carries our own tag.
            if not (Branch.isTagged station request) then
                fresh now flow Method.Ack view request

    // §9.2: whoever cancels must be whoever asked.
    let isAsker (flow: Flow) (exchange: Exchange) =
        flow = exchange.Source
        || (not (Flow.isConnection flow)
            && not (Flow.isConnection exchange.Source)
            && flow.Remote.Address = exchange.Source.Remote.Address)

    let cancelled now (flow: Flow) (request: Message) =
        let key = Key.server request "INVITE"

        match exchanges.Find key with
        | ValueSome exchange when isAsker flow exchange ->
            reply flow request Status.ok (Status.phrase Status.ok) []

            let reason =
                Message.texts HeaderName.Reason request |> List.map (fun text -> "Reason", text)

            step now (ExchangeEvent.Cancelled reason) exchange
        | ValueSome _ -> unknown flow request
        | ValueNone when (answers.Find key).IsSome ->
            reply flow request Status.ok (Status.phrase Status.ok) []
        | ValueNone -> unknown flow request

    let requested now (flow: Flow) method view (request: Message) =
        match method with
        | Method.Ack -> acknowledged now flow view request
        | Method.Cancel -> cancelled now flow request
        | Method.Invite
        | Method.Bye
        | Method.Register
        | Method.Options
        | Method.Message
        | Method.Subscribe
        | Method.Notify
        | Method.Refer
        | Method.Update
        | Method.Info
        | Method.Prack
        | Method.Publish
        | Method.Other ->
            let key = keyOf request

            match exchanges.Find key, answers.Find key with
            | ValueSome exchange, _ -> step now ExchangeEvent.Repeated exchange
            | ValueNone, ValueSome given -> send (Hop.Flow given.Source) (given.Bytes.ToArray())
            | ValueNone, ValueNone -> fresh now flow method view request

    let responded now (flow: Flow) (response: Message) =
        match exchanges.Leg(Key.client response) with
        | ValueSome(struct (exchange, leg)) when Exchange.mayAnswer realm flow leg exchange ->
            step now (ExchangeEvent.Answered(leg, flow, response)) exchange
        | ValueSome _
        | ValueNone -> note (Note.Stray(flow, callId response))

    let broken (flow: Flow) (fault: Fault) (head: Message voption) =
        note (Note.Broken(flow, Fault.words fault))

        match head with
        | ValueSome head ->
            match head.Start with
            | StartLine.Request _ -> refuse flow head (Refusal.Faulty fault)
            | StartLine.Response _ -> ()
        | ValueNone -> ()

    let arrived now (flow: Flow) (bytes: ReadOnlyMemory<byte>) =
        match Reading.message realm.Limits bytes.Span with
        | Arrival.Message message ->
            match message.Start with
            | StartLine.Request(method, _, uri) -> requested now flow method uri message
            | StartLine.Response _ -> responded now flow message
        | Arrival.Broken(fault, head) -> broken flow fault head

    /// A stream's head without its body is never worked on, however well it reads.
    let unframed (flow: Flow) (event: StreamEvent) (bytes: ReadOnlyMemory<byte>) =
        let arrival = Reading.message realm.Limits bytes.Span

        let fault wrong = { Wrong = wrong; Place = 0 }

        match event, arrival with
        | StreamEvent.TooLarge, Arrival.Message head ->
            broken flow (fault Wrong.TooLarge) (ValueSome head)
        | StreamEvent.TooLarge, Arrival.Broken(_, head) ->
            broken flow (fault Wrong.TooLarge) head
        | _, Arrival.Message head ->
            broken flow (fault (Wrong.Missing HeaderName.ContentLength)) (ValueSome head)
        | _, Arrival.Broken(found, head) -> broken flow found head

    let legFailed now (key: string) (leg: int) =
        exchanges.Find key |> ValueOption.iter (step now (ExchangeEvent.LegFailed leg))

    let unbind (aor: string) (after: Bindings) =
        location.Store(aor, after)

        if Bindings.isEmpty after then
            note (Note.Unregistered aor)

    let closed now (flow: Flow) =
        live.Remove flow |> ignore
        proofs.Close flow
        station.Flows.Forget flow

        for aor in location.On flow do
            unbind aor (fst (Bindings.dropFlow flow (location.Of aor)))

        for key in exchanges.From flow do
            exchanges.Find key |> ValueOption.iter (step now ExchangeEvent.SourceGone)

        for key in exchanges.To flow do
            match exchanges.Find key with
            | ValueSome exchange ->
                for KeyValue(id, leg) in exchange.Legs do
                    if leg.Hop = Hop.Flow flow then
                        legFailed now key id
            | ValueNone -> ()

    let undeliverable now (bytes: ReadOnlyMemory<byte>) =
        match Reading.message realm.Limits bytes.Span with
        | Arrival.Message message ->
            match message.Start, exchanges.Leg(Key.client message) with
            | StartLine.Request((Method.Ack | Method.Cancel), _, _), _ -> ()
            | StartLine.Request _, ValueSome(struct (exchange, leg)) ->
                legFailed now exchange.Key leg
            | StartLine.Request _, ValueNone
            | StartLine.Response _, _ -> ()
        | Arrival.Broken _ -> ()

    // An exchange that throws when its time comes would come again and again: it is given up.
    let tickExchange (now: Instant) (exchange: Exchange) =
        try
            step now ExchangeEvent.Tick exchange
        with _ ->
            exchanges.Forget exchange
            reraise ()

    let reached (now: Instant) (what: Due) =
        match what with
        | Due.Exchange key ->
            match exchanges.Find key with
            | ValueSome exchange when Exchange.wake exchange <= now -> tickExchange now exchange
            | ValueSome exchange -> agenda.Remind(Exchange.wake exchange, what)
            | ValueNone -> ()
        | Due.Answer key -> answers.Forget key
        | Due.Bindings aor ->
            match location.Of aor with
            | before when Bindings.wake before <= now ->
                unbind aor (fst (Bindings.expire now before))
            | before -> agenda.Remind(Bindings.wake before, what)
        | Due.Nonce id -> proofs.Forget id

    let rec tick (now: Instant) =
        match agenda.Due now with
        | ValueSome what ->
            reached now what
            sound <- effects.Count
            tick now
        | ValueNone -> ()

    /// A ledger with the usual bounds.
    new(realm: Realm, timing: Timing, policy: Policy) = Ledger(realm, timing, policy, Bounds.usual)

    /// When `Tick` is wanted.
    member _.Wake: Instant = if sound > 0 then latest else agenda.Wake

    /// Takes one input and returns what to do about it, in order. If it throws, the input is lost and
    /// nothing else: what had been done before it in the same call is returned by the next.
    member _.Take(now: Instant, input: Input) : IReadOnlyList<Effect> =
        effects.RemoveRange(sound, effects.Count - sound)
        latest <- now

        match input with
        | Input.Opened flow -> live.Add flow |> ignore
        | Input.Arrived(flow, bytes) -> arrived now flow bytes
        | Input.Unframed(flow, event, bytes) -> unframed flow event bytes
        | Input.Closed flow -> closed now flow
        | Input.Undeliverable(_, bytes) -> undeliverable now bytes
        | Input.Enrolled subscriber -> proofs.Enroll subscriber
        | Input.Restored(aor, binding) ->
            location.Store(aor, Bindings.ofList (Bindings.toList (location.Of aor) @ [ binding ]))
        | Input.Tick -> tick now

        let all = effects.ToArray()
        effects.Clear()
        sound <- 0
        all

    /// Who is registered, and with how many contacts.
    member _.Online(now: Instant) : IReadOnlyList<KeyValuePair<string, int>> = location.Online now

    /// How many requests wait for a final response.
    member _.Pending: int = exchanges.Pending

    /// How many entities are held for requests under way or lately answered.
    member _.Held: int = exchanges.Held + answers.Held

    /// How many entities are held that prove something: spent nonces, and connections of users.
    member _.Proofs: int = proofs.Held
