// Draft: the tentative bindings while one REGISTER is worked through, contact by contact. Nothing
// of it is visible until every contact has passed (RFC 3261 §10.3 step 7).

namespace Sip.Registrar

open System
open Sip

/// Which REGISTER is at work: its order among its like, and the way it came.
type Origin =
    {
        CallId: string
        CSeq: uint32
        Flow: Flow
        Path: string list
    }

/// What a request has made of one binding so far.
[<RequireQualifiedAccess>]
type Entry =
    /// Untouched.
    | Kept of Binding: Binding
    /// Set by this very request when it came before.
    | Repeated of Binding: Binding
    | Renewed of Before: Binding * After: Binding
    | Fresh of Binding: Binding

/// The bindings as the request would leave them, and those it would take away.
type Draft =
    {
        Entries: Entry list
        Gone: (Binding * Departure) list
    }

/// What a made-up contact stands for.
[<RequireQualifiedAccess>]
type private StandIn =
    | OnFlow of User: string voption * Flow: Flow
    | OfInstance of Instance: string

/// Applying a request's contacts one by one.
[<RequireQualifiedAccess>]
module Draft =

    /// A draft in which nothing has happened.
    let start (bindings: Binding list) : Draft =
        {
            Entries = List.map Entry.Kept bindings
            Gone = []
        }

    let private bound (entry: Entry) =
        match entry with
        | Entry.Kept binding
        | Entry.Repeated binding
        | Entry.Renewed(_, binding)
        | Entry.Fresh binding -> binding

    /// The bindings of a draft, in order.
    let bindings (draft: Draft) : Binding list = List.map bound draft.Entries

    // Step 7: with another Call-ID any number will do, with the same one only a higher number.
    let private isOvertaken (origin: Origin) (binding: Binding) =
        binding.CallId = origin.CallId && binding.CSeq >= origin.CSeq

    let private isOneOf (entries: Entry list) (entry: Entry) =
        List.exists (fun one -> obj.ReferenceEquals(one, entry)) entries

    let private without (entries: Entry list) (draft: Draft) =
        match entries with
        | [] -> draft
        | _ ->
            { draft with
                Entries = List.filter (isOneOf entries >> not) draft.Entries
            }

    let private old (entry: Entry) =
        match entry with
        | Entry.Kept binding
        | Entry.Repeated binding
        | Entry.Renewed(binding, _) -> Some binding
        | Entry.Fresh _ -> None

    // What was there before the request is gone; what the request itself had added never was.
    let private lose (departure: Departure) (entries: Entry list) (draft: Draft) =
        match entries with
        | [] -> draft
        | _ ->
            let gone = List.choose old entries |> List.map (fun b -> b, departure)

            { without entries draft with
                Gone = draft.Gone @ gone
            }

    // Equality of URIs is not transitive (RFC 3261 §19.1.4): a contact may equal two bindings that
    // differ from one another. It then stands for both, so that no contact is ever bound twice.
    let private matching (offer: Offer) (draft: Draft) =
        draft.Entries
        |> List.filter (fun e -> Binding.sameIdentity offer.Identity (Binding.identity (bound e)))

    let private bind (origin: Origin) (expires: Instant) (offer: Offer) : Binding =
        {
            Contact = offer.Contact
            CallId = origin.CallId
            CSeq = origin.CSeq
            Expires = expires
            Quality = offer.Quality
            Flow = origin.Flow
            Path = origin.Path
            Instance = offer.Instance
            RegId = offer.RegId
        }

    let private repeat (entry: Entry) (binding: Binding) (draft: Draft) =
        let mark e =
            if e = entry then Entry.Repeated binding else e

        { draft with
            Entries = List.map mark draft.Entries
        }

    // A retransmission that the transactions did not know is answered like the first one: it
    // would bind again what is bound, and does not even prolong it.
    let private isRepetition (origin: Origin) (offer: Offer) (binding: Binding) =
        binding.CSeq = origin.CSeq
        && String.Equals(binding.CallId, origin.CallId)
        && binding = bind origin binding.Expires offer

    // Step 7: only what was there before the request can forbid it; and what a repeated request
    // repeats is as it left it.
    let private forbids (origin: Origin) (entry: Entry) =
        match entry with
        | Entry.Kept binding -> isOvertaken origin binding
        | Entry.Repeated _ -> true
        | Entry.Renewed _
        | Entry.Fresh _ -> false

    let private was (binding: Binding) (entry: Entry) =
        match entry with
        | Entry.Kept old
        | Entry.Repeated old
        | Entry.Renewed(old, _) -> Object.ReferenceEquals(old, binding)
        | Entry.Fresh _ -> false

    let private set (fresh: Binding) (same: Entry list) (draft: Draft) =
        let entry, others =
            match List.tryPick old same with
            | Some before -> Entry.Renewed(before, fresh), List.filter (was before >> not) same
            | None -> Entry.Fresh fresh, same

        let draft = draft |> lose Departure.Replaced others |> without same

        { draft with
            Entries = draft.Entries @ [ entry ]
        }

    /// The draft in which a contact is bound until then, or refreshed.
    let add
        (origin: Origin)
        (expires: Instant)
        (offer: Offer)
        (draft: Draft)
        : Result<Draft, Refusal> =
        match matching offer draft with
        | [ (Entry.Kept old | Entry.Repeated old) as entry ] when isRepetition origin offer old ->
            Ok(repeat entry old draft)
        | same when List.exists (forbids origin) same -> Error Refusal.OutOfOrder
        | same -> Ok(set (bind origin expires offer) same draft)

    /// The draft without a contact; one that is not bound is no error.
    let remove (origin: Origin) (offer: Offer) (draft: Draft) : Result<Draft, Refusal> =
        match matching offer draft with
        | same when List.exists (forbids origin) same -> Error Refusal.OutOfOrder
        | same -> Ok(lose Departure.Unregistered same draft)

    /// The draft without anything, for `Contact: *`.
    let clear (origin: Origin) (draft: Draft) : Result<Draft, Refusal> =
        if List.exists (forbids origin) draft.Entries then
            Error Refusal.OutOfOrder
        else
            Ok(lose Departure.Unregistered draft.Entries draft)

    let private standIn (binding: Binding) : StandIn voption =
        match binding.Contact.Uri, binding.Instance, binding.RegId with
        | Uri.Sip sip, ValueNone, _ when Host.isInvalid sip.Host ->
            ValueSome(StandIn.OnFlow(ValueOption.map Escape.decode sip.User, binding.Flow))
        | Uri.Sip sip, ValueSome instance, ValueNone when Host.isInvalid sip.Host ->
            ValueSome(StandIn.OfInstance instance)
        | Uri.Sip _, _, _
        | Uri.Tel _, _, _
        | Uri.Other _, _, _ -> ValueNone

    let private isUntouched (entry: Entry) =
        match entry with
        | Entry.Kept _ -> true
        | Entry.Repeated _
        | Entry.Renewed _
        | Entry.Fresh _ -> false

    let private isFresh (entry: Entry) =
        match entry with
        | Entry.Fresh _ -> true
        | Entry.Kept _
        | Entry.Repeated _
        | Entry.Renewed _ -> false

    /// The draft without what its bindings make stale: a browser invents a host under `.invalid`
    /// for each user agent it starts (RFC 7118 §5), so the last one of a user on a flow counts, and of an
    /// instance the last one anywhere: it has one flow, whether or not it says so by a reg-id.
    let replaceStandIns (origin: Origin) (draft: Draft) : Result<Draft, Refusal> =
        let untouched, set = List.partition isUntouched draft.Entries

        let isStale named entry =
            let standIn = standIn (bound entry)
            standIn.IsSome && List.contains standIn named

        let stale =
            match untouched with
            | [] -> []
            | _ -> List.filter (isStale (List.map (bound >> standIn) set)) untouched

        if stale.IsEmpty || not (Transport.isWebSocket origin.Flow.Transport) then
            Ok draft
        elif List.exists (forbids origin) stale then
            Error Refusal.OutOfOrder
        else
            Ok(lose Departure.Replaced stale draft)

    /// Whether the draft has something new and more than so many bindings.
    let isOver (limit: int) (draft: Draft) : bool =
        draft.Entries.Length > limit && List.exists isFresh draft.Entries

    /// The draft without the oldest of the untouched bindings, as far as the limit needs it.
    let rec evict (limit: int) (draft: Draft) : Draft =
        match List.tryFind isUntouched draft.Entries with
        | Some oldest when isOver limit draft ->
            evict limit (lose Departure.Evicted [ oldest ] draft)
        | Some _
        | None -> draft

    /// Everything that the draft changes, each binding once: what goes, then what comes.
    let changes (draft: Draft) : Change list =
        let come entry =
            match entry with
            | Entry.Fresh binding -> Some(Change.Added binding)
            | Entry.Renewed(before, after) -> Some(Change.Refreshed(before, after))
            | Entry.Kept _
            | Entry.Repeated _ -> None

        List.map Change.Removed draft.Gone @ List.choose come draft.Entries
