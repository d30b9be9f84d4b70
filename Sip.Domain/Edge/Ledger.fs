// Ledger: the one mutable place of the domain: keyed tables of immutable entities and the queue of
// their deadlines. Deterministic, with no clock, thread or socket of its own. An entity's new value
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

/// A final answer of our own, kept for the retransmissions of its request.
type private Given =
    {
        Source: Flow
        State: ServerOther.State
        Until: Instant
    }

/// What a deadline is for.
[<RequireQualifiedAccess; Struct>]
type private Due =
    | Exchange of Key: string
    | Given of Of: string
    | Bindings of Aor: string
    | Nonce of Id: NonceId

/// The state of one shard.
[<Sealed>]
type Ledger(realm: Realm, timing: Timing, policy: Policy) =
    let live = HashSet<Flow>()
    let exchanges = Dictionary<string, Exchange>()
    let legs = Dictionary<string, struct (string * int)>()
    let given = Dictionary<string, Given>()
    let bindings = Dictionary<string, Bindings>()
    let onFlow = Dictionary<Flow, HashSet<string>>()
    let proven = Dictionary<Flow, Principal>()
    let subscribers = Dictionary<string, Subscriber>()
    let windows = Dictionary<NonceId, Spent>()
    let due = PriorityQueue<Due, int64>()
    let effects = List<Effect>()

    let keys: NonceKeys =
        let bytes = Seal.digest realm.Secret "nonce" []

        {
            Current = (NonceKey.TryOf(1uy, ReadOnlySpan bytes)).Value
            Previous = ValueNone
        }

    let settingsFor =
        Authentication.settings
            (Realm.name realm)
            (Host.tryRead (Realm.name realm)
             |> ValueOption.defaultValue (Host.Name(Realm.name realm)))
            keys

    let webSocketSettings = settingsFor Transport.Ws
    let otherSettings = settingsFor Transport.Udp

    let settings (flow: Flow) =
        if Transport.isWebSocket flow.Transport then
            webSocketSettings
        else
            otherSettings

    let remind (at: Instant) (what: Due) =
        if at.Milliseconds <> Int64.MaxValue then
            due.Enqueue(what, at.Milliseconds)

    let isLive (flow: Flow) =
        not (Flow.isConnection flow) || live.Contains flow

    let note (what: Note) = effects.Add(Effect.Note what)

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
            Realm = realm
            Timing = timing
            Now = now
            IsLive = isLive
        }

    let reply (flow: Flow) (request: Message) (status: Status) (words: string) headers =
        send (Hop.Flow flow) (Reply.make realm.Secret flow.Remote request status words headers)

    let callId (message: Message) =
        message.Text(Message.value HeaderName.CallId message)

    let isAck (message: Message) =
        match message.Start with
        | StartLine.Request(Method.Ack, _, _) -> true
        | StartLine.Request _
        | StartLine.Response _ -> false

    /// Answers once and keeps nothing: the request may be sent again and be refused again.
    let refuse (flow: Flow) (request: Message) (refusal: Refusal) =
        if not (isAck request) then
            let status = Refusal.status refusal
            note (Note.Refused(flow, callId request, status.Number, Refusal.words refusal))
            send (Hop.Flow flow) (Reply.refuse realm.Secret flow.Remote request refusal)

    let keep (step: ExchangeStep) =
        let exchange = step.Exchange

        for act in step.Acts do
            match act with
            | ExchangeAct.Send(hop, bytes) -> send hop bytes
            | ExchangeAct.Expect(key, leg) -> legs[key] <- struct (exchange.Key, leg)

        if Exchange.isOver exchange then
            exchanges.Remove exchange.Key |> ignore

            for leg in exchange.Legs.Values do
                legs.Remove(Key.client leg.Sent) |> ignore
        else
            exchanges[exchange.Key] <- exchange
            remind (Exchange.wake exchange) (Due.Exchange exchange.Key)

    let step (now: Instant) (event: ExchangeEvent) (exchange: Exchange) =
        keep (Exchange.step (around now) event exchange)

    /// Answers finally and keeps the answer for as long as its request may come again.
    let answer (now: Instant) (flow: Flow) (request: Message) (status: Status) headers =
        let key = Key.server request (request.Text(Message.methodName request))

        let response: Response =
            {
                Status = status
                Bytes =
                    ReadOnlyMemory(
                        Reply.make
                            realm.Secret
                            flow.Remote
                            request
                            status
                            (Status.phrase status)
                            headers
                    )
            }

        send (Hop.Flow flow) (response.Bytes.ToArray())

        if not (Transport.isReliable flow.Transport) then
            let until = now.After(Timing.patience timing)

            given[key] <-
                {
                    Source = flow
                    State = ServerOther.State.Completed(response, until)
                    Until = until
                }

            remind until (Due.Given key)

    let track (aor: string) (flow: Flow) =
        if Flow.isConnection flow then
            match onFlow.TryGetValue flow with
            | true, aors -> aors.Add aor |> ignore
            | false, _ -> onFlow[flow] <- HashSet [ aor ]

    let store (aor: string) (after: Bindings) =
        if Bindings.isEmpty after then
            if bindings.Remove aor then
                note (Note.Unregistered aor)
        else
            bindings[aor] <- after
            remind (Bindings.wake after) (Due.Bindings aor)

    let register (now: Instant) (flow: Flow) (scheme: Scheme) (request: Message) =
        match Registration.target request, Registration.read flow scheme request with
        | ValueNone, _ -> refuse flow request Refusal.NoSuchUser
        | ValueSome target, _ when not (Realm.owns realm target) ->
            refuse flow request Refusal.NoSuchUser
        | _, Error refusal -> refuse flow request refusal
        | ValueSome target, Ok question ->
            let aor = (Registration.aor realm target).Key

            let before =
                match bindings.TryGetValue aor with
                | true, found -> found
                | false, _ -> Bindings.empty

            match Register.step policy now question before with
            | Outcome.Refused refusal ->
                let status = Sip.Registrar.Refusal.status refusal
                let words = Sip.Registrar.Refusal.reason refusal
                note (Note.Refused(flow, callId request, status.Number, words))
                reply flow request status words (Sip.Registrar.Refusal.headers refusal)
            | Outcome.Registered(after, _) ->
                store aor after
                track aor flow

                note (Note.Registered(aor, flow, List.length (Bindings.current now after)))
                answer now flow request Status.ok (Registration.headers now question after)

    let allow =
        "INVITE, ACK, CANCEL, BYE, OPTIONS, MESSAGE, REGISTER, UPDATE, INFO, PRACK, REFER, SUBSCRIBE, NOTIFY, PUBLISH"

    let serve (now: Instant) (flow: Flow) (method: Method) (scheme: Scheme) (request: Message) =
        match method with
        | Method.Register -> register now flow scheme request
        | Method.Options ->
            answer
                now
                flow
                request
                Status.ok
                [ "Allow", allow; "Accept", "*/*"; "Supported", "path, outbound" ]
        | Method.Ack -> ()
        | Method.Cancel
        | Method.Bye ->
            reply flow request Status.noSuchTransaction (Status.phrase Status.noSuchTransaction) []
        | Method.Invite
        | Method.Message
        | Method.Refer -> refuse flow request Refusal.NoSuchUser
        | Method.Subscribe
        | Method.Notify
        | Method.Update
        | Method.Info
        | Method.Prack
        | Method.Publish -> refuse flow request (Refusal.NotAllowed "OPTIONS, REGISTER")
        | Method.Other -> refuse flow request Refusal.Unimplemented

    let placeOf (binding: Binding) : Place voption =
        match binding.Contact.Uri with
        | Uri.Sip _ when isLive binding.Flow ->
            ValueSome
                {
                    Hop = Hop.Flow binding.Flow
                    Uri = binding.Contact.Uri
                }
        | Uri.Sip _
        | Uri.Tel _
        | Uri.Other _ -> ValueNone

    let placesOf (now: Instant) (aor: Aor) : Place list list =
        match bindings.TryGetValue aor.Key with
        | false, _ -> []
        | true, found ->
            Bindings.lookup now found
            |> List.map (List.choose (fun target -> placeOf target.First |> ValueOption.toOption))
            |> List.filter (fun group -> not group.IsEmpty)

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
                        Way = way
                        Hop = place.Hop
                        Leaves = leaves
                        Uri = place.Uri
                        Branch = Branch.derive realm.Secret key 0 request
                    })

    let forward
        (now: Instant)
        (flow: Flow)
        (request: Message)
        (way: Way)
        (places: Place list list)
        =
        if isAck request then
            List.iter (passAck flow request way) (List.truncate 1 (List.concat places))
        else
            let key = Key.server request (request.Text(Message.methodName request))
            keep (Exchange.start (around now) key flow request way places)

    let isKnownUser (uri: Uri) =
        match uri with
        | Uri.Sip sip ->
            match sip.User with
            | ValueSome user -> subscribers.ContainsKey(Escape.decode user)
            | ValueNone -> false
        | Uri.Tel _
        | Uri.Other _ -> false

    let route now (flow: Flow) method scheme (request: Message) (way: Way) (target: Target) =
        match target with
        | Target.Server -> serve now flow method scheme request
        | Target.User _ when method = Method.Register -> refuse flow request Refusal.NoSuchUser
        | Target.User _ ->
            let aor =
                match way.Uri with
                | Uri.Sip uri -> ValueSome(Registration.aor realm uri)
                | Uri.Tel _
                | Uri.Other _ -> ValueNone

            match ValueOption.map (placesOf now) aor with
            | ValueSome(_ :: _ as places) -> forward now flow request way places
            | ValueSome []
            | ValueNone when isKnownUser way.Uri -> refuse flow request Refusal.NobodyThere
            | ValueSome []
            | ValueNone -> refuse flow request Refusal.NoSuchUser
        | Target.Along(Hop.Flow there, _) when not (isLive there) ->
            refuse flow request Refusal.FlowGone
        | Target.Along(hop, uri) -> forward now flow request way [ [ { Hop = hop; Uri = uri } ] ]
        | Target.Nobody refusal -> refuse flow request refusal

    let challenge now (flow: Flow) demand attempt staleness (request: Message) =
        let struct (status, header) = Gate.challenge demand

        let headers =
            Authentication.challenges (settings flow) now attempt staleness
            |> List.map (fun value -> header, value)

        reply flow request status (Status.phrase status) headers

    /// Goes on with what the verdict allows; everything else is answered here.
    let judged now (flow: Flow) demand (request: Message) (goOn: unit -> unit) =
        let attempt = Gate.attempt demand request

        let subscriber user =
            match subscribers.TryGetValue user with
            | true, found -> ValueSome found
            | false, _ -> ValueNone

        let window id =
            match windows.TryGetValue id with
            | true, spent -> spent.Window
            | false, _ -> Window.unused

        match Authentication.judge (settings flow) now subscriber window attempt with
        | Verdict.Proven(principal, spent) ->
            if not (windows.ContainsKey spent.Id) then
                remind spent.Forget (Due.Nonce spent.Id)

            windows[spent.Id] <- spent

            if not (Gate.mayBe realm principal request) then
                reply
                    flow
                    request
                    Status.forbidden
                    "Forbidden: From Is Not The User Who Signed In"
                    []
            else
                if Flow.isConnection flow then
                    proven[flow] <- principal

                goOn ()
        | Verdict.Challenge staleness -> challenge now flow demand attempt staleness request
        | Verdict.Malformed flaw ->
            reply flow request Status.badRequest ("Bad Request: " + Flaw.words flaw) []
        | Verdict.Refused(Rejection.SignedElsewhere _) ->
            reply
                flow
                request
                Status.badRequest
                "Bad Request: The Credentials Name Another Request-URI"
                []

    let fresh now (flow: Flow) (method: Method) (view: UriView) (request: Message) =
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
        | ValueNone, ValueSome uri ->
            let routes =
                Message.values HeaderName.Route request
                |> List.map (fun slice -> request.Text slice)

            let way = Routes.strip realm uri routes
            let target = Target.choose realm way
            let scheme = if view.Kind = UriKind.Sips then Scheme.Sips else Scheme.Sip

            let goOn () =
                route now flow method scheme request way target

            match Gate.demand realm flow (proven.ContainsKey flow) target request with
            | Demand.Nothing -> goOn ()
            | Demand.AsRegistrar
            | Demand.AsProxy as demand -> judged now flow demand request goOn

    let acknowledged now (flow: Flow) view (request: Message) =
        match exchanges.TryGetValue(Key.server request "INVITE") with
        | true, exchange -> step now ExchangeEvent.Acknowledged exchange
        | false, _ ->
            // The ACK of an answer that we gave without keeping anything carries our own tag.
            let tag = request.Text(Message.tag HeaderName.To request)

            if tag <> Branch.tag realm.Secret request then
                fresh now flow Method.Ack view request

    let cancelled now (flow: Flow) (request: Message) =
        match exchanges.TryGetValue(Key.server request "INVITE") with
        | true, exchange ->
            reply flow request Status.ok (Status.phrase Status.ok) []
            step now ExchangeEvent.Cancelled exchange
        | false, _ ->
            reply flow request Status.noSuchTransaction (Status.phrase Status.noSuchTransaction) []

    let repeated (key: string) : bool =
        match given.TryGetValue key with
        | true, answered ->
            match answered.State with
            | ServerOther.State.Completed(final, _) ->
                send (Hop.Flow answered.Source) (final.Bytes.ToArray())
                true
            | ServerOther.State.Trying _
            | ServerOther.State.Proceeding _
            | ServerOther.State.Terminated -> false
        | false, _ -> false

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
            let key = Key.server request (request.Text(Message.methodName request))

            match exchanges.TryGetValue key with
            | true, exchange -> step now ExchangeEvent.Repeated exchange
            | false, _ ->
                if not (repeated key) then
                    fresh now flow method view request

    let responded now (flow: Flow) (response: Message) =
        match legs.TryGetValue(Key.client response) with
        | true, struct (key, leg) when Return.hasFurther response ->
            match exchanges.TryGetValue key with
            | true, exchange -> step now (ExchangeEvent.Answered(leg, flow, response)) exchange
            | false, _ -> note (Note.Stray(flow, callId response))
        | true, _
        | false, _ -> note (Note.Stray(flow, callId response))

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

    let closed now (flow: Flow) =
        live.Remove flow |> ignore
        proven.Remove flow |> ignore

        match onFlow.TryGetValue flow with
        | true, aors ->
            onFlow.Remove flow |> ignore

            for aor in aors do
                match bindings.TryGetValue aor with
                | true, found -> store aor (fst (Bindings.dropFlow flow found))
                | false, _ -> ()
        | false, _ -> ()

        for exchange in List.ofSeq exchanges.Values do
            if exchange.Source = flow then
                step now ExchangeEvent.SourceGone exchange
            else
                for KeyValue(id, leg) in exchange.Legs do
                    if leg.Hop = Hop.Flow flow && not (Leg.isOver leg) then
                        match exchanges.TryGetValue exchange.Key with
                        | true, current -> step now (ExchangeEvent.LegFailed id) current
                        | false, _ -> ()

    let undeliverable now (bytes: ReadOnlyMemory<byte>) =
        match Reading.message realm.Limits bytes.Span with
        | Arrival.Message message ->
            match legs.TryGetValue(Key.client message) with
            | true, struct (key, leg) ->
                match exchanges.TryGetValue key with
                | true, exchange -> step now (ExchangeEvent.LegFailed leg) exchange
                | false, _ -> ()
            | false, _ -> ()
        | Arrival.Broken _ -> ()

    let restore (aor: string) (binding: Binding) =
        let before =
            match bindings.TryGetValue aor with
            | true, found -> Bindings.toList found
            | false, _ -> []

        store aor (Bindings.ofList (before @ [ binding ]))

    let reached (now: Instant) (what: Due) =
        match what with
        | Due.Exchange key ->
            match exchanges.TryGetValue key with
            | true, exchange when (Exchange.wake exchange).Milliseconds <= now.Milliseconds ->
                step now ExchangeEvent.Tick exchange
            | true, _
            | false, _ -> ()
        | Due.Given key ->
            match given.TryGetValue key with
            | true, answered when answered.Until.Milliseconds <= now.Milliseconds ->
                given.Remove key |> ignore
            | true, _
            | false, _ -> ()
        | Due.Bindings aor ->
            match bindings.TryGetValue aor with
            | true, found -> store aor (fst (Bindings.expire now found))
            | false, _ -> ()
        | Due.Nonce id -> windows.Remove id |> ignore

    let rec tick (now: Instant) =
        let mutable what = Due.Exchange ""
        let mutable at = 0L

        if due.TryPeek(&what, &at) && at <= now.Milliseconds then
            due.Dequeue() |> ignore
            reached now what
            tick now

    /// When `Tick` is wanted.
    member _.Wake: Instant =
        let mutable what = Due.Exchange ""
        let mutable at = 0L

        if due.TryPeek(&what, &at) then
            Instant.FromMilliseconds at
        else
            Instant.Never

    /// Takes one input and returns what to do about it, in order.
    member _.Take(now: Instant, input: Input) : IReadOnlyList<Effect> =
        effects.Clear()

        match input with
        | Input.Opened flow -> live.Add flow |> ignore
        | Input.Arrived(flow, bytes) -> arrived now flow bytes
        | Input.Closed flow -> closed now flow
        | Input.Undeliverable(_, bytes) -> undeliverable now bytes
        | Input.Enrolled subscriber -> subscribers[subscriber.User] <- subscriber
        | Input.Restored(aor, binding) -> restore aor binding
        | Input.Tick -> tick now

        effects.ToArray()

    /// Who is registered, and with how many contacts.
    member _.Online(now: Instant) : IReadOnlyList<KeyValuePair<string, int>> =
        [|
            for KeyValue(aor, found) in bindings do
                KeyValuePair(aor, List.length (Bindings.current now found))
        |]

    /// How many requests wait for a final response.
    member _.Pending: int = exchanges.Values |> Seq.filter Exchange.isPending |> Seq.length

    /// How many entities are held: exchanges, legs, given answers.
    member _.Held: int = exchanges.Count + legs.Count + given.Count
