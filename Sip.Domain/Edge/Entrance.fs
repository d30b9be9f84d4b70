// Entrance: the way of a request that no transaction knows: may it be worked on, what must be proven, and
// how what was decided is carried out (RFC 3261 §16.3, §16.6, §22). What is decided stands in Deciding.fs.

namespace Sip.Edge

open System
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Transactions
open Sip.Identity
open Sip.Guarding

/// What came of looking at a request's credentials.
[<RequireQualifiedAccess; Struct>]
type internal Shown =
    | Sound of Principal: Principal * Info: AuthenticationInfo voption
    /// The user is one, and speaks as another.
    | Foreign
    /// It has been answered.
    | Nothing

/// Letting requests in.
[<Sealed>]
type internal Entrance
    (
        station: Station,
        timing: Timing,
        deciding: Deciding,
        edits: Edits,
        guard: Guard,
        ban: Instant -> Address -> Offence -> unit,
        tables: Tables
    ) =
    let realm = station.Realm
    let outbox = tables.Outbox
    let proofs = tables.Proofs
    let exchanges = tables.Exchanges
    let answers = tables.Answers
    let calls = tables.Calls
    let meters = Meters(station, calls)
    // Made once: a method that is handed over is made a function each time.
    let living: Living = tables.Location.Standing

    let breadthOf (request: Message) =
        MaxBreadth.incoming (Message.number HeaderName.MaxBreadth request)

    /// An ACK of a 2xx is no transaction: it is passed on and forgotten (§16.11).
    let passAck (source: FlowText) (request: Message) (way: Way) (place: Place) =
        match Realm.towards realm place.Hop with
        | ValueNone -> ()
        | ValueSome leaves ->
            let outgoing =
                {
                    Station = station
                    Source = source
                    Request = request
                    Way = way
                    Hop = place.Hop
                    Leaves = leaves
                    Heading = place.Heading
                    Path = place.Path
                    Breadth = breadthOf request
                    Towards = Station.standing station place.Hop
                    Asserted = tables.Identities.Of source.Flow
                    Transaction = Key.ofAck station request
                    Index = 0
                }

            edits.Clear()
            Forward.write edits &outgoing
            outbox.Send(place.Hop, outbox.Patched(edits, request))

    let later = 5L<s>

    let isOurs (request: Message) (uri: UriView) =
        Station.isOurs station (request.Slice uri.Host)

    // INVITEs wait as long as somebody lets it ring: those of one user are counted, whatever they come by. A
    // peer speaks for many.
    let callerOf (source: FlowText) method (request: Message) =
        if method = Method.Invite && source.Standing <> Standing.Peer then
            match AddressView.read request.Bytes (Message.value HeaderName.From request) with
            // Strangers, who may write any name there, are counted by where they are.
            | ValueSome from when realm.Inbound = Inbound.Anybody && not (isOurs request from.Uri) ->
                guard.Caller(ReadOnlySpan(Text.toBytes (Address.print source.Flow.Remote.Address)))
            | ValueSome from -> guard.Caller(request.Slice from.Uri.User)
            | ValueNone -> 0UL
        else
            0UL

    let isTooMany (source: FlowText) (caller: uint64) =
        caller <> 0UL && not (guard.Invites(caller, source.Flow.Remote.Address))

    // What goes no further is no call.
    let refuse now (source: FlowText) (request: Message) (refusal: Refusal) =
        calls.Settled(now, calls.Find request)
        outbox.Refuse(source, request, refusal)

    let forward
        now
        (source: FlowText)
        method
        (request: Message)
        (way: Way)
        (places: Place list list)
        =
        if method = Method.Ack then
            match places with
            | (place :: _) :: _ -> passAck source request way place
            | [] :: _
            | [] -> ()
        else
            let breadth = breadthOf request

            if breadth < 1 then
                refuse now source request Refusal.TooBroad
            else
                let caller = callerOf source method request

                if not (exchanges.TryMakeRoom source) || isTooMany source caller then
                    refuse now source request (Refusal.Overloaded later)
                else
                    let places = MaxBreadth.within breadth places
                    let key = Key.ofRequest station request
                    exchanges.Begin(key, method, source, request, places, caller)

    // One after another, each where the one before did not take it.
    let inTurn (places: Place list) : Place list list =
        match places with
        | [] -> []
        | first :: spare -> [ [ { first with Spare = spare } ] ]

    let astray (astray: Astray) : Refusal =
        match astray with
        | Astray.NoTransport -> Refusal.NoTransport
        | Astray.NoAddress -> Refusal.NoAddress
        | Astray.Barred -> Refusal.NotOurs
        | Astray.NoAnswer -> Refusal.NoAnswer

    let found now (source: FlowText) method (request: Message) (way: Way) (found: Found) =
        match found with
        | Found.Places places -> forward now source method request way (inTurn places)
        | Found.Nowhere why -> refuse now source request (astray why)
        // §16.2: whoever waits for an answer is told that it may take a while.
        | Found.Wait _ ->
            if method = Method.Invite then
                outbox.Say(source, request, Status.trying)

    let seek (now: Instant) (source: FlowText) method (request: Message) (way: Way) uris heading =
        let key =
            if method = Method.Ack then
                Key.ofAck station request
            else
                Key.ofRequest station request

        tables.Locating.Seek(now, key, method, source, request, uris, heading)
        |> found now source method request way

    let carryOut now (source: FlowText) method (request: Message) (way: Way) (decision: Decision) =
        match decision with
        | Decision.Answer(status, words, headers) ->
            outbox.Reply(source, request, status, words, headers)
        | Decision.Refuse refusal -> outbox.Refuse(source, request, refusal)
        | Decision.Forward places -> forward now source method request way places
        | Decision.Seek(uris, heading) -> seek now source method request way uris heading
        | Decision.Absorb -> ()

    /// Does what was decided for a proven user; over UDP the answer is kept, for the nonce is spent
    /// and a retransmission could prove nothing any more.
    let carryOutOnce
        (now: Instant)
        (source: FlowText)
        method
        (request: Message)
        (way: Way)
        (decision: Decision)
        =
        let isLossy = not (Transport.isReliable source.Flow.Transport)

        let remember bytes =
            let until = now.After(Timing.patience timing)
            answers.Keep(Key.ofRequest station request, source, bytes, until)

        match decision with
        | Decision.Answer(status, words, headers) ->
            let bytes = outbox.Made(source, request, status, words, headers)
            outbox.Send(source.Hop, bytes)

            if isLossy then
                remember bytes
        | Decision.Refuse refusal ->
            outbox.Refuse(source, request, refusal)

            if isLossy then
                let status, words = Refusal.status refusal, Refusal.words refusal
                remember (outbox.Made(source, request, status, words, Refusal.headers refusal))
        | Decision.Forward _
        | Decision.Seek _
        | Decision.Absorb -> carryOut now source method request way decision

    let challenge now (source: FlowText) demand attempt staleness flaw (request: Message) =
        let struct (status, header) = Gate.challenge demand
        let transport = Gate.transport source request

        let headers =
            proofs.Challenges(now, transport, source.Flow, attempt, staleness, flaw)
            |> List.map (fun value -> header, value)

        outbox.Reply(source, request, status, Status.phrase status, headers)

    // The shard of the connection may be another: a REGISTER is worked on where the bindings are.
    let vouch (now: Instant) (flow: Flow) (principal: Principal) =
        match proofs.News(now, flow, principal) with
        | ValueSome until ->
            proofs.Vouch(flow, principal.User, until)
            outbox.Tell(Told.Proven(flow, principal.User, until))
        | ValueNone -> ()

    // What a datagram says proves nothing about where it comes from.
    let shown (now: Instant) (source: FlowText) (request: Message) =
        if
            Flow.isConnection source.Flow
            && Scanner.sent request.Bytes
            && guard.Scans(now, source.Flow.Remote.Address)
        then
            ban now source.Flow.Remote.Address Offence.Scanning

    // RFC 7616 §3.5: whoever registers may know that it is us who answered.
    let withInfo method (info: AuthenticationInfo voption) (decision: Decision) : Decision =
        match decision, info with
        | Decision.Answer(status, words, headers), ValueSome info when
            method = Method.Register && status = Status.ok
            ->
            Decision.Answer(status, words, ("Authentication-Info", info.Print()) :: headers)
        | Decision.Answer _, _
        | Decision.Refuse _, _
        | Decision.Forward _, _
        | Decision.Seek _, _
        | Decision.Absorb, _ -> decision

    // Whoever was proven may send what is theirs.
    let admit now (source: FlowText) target (request: Message) (principal: Principal) info =
        if not (guard.Request(now, principal.User, source.Flow.Remote.Address)) then
            outbox.Refuse(source, request, Refusal.Overloaded later)
            Shown.Nothing
        elif proofs.MayBe(principal, target, request) then
            vouch now source.Flow principal
            Shown.Sound(principal, info)
        else
            Shown.Foreign

    let byPassword now (source: FlowText) demand attempt target (request: Message) =
        match proofs.Judge(now, Gate.transport source request, source.Flow, attempt) with
        | Verdict.Proven(principal, spent, info) ->
            proofs.Spend spent
            admit now source target request principal (ValueSome info)
        | Verdict.Challenge staleness ->
            challenge now source demand attempt staleness ValueNone request
            shown now source request
            Shown.Nothing
        | Verdict.Refused(Rejection.TooManyGuesses wait) ->
            outbox.Refuse(source, request, Refusal.Overloaded wait)
            Shown.Nothing
        | Verdict.Malformed flaw ->
            let words = "Bad Request: " + Flaw.words flaw
            outbox.Reply(source, request, Status.badRequest, words, [])
            Shown.Nothing
        | Verdict.Refused(Rejection.SignedElsewhere _) ->
            let words = "Bad Request: The Credentials Name Another Request-URI"
            outbox.Reply(source, request, Status.badRequest, words, [])
            Shown.Nothing

    let byCredentials now (source: FlowText) demand target (request: Message) =
        let attempt = Gate.attempt demand source.Flow request

        match proofs.Bears(now, source.Flow, attempt) with
        | Borne.Proven principal -> admit now source target request principal ValueNone
        | Borne.Refused flaw ->
            challenge now source demand attempt Staleness.Fresh (ValueSome flaw) request
            Shown.Nothing
        | Borne.Nothing -> byPassword now source demand attempt target request

    /// What a request may do by whose connection it came, or by its credentials; everything else is answered here.
    let judged (now: Instant) (source: FlowText) demand target (request: Message) =
        match proofs.Visitor(now, source.Flow) with
        | ValueSome visitor when proofs.MayBe(visitor, target, request) ->
            admit now source target request visitor ValueNone
        | ValueSome _
        | ValueNone -> byCredentials now source demand target request

    // Whoever has a user's password is that user: only what they do tells a thief.
    let measured now (source: FlowText) (principal: Principal) request way (decision: Decision) =
        match meters.Take(now, principal.User, request, way, decision) with
        | Metered.Passes -> decision
        | Metered.Stopped
        | Metered.Full -> Decision.Refuse Refusal.Metered
        | Metered.Trips ->
            outbox.Note(Note.Stopped(source.Flow, principal.User))
            Decision.Refuse Refusal.Metered

    // Whether there is such a user is nobody's business; who is away is as good as nobody.
    let untold (decision: Decision) : Decision =
        match decision with
        | Decision.Refuse Refusal.NoSuchUser -> Decision.Refuse Refusal.NobodyThere
        | Decision.Answer _
        | Decision.Refuse _
        | Decision.Forward _
        | Decision.Seek _
        | Decision.Absorb -> decision

    // Whoever is registered on a flow has proven themselves on it, in an earlier run of the process perhaps.
    let isRegistered (now: Instant) (source: FlowText) (request: Message) =
        let all = request.Bytes

        match AddressView.read all (Message.value HeaderName.From request) with
        | ValueSome from ->
            Station.isOurs station (Slice.bytes all from.Uri.Host)
            && tables.Location.IsOn(now, all, from.Uri, source.Flow)
        | ValueNone -> false

    let speakerOf (now: Instant) (source: FlowText) (request: Message) =
        if Gate.asksWho realm source request then
            match proofs.Speaker(now, source.Flow, request) with
            | Speaker.Stranger when isRegistered now source request -> Speaker.Own
            | Speaker.Stranger
            | Speaker.Own
            | Speaker.Alien as speaker -> speaker
        else
            Speaker.Stranger

    let admitted
        (now: Instant)
        (source: FlowText)
        (method: Method)
        (view: UriView)
        (request: Message)
        =
        let way = Routes.strip station request

        let target =
            Target.choose station living source.Flow request way
            |> Homeward.redirect station source request way

        let scheme = if view.Kind = UriKind.Sips then Scheme.Sips else Scheme.Sip

        let speaker = speakerOf now source request

        match Gate.demand station source speaker target request with
        | Demand.Nothing ->
            carryOut
                now
                source
                method
                request
                way
                (deciding.Decide(
                    now,
                    source,
                    method,
                    scheme,
                    request,
                    way,
                    target,
                    Subscriber.unending
                ))
        | Demand.AsStranger ->
            let from = source.Flow.Remote.Address

            // No name of a user begins so.
            if guard.Request(now, String.Concat("@", Address.print from), from) then
                deciding.Decide(
                    now,
                    source,
                    method,
                    scheme,
                    request,
                    way,
                    target,
                    Subscriber.unending
                )
                |> untold
                |> carryOut now source method request way
            else
                outbox.Refuse(source, request, Refusal.Overloaded later)
        | Demand.Unmeetable -> outbox.Refuse(source, request, Refusal.NotYou)
        | Demand.AsRegistrar
        | Demand.AsProxy as demand ->
            match judged now source demand target request with
            | Shown.Nothing -> ()
            | Shown.Foreign ->
                carryOutOnce now source method request way (Decision.Refuse Refusal.NotYou)
            | Shown.Sound(principal, info) ->
                deciding.Decide(now, source, method, scheme, request, way, target, principal.Until)
                |> measured now source principal request way
                |> withInfo method info
                |> carryOutOnce now source method request way

    // A Request-URI of a scheme that names a host names one.
    let isSound (request: Message) (view: UriView) =
        match view.Kind with
        | UriKind.Sip
        | UriKind.Sips -> HostView.isHost (request.Slice view.Host)
        | UriKind.Tel
        | UriKind.Other -> true

    let fresh
        (now: Instant)
        (source: FlowText)
        (method: Method)
        (view: UriView)
        (request: Message)
        =
        match Admission.check station request with
        | ValueSome refusal -> outbox.Refuse(source, request, refusal)
        | ValueNone when isSound request view -> admitted now source method view request
        | ValueNone ->
            let fault =
                {
                    Wrong = Wrong.RequestUri
                    Place = view.Whole.Start
                }

            outbox.Refuse(source, request, Refusal.Faulty fault)

    /// A request that waited goes where was found that it has to go, or is refused.
    member _.Located(now: Instant, wanted: Waiting, what: Found, request: Message) : unit =
        found now wanted.Source wanted.Method request (Routes.strip station request) what

    /// Takes a request in; what it leads to is in the outbox and in the tables.
    member _.Enter(now, source, method, view, request) : unit = fresh now source method view request
