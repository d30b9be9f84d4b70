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
    let live = LiveFlows()
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
            match Realm.datagram realm { Address = address; Port = port } with
            | ValueSome flow -> effects.Add(Effect.Send(Hop.Flow flow, ReadOnlyMemory bytes))
            | ValueNone -> ()
        | Hop.Flow _
        | Hop.Dial _ -> effects.Add(Effect.Send(hop, ReadOnlyMemory bytes))

    let around (now: Instant) : Surroundings =
        {
            Realm = realm
            Timing = timing
            Now = now
            IsLive = isLive
        }

    let made (flow: Flow) (request: Message) (status: Status) (words: string) headers =
        Reply.make realm.Secret flow.Remote request status words headers

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
            let key = Text.toBytes (Key.server request "ACK")

            send
                place.Hop
                (Forward.bytes
                    {
                        Realm = realm
                        Source = flow
                        Request = request
                        Way = { way with Remaining = place.Routes }
                        Hop = place.Hop
                        Leaves = leaves
                        Uri = place.Uri
                        Branch = Branch.derive realm.Secret key 0 request
                    })

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

    let placesOfUser (now: Instant) (way: Way) : Decision =
        let places =
            match way.Uri with
            | Uri.Sip uri -> location.Places(now, Registration.aor realm uri)
            | Uri.Tel _
            | Uri.Other _ -> []

        match places with
        | _ :: _ -> Decision.Forward places
        | [] when proofs.Knows way.Uri -> Decision.Refuse Refusal.NobodyThere
        | [] -> Decision.Refuse Refusal.NoSuchUser

    let ending (there: FarEnd) =
        match there.Transport with
        | Transport.Udp -> Realm.datagram realm there.Remote
        | Transport.Tcp
        | Transport.Tls
        | Transport.Ws
        | Transport.Wss -> live.Ending there

    let rec decide now (flow: Flow) method scheme (request: Message) (way: Way) (target: Target) =
        match target with
        | Target.Server -> serving.Decide(now, flow, method, scheme, request)
        | Target.User _ when method = Method.Register -> Decision.Refuse Refusal.NoSuchUser
        | Target.User _ -> placesOfUser now way
        | Target.Along(Hop.Flow there, _) when not (isLive there) ->
            Decision.Refuse Refusal.FlowGone
        | Target.Along(hop, uri) ->
            Decision.Forward
                [
                    [
                        {
                            Hop = hop
                            Uri = uri
                            Routes = way.Remaining
                        }
                    ]
                ]
        | Target.Ending(there, uri) ->
            match ending there with
            | ValueSome found ->
                decide now flow method scheme request way (Target.Along(Hop.Flow found, uri))
            | ValueNone -> Decision.Refuse Refusal.FlowGone
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
            remember (Reply.refuse realm.Secret flow.Remote request refusal)
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

    let admitted
        (now: Instant)
        (flow: Flow)
        (method: Method)
        (view: UriView)
        (request: Message)
        uri
        =
        let routes =
            Message.values HeaderName.Route request
            |> List.map (fun slice -> request.Text slice)

        let way = Routes.strip realm uri routes
        let target = Target.choose realm flow way
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
        match Admission.check realm request, UriView.toUri request.Bytes view with
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
        | ValueNone, ValueSome uri -> admitted now flow method view request uri

    let acknowledged now (flow: Flow) view (request: Message) =
        match exchanges.Find(Key.server request "INVITE") with
        | ValueSome exchange when Exchange.awaitsAck exchange ->
            step now ExchangeEvent.Acknowledged exchange
        // RFC 6026 §7.1: the ACK of a 2xx goes on, whatever its branch.
        | ValueSome _
        | ValueNone ->
            // The ACK of an answer that we gave without keeping anything carries our own tag.
            let tag = request.Text(Message.tag HeaderName.To request)

            if tag <> Branch.tag realm.Secret request then
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

            let reason = OwnRequest.because (OwnRequest.reasons request)
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

    let arrived now (flow: Flow) (bytes: ReadOnlyMemory<byte>) =
        match Reading.message realm.Limits bytes.Span with
        | Arrival.Message message ->
            match message.Start with
            | StartLine.Request(method, _, uri) -> requested now flow method uri message
            | StartLine.Response _ -> responded now flow message
        | Arrival.Broken(fault, head) ->
            note (Note.Broken(flow, Fault.words fault))

            match head with
            | ValueSome head ->
                match head.Start with
                | StartLine.Request _ -> refuse flow head (Refusal.Faulty fault)
                | StartLine.Response _ -> ()
            | ValueNone -> ()

    let legFailed now (key: string) (leg: int) =
        exchanges.Find key |> ValueOption.iter (step now (ExchangeEvent.LegFailed leg))

    let unbind (aor: string) (after: Bindings) =
        location.Store(aor, after)

        if Bindings.isEmpty after then
            note (Note.Unregistered aor)

    let closed now (flow: Flow) =
        live.Remove flow
        proofs.Close flow

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
        | Input.Opened flow -> live.Add flow
        | Input.Arrived(flow, bytes) -> arrived now flow bytes
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
