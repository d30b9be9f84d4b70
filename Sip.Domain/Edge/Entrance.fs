// Entrance: the way of a request that no transaction knows: may it be worked on, whom is it for, what
// must be proven, and what becomes of it (RFC 3261 §16.3 to §16.6, §22).

namespace Sip.Edge

open System
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Transactions
open Sip.Identity

/// The tables that an entrance works with.
type internal Tables =
    {
        Outbox: Outbox
        Location: Location
        Locating: Locating
        Watchers: Watchers
        Proofs: Proofs
        Identities: Identities
        Exchanges: Exchanges
        Answers: Answers
    }

/// Letting requests in.
[<Sealed>]
type internal Entrance(station: Station, timing: Timing, desk: Desk, edits: Edits, tables: Tables) =
    let realm = station.Realm
    let outbox = tables.Outbox
    let location = tables.Location
    let proofs = tables.Proofs
    let exchanges = tables.Exchanges
    let answers = tables.Answers
    // Made once: a method that is handed over is made a function each time.
    let living: Living = location.Standing

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
            let start = outbox.Out.Length
            let length = Patch.length edits request
            Patch.write edits request (outbox.Out.Room length) |> ignore
            outbox.Out.Advance length
            outbox.Send(place.Hop, outbox.Out.Since start)

    let forward (source: FlowText) method (request: Message) (way: Way) (places: Place list list) =
        if method = Method.Ack then
            match places with
            | (place :: _) :: _ -> passAck source request way place
            | [] :: _
            | [] -> ()
        elif breadthOf request < 1 then
            outbox.Refuse(source, request, Refusal.TooBroad)
        elif exchanges.TryMakeRoom source then
            let places = MaxBreadth.within (breadthOf request) places
            exchanges.Begin(Key.ofRequest station request, method, source, request, places)
        else
            outbox.Refuse(source, request, Refusal.Overloaded)

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

    let found (source: FlowText) method (request: Message) (way: Way) (found: Found) =
        match found with
        | Found.Places places -> forward source method request way (inTurn places)
        | Found.Nowhere why -> outbox.Refuse(source, request, astray why)
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
        |> found source method request way

    let placesOfUser (now: Instant) (request: Message) (way: Way) : Decision =
        match location.Places(now, request.Bytes, way.Uri) with
        | _ :: _ as places ->
            match Choosing.places request places with
            | _ :: _ as chosen -> Decision.Forward chosen
            // RFC 3841 §7.2.4: nobody who is there suits the caller.
            | [] -> Decision.Refuse Refusal.NobodySuits
        | [] ->
            match UriView.toUri request.Bytes way.Uri with
            | ValueSome uri when proofs.Knows uri -> Decision.Refuse Refusal.NobodyThere
            | ValueSome _
            | ValueNone -> Decision.Refuse Refusal.NoSuchUser

    let isOfUser (uri: SipUri) =
        proofs.Knows(Uri.Sip { uri with Parameters = [] })

    // RFC 5627 §6.1: a GRUU that nobody is registered for now is one all the same.
    let placeOfInstance (now: Instant) (request: Message) (way: Way) : Decision =
        match UriView.toUri request.Bytes way.Uri with
        | ValueSome(Uri.Sip uri) ->
            match location.Reach(now, uri) with
            | Reach.Instance target ->
                match location.PlaceOf target with
                | Some place -> Decision.Forward [ [ place ] ]
                | None -> Decision.Refuse Refusal.NobodyThere
            | Reach.Nobody when isOfUser uri -> Decision.Refuse Refusal.NobodyThere
            | Reach.Nobody
            | Reach.Invalid -> Decision.Refuse Refusal.NoSuchUser
        | ValueSome _
        | ValueNone -> Decision.Refuse Refusal.NoSuchUser

    let alias = Text.toBytes Alias.parameter

    // RFC 5627 §6.1: where Routes or a token say the way, the GRUU still becomes its contact; and where it
    // is none any more, the contact of whoever the token leads to.
    let sight (now: Instant) (request: Message) (way: Way) (hop: Hop) : Heading =
        let isThere (binding: Sip.Registrar.Binding) =
            match hop with
            | Hop.Flow flow -> Flow.comparer.Equals(binding.Flow, flow)
            | Hop.Dial _ -> false

        match UriView.toUri request.Bytes way.Uri with
        | ValueSome(Uri.Sip uri) ->
            match location.Reach(now, uri) with
            | Reach.Instance target ->
                target.First :: target.Spare
                |> List.tryFind isThere
                |> Option.defaultValue target.First
                |> Placing.heading
            | Reach.Nobody
            | Reach.Invalid -> location.Sight hop
        | ValueSome _
        | ValueNone -> Heading.Kept

    let along (hop: Hop) (heading: Heading) : Decision =
        match hop, heading with
        | Hop.Flow flow, Heading.Unaliased -> Decision.Forward (station.Flows.Of flow).Along
        | _, (Heading.Kept | Heading.Unaliased | Heading.Written _) ->
            Decision.Forward [ [ Place.along hop heading ] ]

    // RFC 3325 §5: who has registered here is known from then on.
    let served now (source: FlowText) method scheme (request: Message) =
        let decision = desk.Decide(now, source.Flow, method, scheme, request)

        match decision with
        | Decision.Answer(status, _, _) when method = Method.Register && status = Status.ok ->
            tables.Identities.Registered(source, request)
        | Decision.Answer _
        | Decision.Refuse _
        | Decision.Forward _
        | Decision.Seek _
        | Decision.Absorb -> ()

        decision

    let lacksPath (request: Message) =
        match realm.Home with
        | ValueSome home -> EdgeRegister.isRefused home request
        | ValueNone -> false

    let addressOf (name: HeaderName) (request: Message) : SipUri voption =
        match AddressView.read request.Bytes (Message.value name request) with
        | ValueSome view ->
            match UriView.toUri request.Bytes view.Uri with
            | ValueSome(Uri.Sip uri) -> ValueSome uri
            | ValueSome _
            | ValueNone -> ValueNone
        | ValueNone -> ValueNone

    // RFC 3680 §4.6: users may see their own registrations; who has sent the request is known by now.
    let watched now (source: FlowText) (request: Message) (way: Way) : Decision =
        match UriView.toUri request.Bytes way.Uri, addressOf HeaderName.From request with
        | ValueSome(Uri.Sip user), ValueSome from when
            Registration.aor realm user = Registration.aor realm from
            ->
            tables.Watchers.Subscribe(now, source, user, request)
        | _, _ -> Decision.Refuse Refusal.NotYou

    let decided now (source: FlowText) method scheme (request: Message) (way: Way) target =
        match target with
        | Target.Server -> served now source method scheme request
        | Target.User when method = Method.Register -> Decision.Refuse Refusal.NoSuchUser
        | Target.User when method = Method.Subscribe && Watch.isReg request ->
            watched now source request way
        | Target.User -> placesOfUser now request way
        | Target.Instance when method = Method.Register -> Decision.Refuse Refusal.NoSuchUser
        | Target.Instance -> placeOfInstance now request way
        // An alias on it was put there by whoever is on the Route, and is of use to them.
        | Target.Along(hop, Heading.Kept) when
            Station.ownsGruu station request.Bytes way.Uri
            && not (UriView.has request.Bytes way.Uri alias)
            ->
            along hop (sight now request way hop)
        | Target.Along(hop, heading) -> along hop heading
        | Target.Sought _ when method = Method.Register && lacksPath request ->
            Decision.Refuse Refusal.LacksPath
        | Target.Sought(uris, heading) -> Decision.Seek(uris, heading)
        | Target.Ending(there, heading) ->
            match List.tryPick (outbox.Ending >> ValueOption.toOption) there with
            | Some found -> along (station.Flows.Of found).Hop heading
            | None -> Decision.Refuse Refusal.FlowGone
        | Target.Nobody refusal -> Decision.Refuse refusal

    let isSecure (place: Place) =
        Transport.isSecure (Hop.transport place.Hop)

    // RFC 5630 §3.1.1, RFC 7118 §9.2: what is for a SIPS URI goes by TLS or not at all.
    let secured (scheme: Scheme) (decision: Decision) : Decision =
        match scheme, decision with
        | Scheme.Sips, Decision.Forward places ->
            match
                places
                |> List.map (List.filter isSecure)
                |> List.filter (fun group -> not group.IsEmpty)
            with
            | [] -> Decision.Refuse Refusal.NobodyThere
            | kept -> Decision.Forward kept
        | (Scheme.Sip | Scheme.Sips), _ -> decision

    let decide now source method scheme request way target =
        decided now source method scheme request way target |> secured scheme

    let carryOut now (source: FlowText) method (request: Message) (way: Way) (decision: Decision) =
        match decision with
        | Decision.Answer(status, words, headers) ->
            outbox.Reply(source, request, status, words, headers)
        | Decision.Refuse refusal -> outbox.Refuse(source, request, refusal)
        | Decision.Forward places -> forward source method request way places
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

    let challenge (now: Instant) (source: FlowText) demand attempt staleness (request: Message) =
        let struct (status, header) = Gate.challenge demand

        let headers =
            proofs.Challenges(now, Gate.transport source request, attempt, staleness)
            |> List.map (fun value -> header, value)

        outbox.Reply(source, request, status, Status.phrase status, headers)

    // The shard of the connection may be another: a REGISTER is worked on where the bindings are.
    let vouch (flow: Flow) =
        if Flow.isConnection flow && not (proofs.Vouched flow) then
            proofs.Vouch flow
            outbox.Tell(Told.Proven flow)

    /// What the verdict on a request's credentials allows; everything else is answered here, and then
    /// there is none.
    let judged (now: Instant) (source: FlowText) demand target (request: Message) =
        let attempt = Gate.attempt demand source.Flow request

        match proofs.Judge(now, Gate.transport source request, attempt) with
        | Verdict.Proven(principal, spent) ->
            proofs.Spend spent

            if Gate.mayBe realm principal target request then
                vouch source.Flow
                ValueSome ValueNone
            else
                ValueSome(ValueSome Refusal.NotYou)
        | Verdict.Challenge staleness ->
            challenge now source demand attempt staleness request
            ValueNone
        | Verdict.Malformed flaw ->
            let words = "Bad Request: " + Flaw.words flaw
            outbox.Reply(source, request, Status.badRequest, words, [])
            ValueNone
        | Verdict.Refused(Rejection.SignedElsewhere _) ->
            let words = "Bad Request: The Credentials Name Another Request-URI"
            outbox.Reply(source, request, Status.badRequest, words, [])
            ValueNone

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

        match
            Gate.demand realm source (proofs.Vouched source.Flow) way.Token.IsThere target request
        with
        | Demand.Nothing ->
            carryOut
                now
                source
                method
                request
                way
                (decide now source method scheme request way target)
        | Demand.Unmeetable -> ()
        | Demand.AsRegistrar
        | Demand.AsProxy as demand ->
            match judged now source demand target request with
            | ValueNone -> ()
            | ValueSome(ValueSome refusal) ->
                carryOutOnce now source method request way (Decision.Refuse refusal)
            | ValueSome ValueNone ->
                decide now source method scheme request way target
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
    member _.Located(wanted: Waiting, what: Found, request: Message) : unit =
        found wanted.Source wanted.Method request (Routes.strip station request) what

    /// Takes a request in; what it leads to is in the outbox and in the tables.
    member _.Enter(now, source, method, view, request) : unit = fresh now source method view request
