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
open Sip.Guarding

/// The state of one shard.
[<Sealed>]
type Ledger(realm: Realm, timing: Timing, policy: Policy, bounds: Bounds, sharding: Sharding) =
    let station = Station.ofShard sharding realm
    let agenda = Agenda()
    let outbox = Outbox station
    let identities = Identities outbox
    let calls = Calls(station, agenda, outbox)
    let throttles = Throttles()
    let pulses = Pulses(station, timing, agenda, outbox, throttles)
    let guard = Guard(realm.Secret, bounds.Caps, Realm.peerAddresses realm)
    let load = Load()
    let restraining = Restraining(station, load)

    let around: Surroundings =
        {
            Station = station
            Timing = timing
            Outbox = outbox
            Identities = identities
            Pulses = pulses
            Throttles = throttles
            Calls = calls
            Guard = guard
            Edits = Edits()
            Asked = Message.blank ()
            Sent = Message.blank ()
            Now = Instant.FromMilliseconds 0L
        }

    let exchanges = Exchanges(around, agenda, bounds)

    let answers =
        Answers(agenda, outbox.Shelf, guard, bounds.Caps.Usual[Bound.place Bound.Answers])

    let locating = Locating(station, agenda, outbox, pulses)

    let banFor = 600_000L<ms>

    let ban (now: Instant) (address: Address) (offence: Offence) =
        let ban =
            {
                Origin = Origin.ofAddress address
                Offence = offence
                Since = now
                Until = now.After banFor
            }

        guard.Ban(now, ban)
        outbox.Note(Note.Banned ban)
        outbox.Tell(Told.Banned ban)

    let windows = Windows(agenda, guard, bounds.Caps.Usual[Bound.place Bound.Nonces])
    let proofs = Proofs(station, windows, guard, ban)
    let location = Location(realm, outbox.IsLive, agenda)
    let watchers = Watchers(station, timing, agenda, outbox, location)

    // What is bound to a user of this shard's has become this.
    let become (aor: string) (after: Bindings, changes: Change list) =
        location.Store(around.Now, aor, after, changes)
        outbox.Tell(Told.Bound(aor, after, changes, around.Now))
        watchers.Changed(around.Now, aor, changes)

    let desk = Desk(realm, policy, location, outbox, guard, become)

    let tables =
        {
            Outbox = outbox
            Location = location
            Locating = locating
            Watchers = watchers
            Proofs = proofs
            Identities = identities
            Exchanges = exchanges
            Answers = answers
            Calls = calls
        }

    let deciding = Deciding(station, desk, tables)
    let entrance = Entrance(station, timing, deciding, around.Edits, guard, ban, tables)
    let arriving = Arriving(around, tables, entrance, load, restraining, ban)

    let legFailed (leg: int) (slot: Slot) =
        exchanges.Step(ExchangeEvent.LegFailed leg, slot)

    let unbind (aor: string) (after: Bindings, changes: Change list) =
        become aor (after, changes)

        if Bindings.isEmpty after then
            outbox.Note(Note.Unregistered aor)

    // Each leg on a connection that is gone; a leg's failure may end the exchange. What is begun
    // meanwhile is not on that connection.
    let legsFailed (hop: Hop) (key: Mark) =
        let count =
            match exchanges.Find key with
            | null -> 0
            | slot -> slot.Exchange.Legs.Length

        for leg in 0 .. count - 1 do
            match exchanges.Find key with
            | NonNull slot when Hop.comparer.Equals(slot.Exchange.Legs[leg].Place.Hop, hop) ->
                legFailed leg slot
            | _ -> ()

    let severed (hop: Hop) =
        match hop with
        | Hop.Dial there -> pulses.Severed(around.Now, there)
        | Hop.Flow _ -> ()

        for key in exchanges.To hop do
            legsFailed hop key

    let closed (flow: Flow) =
        outbox.Close flow
        proofs.Close flow
        identities.Close flow
        station.Flows.Forget flow

        // The others wait for its shard to tell: meanwhile nothing goes where the flow is gone.
        for aor in location.On flow |> List.filter (Belonging.isOwn station) do
            unbind aor (Bindings.dropFlow flow (location.Of aor))

        for key in exchanges.From flow do
            match exchanges.Find key with
            | null -> ()
            | slot -> exchanges.Step(ExchangeEvent.SourceGone, slot)

        severed (Hop.Flow flow)

        for wanted in locating.From flow do
            locating.Drop wanted

    // A connection may be gone by now, and then nobody would ever forget it.
    let told (what: Told) =
        match what with
        | Told.Opened flow -> outbox.Open flow
        | Told.Closed flow -> closed flow
        | Told.Bound(aor, bindings, changes, since) -> location.Store(since, aor, bindings, changes)
        | Told.Proven(flow, user, until) when outbox.IsLive flow -> proofs.Vouch(flow, user, until)
        | Told.Visited(flow, user, until) when outbox.IsLive flow ->
            proofs.Visit(around.Now, flow, user, until)
        | Told.Speaks(flow, user, speech) when outbox.IsLive flow ->
            identities.Take(flow, user, speech)
        | Told.Proven _
        | Told.Visited _
        | Told.Speaks _ -> ()
        | Told.Trusted address -> station.Flows.Trust address
        | Told.Banned ban -> guard.Ban(around.Now, ban)
        | Told.HungUp(call, callee, by) -> calls.Told(around.Now, call, callee, by)

    let located (wanted: Waiting) (found: Found) =
        locating.Drop wanted
        entrance.Located(around.Now, wanted, found, around.Again wanted.Request)
        outbox.Commit()

    let answered now question answer life =
        for struct (wanted, found) in locating.Answered(now, question, answer, life) do
            located wanted found

    // An exchange that throws when its time comes would come again and again: it is given up.
    let tickExchange (slot: Slot) =
        try
            exchanges.Tick slot
        with _ ->
            exchanges.Forget slot
            reraise ()

    // RFC 5626 §4.4.1: the ping of a stream; a datagram client makes nothing of it.
    let sign = ReadOnlyMemory "\r\n\r\n"B

    let reached (now: Instant) (what: Due) =
        match what with
        | Due.Exchange key ->
            match exchanges.Find key with
            | null -> ()
            | slot -> tickExchange slot
        | Due.Answer key -> answers.Forget key
        // Whoever they do not belong to waits to be told.
        | Due.Bindings aor when not (Belonging.isOwn station aor) -> ()
        | Due.Bindings aor ->
            for flow in location.Signs(now, aor) do
                outbox.Send(Hop.Flow flow, sign)

            match location.Of aor with
            | before when (Bindings.wake before).IsDue now ->
                unbind aor (Bindings.expire now before)
            | _ -> location.Remind aor
        | Due.Waiting key ->
            match locating.Find key with
            | null -> ()
            | wanted -> located wanted (Found.Nowhere Astray.NoAnswer)
        | Due.Server there -> pulses.Tick(now, there)
        | Due.Nonce id -> proofs.Forget id
        | Due.Call key -> calls.Expire(now, key)
        | Due.Watch mark -> watchers.Tick(now, mark)
        | Due.Notice branch -> watchers.TickNotice(now, branch)

    let rec tick (now: Instant) =
        match agenda.Due now with
        | ValueSome what ->
            reached now what
            outbox.Commit()
            tick now
        | ValueNone -> ()

    /// The only ledger of a server, with the usual bounds.
    new(realm: Realm, timing: Timing, policy: Policy) =
        Ledger(realm, timing, policy, Bounds.usual, Sharding.alone)

    /// When `Tick` is wanted.
    member _.Wake: Instant = if outbox.IsWaiting then around.Now else agenda.Wake

    /// Takes one input and returns what to do about it, in order: good until the next `Take`, bytes for a
    /// hop that is dialled for ever. If it throws, the input is lost and nothing else: what had been done
    /// before it in the same call is returned by the next.
    member _.Take(now: Instant, input: Input) : IReadOnlyList<Effect> =
        outbox.Begin()
        around.Now <- now

        match input with
        | Input.Opened flow ->
            outbox.Open flow
            outbox.Tell(Told.Opened flow)
        | Input.Visited(flow, user, until) ->
            proofs.Visit(now, flow, user, until)
            outbox.Tell(Told.Visited(flow, user, until))
        | Input.Arrived(flow, bytes) -> arriving.Arrived(now, flow, bytes)
        | Input.Handed(flow, bytes) -> arriving.Handed(now, flow, bytes)
        | Input.Told what -> told what
        | Input.Unframed(flow, event, bytes) -> arriving.Unframed(flow, event, bytes)
        | Input.Closed flow ->
            outbox.Tell(Told.Closed flow)
            closed flow
        | Input.Severed hop -> severed hop
        | Input.Enrolled subscriber -> proofs.Enroll subscriber
        | Input.Restored(aor, binding) ->
            let after = Bindings.ofList (Bindings.toList (location.Of aor) @ [ binding ])
            become aor (after, [ Change.Added binding ])
        | Input.Answered(question, answer, life) -> answered now question answer life
        | Input.Tick -> tick now

        watchers.Tell now
        outbox.Fetch()

    /// What keeps strangers from using it up.
    member _.Guard: Guard = guard

    /// How much is asked of it.
    member _.Load: Load = load

    /// How many requests to peers were kept back because they asked for fewer.
    member _.Withheld: int64 = throttles.Withheld

    /// What is bound to an address of record.
    member _.Bound(aor: string) : Bindings = location.Of aor

    /// Who is registered, and with how many contacts.
    member _.Online(now: Instant) : IReadOnlyList<KeyValuePair<string, int>> = location.Online now

    /// How many calls of proven users are known to go on.
    member _.Calls: int = calls.Count

    /// How many requests wait for a final response.
    member _.Pending: int = exchanges.Pending

    /// How many entities are held for requests under way or lately answered.
    member _.Held: int = exchanges.Held + answers.Held + locating.Held + watchers.Held

    /// How many entities are held that prove something: spent nonces, and connections of users.
    member _.Proofs: int = proofs.Held
