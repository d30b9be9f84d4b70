// Location: who is registered where (RFC 3261 §10, §16.5 "location service"): the bindings of every
// address of record, and the places that a request for one may go to.

namespace Sip.Edge

open System
open System.Collections.Generic
open Sip
open Sip.Wire
open Sip.Registrar
open Sip.Routing
open Sip.Transactions

/// The location table of one ledger.
[<Sealed>]
type internal Location(realm: Realm, isLive: Flow -> bool, agenda: Agenda) =
    let entries = Dictionary<string, Whereabouts>()
    let byText = entries.GetAlternateLookup<ReadOnlySpan<char>>()
    let onFlow = Touching()
    // A call may last longer than the connection of one who came back to it: a day, and that many.
    let succession = Succession(86_400_000L<ms>, 65536)
    let mutable key: char[] = Array.zeroCreate 256

    // A user's key is its name, decoded, and the realm's: whichever of our names was written.
    let suffix = String.Concat("@", Registration.host realm)

    let isOn (flow: Flow) (bindings: Bindings) =
        Bindings.toList bindings
        |> List.exists (fun binding -> Flow.comparer.Equals(binding.Flow, flow))

    // Of the connections, those that are left are told from those that are kept.
    let touch (aor: string) (before: Bindings) (after: Bindings) =
        for binding in Bindings.toList before do
            if Flow.isConnection binding.Flow && not (isOn binding.Flow after) then
                onFlow.Remove(binding.Flow, aor)

        for binding in Bindings.toList after do
            if Flow.isConnection binding.Flow then
                onFlow.Add(binding.Flow, aor)

    let find (aor: string) : Whereabouts | null =
        match entries.TryGetValue aor with
        | true, entry -> entry
        | false, _ -> null

    let bindingsOf (aor: string) =
        match find aor with
        | null -> Bindings.empty
        | entry -> entry.Bindings

    let keys = (Mint.ofRealm realm).Keys

    // One instance has one branch at a time; its other flows are tried where the first fails.
    let place (target: Sip.Registrar.Target) : Place option =
        let ways =
            target.First :: target.Spare
            |> List.choose (fun binding ->
                Placing.ofBinding realm isLive binding |> ValueOption.toOption)

        match ways with
        | [] -> None
        | first :: spare -> Some { first with Spare = spare }

    // More places than a request can have branches for are not tried.
    let placesOf (now: Instant) (bindings: Bindings) : Place list list =
        let rec kept room (places: Place list) =
            match places with
            | place :: rest when room > 0 ->
                let place =
                    { place with
                        Spare = List.truncate (room - 1) place.Spare
                    }

                let left = room - 1 - place.Spare.Length
                place :: kept left rest
            | _ :: _
            | [] -> []

        let rec within room groups =
            match groups with
            | [] -> []
            | group :: rest ->
                let group = kept room group
                let used = List.sumBy (fun (place: Place) -> 1 + place.Spare.Length) group
                group :: within (room - used) rest

        Bindings.lookup now bindings
        |> List.map (List.choose place)
        |> within Branches.most
        |> List.filter (fun group -> not group.IsEmpty)

    // Made once: a method that is handed over is made a function each time.
    let finding = placesOf

    // RFC 5626 §3.1: a flow that is kept belongs to one instance; of any other it cannot be said.
    let heirOf (aor: string) (binding: Binding) : Heir =
        match
            KeptFlow.keeps binding.Flow.Transport Support.Stated binding.RegId, binding.Instance
        with
        | Keeping.Kept, ValueSome instance -> Heir.Instance(aor, instance)
        | Keeping.Kept, ValueNone
        | Keeping.Unkept, _ -> Heir.Unknown

    let leave (now: Instant) (aor: string) (binding: Binding) =
        succession.Leave(now, binding.Flow, heirOf aor binding)

    // Whoever else is on the flow that one has left has not left it.
    let stay (now: Instant) (flow: Flow) =
        for aor in onFlow.On flow do
            for binding in Bindings.toList (bindingsOf aor) do
                if Flow.comparer.Equals(binding.Flow, flow) then
                    leave now aor binding

    let succeed (now: Instant) (aor: string) (change: Change) =
        match change with
        | Change.Added binding -> succession.Return binding.Flow
        | Change.Refreshed(before, after) when not (Flow.comparer.Equals(before.Flow, after.Flow)) ->
            succession.Return after.Flow
            leave now aor before
            stay now before.Flow
        | Change.Refreshed _ -> ()
        | Change.Removed(binding, (Departure.FlowClosed | Departure.Replaced)) ->
            leave now aor binding
            stay now binding.Flow
        | Change.Removed(_, (Departure.Expired | Departure.Unregistered | Departure.Evicted))
        | Change.Removed(_, Departure.Withdrawn) -> ()

    /// Writes the key of a user that a URI of ours names, and returns its length.
    let spell (user: ReadOnlySpan<byte>) : int =
        if key.Length < user.Length + suffix.Length then
            key <- Array.zeroCreate (2 * (user.Length + suffix.Length))

        let length = Escape.decodeTo user (Span key)
        suffix.AsSpan().CopyTo(Span(key, length, suffix.Length))
        length + suffix.Length

    /// The bindings of an address of record.
    member _.Of(aor: string) : Bindings = bindingsOf aor

    /// Since when the instances of an address of record are registered.
    member _.Epochs(aor: string) : Epochs =
        match find aor with
        | null -> Epochs.empty
        | entry -> entry.Epochs

    /// Keeps what these changes have led to until the first of it runs out.
    member _.Store(now: Instant, aor: string, after: Bindings, changes: Change list) : unit =
        touch aor (bindingsOf aor) after

        match find aor with
        | null when Bindings.isEmpty after -> ()
        | null ->
            let entry = Whereabouts aor
            entry.Become(now, after, changes)
            entries[aor] <- entry
            agenda.Remind(entry.Wake, entry)
        | entry when Bindings.isEmpty after ->
            entries.Remove aor |> ignore
            agenda.Forget entry
        | entry ->
            entry.Become(now, after, changes)
            agenda.Remind(entry.Wake, entry)

        for change in changes do
            succeed now aor change

    /// The living flow by which the agent is reached that had this one: itself, while nobody has left it.
    member _.Standing(flow: Flow) : Flow voption =
        let itself = if isLive flow then ValueSome flow else ValueNone

        if succession.IsEmpty then
            itself
        else
            match succession.Find flow with
            | ValueSome(Heir.Instance(aor, instance)) ->
                Bindings.toList (bindingsOf aor)
                |> List.tryFindBack (fun binding ->
                    binding.Instance = ValueSome instance
                    && Binding.isDirect binding
                    && isLive binding.Flow)
                |> function
                    | Some binding -> ValueSome binding.Flow
                    | None -> itself
            | ValueSome Heir.Unknown
            | ValueNone -> itself

    /// The datagram client of this flow, which is bound to this address, is behind a translator.
    member _.KeepAlive(now: Instant, aor: string, flow: Flow) : unit =
        match find aor with
        | null -> ()
        | entry ->
            entry.KeepAlive(now, flow)
            agenda.Remind(entry.Wake, entry)

    /// The clients bound to this address that get a sign of life now.
    member _.Signs(now: Instant, aor: string) : Flow list =
        match find aor with
        | null -> []
        | entry -> entry.Signs now

    /// The bindings are to be looked at again when the first of them runs out.
    member _.Remind(aor: string) : unit =
        match find aor with
        | null -> ()
        | entry -> agenda.Remind(entry.Wake, entry)

    /// The addresses of record with a binding that came by this flow.
    member _.On(flow: Flow) : string list = onFlow.On flow

    /// Where a request for a user of ours may go, in groups of equal preference.
    member _.Places(now: Instant, all: ReadOnlySpan<byte>, uri: UriView) : Place list list =
        let length = spell (Slice.bytes all uri.User)

        let mutable entry = Unchecked.defaultof<Whereabouts>

        if byText.TryGetValue(ReadOnlySpan(key, 0, length), &entry) then
            entry.Places(now, isLive, finding)
        else
            []

    /// Whether the user that a URI of ours names is bound to this flow.
    member _.IsOn(now: Instant, all: ReadOnlySpan<byte>, uri: UriView, flow: Flow) : bool =
        let length = spell (Slice.bytes all uri.User)
        let mutable entry = Unchecked.defaultof<Whereabouts>

        byText.TryGetValue(ReadOnlySpan(key, 0, length), &entry)
        && isOn flow (Bindings.ofList (Bindings.current now entry.Bindings))

    /// What a GRUU of ours reaches.
    member _.Reach(now: Instant, uri: SipUri) : Reach =
        match Gruu.read keys uri with
        | ValueSome(Gruu.Public(owner, _) as gruu)
        | ValueSome(Gruu.Temporary(owner, _, _) as gruu) ->
            match find (Registration.aor realm owner).Key with
            | null -> Gruu.resolve now Bindings.empty Epochs.empty gruu
            | entry -> Gruu.resolve now entry.Bindings entry.Epochs gruu
        | ValueSome Gruu.Unknown
        | ValueNone -> Reach.Invalid

    /// The Request-URI of what goes to the only one who is bound by a flow.
    member _.Sight(hop: Hop) : Heading =
        match hop with
        | Hop.Dial _ -> Heading.Kept
        | Hop.Flow flow ->
            let there (binding: Binding) =
                Flow.comparer.Equals(binding.Flow, flow)

            match
                onFlow.On flow
                |> List.collect (fun aor -> List.filter there (Bindings.toList (bindingsOf aor)))
            with
            | [ only ] -> Placing.heading only
            | _ -> Heading.Kept

    /// Where a request for one instance may go.
    member _.PlaceOf(target: Sip.Registrar.Target) : Place option = place target

    /// Who is registered, and with how many contacts.
    member _.Online(now: Instant) : KeyValuePair<string, int>[] =
        [|
            for KeyValue(aor, entry) in entries do
                KeyValuePair(aor, List.length (Bindings.current now entry.Bindings))
        |]
