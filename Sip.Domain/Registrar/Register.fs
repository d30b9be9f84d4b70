// Register: what a REGISTER does to the bindings of its address of record, all of it or nothing
// (RFC 3261 §10.3 steps 6 to 8, RFC 5626 §6). Who may register is decided before.

namespace Sip.Registrar

open System
open Sip

/// What to do with a new contact for which there is no room.
[<RequireQualifiedAccess; Struct>]
type Overflow =
    | Refuse
    /// The binding goes that has gone longest without being registered.
    | EvictOldest

/// What to do with a client that wants a flow kept, when its first hop keeps none.
[<RequireQualifiedAccess; Struct>]
type FlowDenied =
    /// Bind the contact by its address all the same. Many clients give up at a 439.
    | BindAddress
    /// Answer 439, as RFC 5626 §6 has it.
    | Refuse

/// What an operator allows.
type Policy =
    {
        MinExpires: int64<s>
        DefaultExpires: int64<s>
        MaxExpires: int64<s>
        MaxContacts: int
        Overflow: Overflow
        FlowDenied: FlowDenied
        Path: PathPolicy
        /// How often a client whose connection is kept is to ping.
        FlowTimer: int64<s>
    }

/// What the first hop and the client say about outbound.
[<RequireQualifiedAccess; Struct>]
type FirstHop =
    /// This server is the first hop, or the first Path URI has `ob`: a reg-id counts.
    | KeepsFlow
    /// No flow is kept, and the client does not list `outbound` in Supported.
    | KeepsNone
    /// No flow is kept, though the client lists `outbound` in Supported.
    | DeniesFlow

/// What a REGISTER asks, its headers read.
type Request =
    {
        Contacts: Contacts voption
        /// The Expires header's value as written.
        Expires: string voption
        /// The scheme of the Request-URI.
        Scheme: Scheme
        FirstHop: FirstHop
        Origin: Origin
    }

/// What comes of a REGISTER.
[<RequireQualifiedAccess>]
type Outcome =
    | Registered of Bindings: Bindings * Changes: Change list
    | Refused of Refusal

/// Policies.
[<RequireQualifiedAccess>]
module Policy =

    /// A minute at least, an hour at most, ten minutes if the client does not care, ten contacts, and a
    /// ping every two minutes.
    let standard: Policy =
        {
            MinExpires = 60L<s>
            DefaultExpires = 600L<s>
            MaxExpires = 3600L<s>
            MaxContacts = 10
            Overflow = Overflow.Refuse
            FlowDenied = FlowDenied.BindAddress
            Path = PathPolicy.Lenient
            FlowTimer = 120L<s>
        }

    /// The policy for who may be bound for so long at most.
    let within (most: int64<s>) (policy: Policy) : Policy =
        { policy with
            MinExpires = min most policy.MinExpires
            DefaultExpires = min most policy.DefaultExpires
            MaxExpires = min most policy.MaxExpires
        }

/// REGISTER as a function of the old bindings.
[<RequireQualifiedAccess>]
module Register =

    /// How many Contact values one request may have.
    let mostAtOnce = 16

    let private wish (policy: Policy) (request: Request) (offer: Offer) =
        offer.Interval
        |> ValueOption.orElse (ValueOption.map Offer.interval request.Expires)
        |> ValueOption.defaultValue policy.DefaultExpires

    // "If and only if the requested expiration interval is greater than zero AND smaller than one
    // hour AND less than a registrar-configured minimum"
    let private grant (policy: Policy) (wish: int64<s>) =
        if wish > 0L<s> && wish < 3600L<s> && wish < policy.MinExpires then
            Error(Refusal.TooBrief policy.MinExpires)
        else
            Ok(min wish policy.MaxExpires)

    let private understand (contacts: NameAddr list) =
        if contacts.Length > mostAtOnce then
            Error Refusal.Crowded
        else
            match List.map Offer.tryOf contacts with
            | offers when List.forall ValueOption.isSome offers ->
                Ok(List.map ValueOption.get offers)
            | _ -> Error Refusal.MalformedQuality

    let private considerFlow (policy: Policy) (request: Request) (offers: Offer list) =
        let asked = offers |> List.exists _.RegId.IsSome

        match request.FirstHop, policy.FlowDenied with
        | FirstHop.KeepsFlow, _ -> Ok offers
        | FirstHop.DeniesFlow, FlowDenied.Refuse when asked -> Error Refusal.LacksOutbound
        | FirstHop.DeniesFlow, (FlowDenied.BindAddress | FlowDenied.Refuse)
        | FirstHop.KeepsNone, _ -> Ok(List.map Offer.withoutFlow offers)

    // RFC 5626 §6: "is used to register a single UA instance over a single flow, and can also
    // de-register any Contact header fields with zero expiration"
    let private demandOneFlow (wishes: (Offer * int64<s>) list) =
        let lasting = wishes |> List.filter (fun (_, wish) -> wish > 0L<s>)
        let isFlow (offer: Offer, _) = offer.RegId.IsSome

        if lasting.Length > 1 && List.exists isFlow lasting then
            Error Refusal.SeveralOnOneFlow
        else
            Ok wishes

    let private isSips (offer: Offer) =
        match offer.Contact.Uri with
        | Uri.Sip sip -> sip.Scheme = Scheme.Sips
        | Uri.Tel _
        | Uri.Other _ -> false

    let private isSipsPath (path: string) =
        path.Contains("<sips:", StringComparison.OrdinalIgnoreCase)

    // RFC 5630 §5.2: a SIPS contact needs a SIPS Request-URI and Path.
    let private demandSips (request: Request) (wishes: (Offer * int64<s>) list) =
        let secure =
            request.Scheme = Scheme.Sips && List.forall isSipsPath request.Origin.Path

        let wantsSips =
            List.exists (fun (offer, wish) -> wish > 0L<s> && isSips offer) wishes

        if wantsSips && not secure then
            Error Refusal.Insecure
        else
            Ok wishes

    let private apply policy (now: Instant) (request: Request) draft (offer, wish: int64<s>) =
        match grant policy wish with
        | Error refusal -> Error refusal
        | Ok 0L<s> -> Draft.remove request.Origin offer draft
        | Ok interval -> Draft.add request.Origin (now.After(interval * 1000L<ms / s>)) offer draft

    let private foldUntilRefused step state items =
        (Ok state, items)
        ||> List.fold (fun state item -> state |> Result.bind (fun s -> step s item))

    let private demandRoom (policy: Policy) (draft: Draft) =
        let roomier =
            match policy.Overflow with
            | Overflow.Refuse -> draft
            | Overflow.EvictOldest -> Draft.evict policy.MaxContacts draft

        if Draft.isOver policy.MaxContacts roomier then
            Error Refusal.Full
        else
            Ok roomier

    let private bindAll policy now (request: Request) (contacts: NameAddr list) (draft: Draft) =
        understand contacts
        |> Result.bind (considerFlow policy request)
        |> Result.map (List.map (fun offer -> offer, wish policy request offer))
        |> Result.bind demandOneFlow
        |> Result.bind (demandSips request)
        |> Result.bind (foldUntilRefused (apply policy now request) draft)
        |> Result.bind (Draft.replaceStandIns request.Origin)
        |> Result.bind (demandRoom policy)

    // Step 6: `*` goes with an expiration time of zero and with nothing else.
    let private unbindAll (request: Request) (draft: Draft) =
        match ValueOption.map Offer.interval request.Expires with
        | ValueSome 0L<s> -> Draft.clear request.Origin draft
        | ValueSome _
        | ValueNone -> Error Refusal.StarWithoutZero

    /// What a REGISTER makes of the bindings; what has expired by now goes in any case that is not
    /// a refusal, and is among the changes.
    let step (policy: Policy) (now: Instant) (request: Request) (bindings: Bindings) : Outcome =
        let live, expired = Bindings.expire now bindings
        let draft = Draft.start (Bindings.toList live)

        let drafted =
            match request.Contacts with
            | ValueNone -> Ok draft
            | ValueSome Contacts.Star -> unbindAll request draft
            | ValueSome(Contacts.These contacts) -> bindAll policy now request contacts draft

        match drafted with
        | Ok draft ->
            let bindings = Bindings.ofList (Draft.bindings draft)
            Outcome.Registered(bindings, expired @ Draft.changes draft)
        | Error refusal -> Outcome.Refused refusal

    /// Whether this REGISTER has a binding to a flow, so that its 200 says `Require: outbound` to a
    /// client that supports it (RFC 5626 §6).
    let keepsFlow (request: Request) (bindings: Bindings) : bool =
        Bindings.toList bindings
        |> List.exists (fun b ->
            b.RegId.IsSome
            && b.CallId = request.Origin.CallId
            && b.CSeq = request.Origin.CSeq)

    // A browser's stack looks for its own contact from the end of the list and takes the first one
    // with its user, so the nearer a binding is to the requester the later it stands.
    let private nearness (origin: Origin) (binding: Binding) =
        if binding.CallId = origin.CallId then 2
        elif binding.Flow = origin.Flow then 1
        else 0

    /// The Contact values of the 200 (OK): every live binding with its `expires`, the requester's
    /// own last (RFC 3261 §10.3 step 8).
    let contacts (now: Instant) (request: Request) (bindings: Bindings) : NameAddr list =
        Bindings.current now bindings
        |> List.sortBy (nearness request.Origin)
        |> List.map (Binding.contact now)
