// Deciding: what becomes of a request that may be worked on, by whom it is for: an answer of our own, the
// places it goes to, or a refusal (RFC 3261 §16.5, RFC 5627 §6.1, RFC 5630 §3.1.1).

namespace Sip.Edge

open Sip
open Sip.Wire
open Sip.Routing

/// The tables that a request that is let in is worked on with.
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
        Calls: Calls
    }

/// Deciding about requests.
[<Sealed>]
type internal Deciding(station: Station, desk: Desk, tables: Tables) =
    let realm = station.Realm
    let outbox = tables.Outbox
    let location = tables.Location
    let proofs = tables.Proofs

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
    let served now (source: FlowText) method scheme (request: Message) login =
        let decision = desk.Decide(now, source.Flow, method, scheme, request, login)

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

    let sender (request: Message) : SipUri voption =
        AddressView.toSip request.Bytes (Message.value HeaderName.From request)

    // RFC 3680 §4.6: users may see their own registrations; who has sent the request is known by now.
    let watched now (source: FlowText) (request: Message) (way: Way) : Decision =
        match UriView.toUri request.Bytes way.Uri, sender request with
        | ValueSome(Uri.Sip user), ValueSome from when
            Registration.aor realm user = Registration.aor realm from
            ->
            tables.Watchers.Subscribe(now, source, user, request)
        | _, _ -> Decision.Refuse Refusal.NotYou

    let decided now (source: FlowText) method scheme (request: Message) (way: Way) target login =
        match target with
        | Target.Server -> served now source method scheme request login
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

    /// What becomes of a request of this scheme for this target, when the login of who sends it ends at that
    /// second of Unix time.
    member _.Decide
        (now, source: FlowText, method, scheme, request: Message, way, target, login: int64<s>)
        : Decision =
        decided now source method scheme request way target login |> secured scheme
