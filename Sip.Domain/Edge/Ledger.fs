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
    // What arrives is read here; nothing keeps it beyond its input.
    let came = Message.blank ()

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

    let entrance =
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

        Entrance(station, timing, Deciding(station, desk, tables), around.Edits, guard, ban, tables)

    let acknowledged now (source: FlowText) view (request: Message) =
        match exchanges.Find(Key.ofInvite station request) with
        | NonNull slot when slot.AwaitsAck -> exchanges.Step(ExchangeEvent.Acknowledged, slot)
        // RFC 6026 §7.1: the ACK of a 2xx goes on, whatever its branch.
        | _ ->
            // The ACK of an answer that we gave without keeping anything carries our own tag.
            if not (Branch.isTagged station request) then
                entrance.Enter(now, source, Method.Ack, view, request)

    // What is called off before it is known where it goes goes nowhere (§9.2).
    let callOff (wanted: Waiting) =
        locating.Drop wanted
        let invite = around.Again wanted.Request
        let status = Status.requestTerminated
        calls.Settled(around.Now, calls.Find invite)
        let bytes = outbox.Made(wanted.Source, invite, status, Status.phrase status, [])
        outbox.Send(wanted.Source.Hop, bytes)
        let until = around.Now.After(Timing.patience timing)
        answers.Keep(wanted.Key, wanted.Source, bytes, until)

    let cancelled (source: FlowText) (request: Message) =
        let key = Key.ofInvite station request

        match exchanges.Find key, answers.Find key with
        | null, null when not (isNull (locating.Find key)) ->
            outbox.Say(source, request, Status.ok)
            callOff (Unchecked.nonNull (locating.Find key))
        | NonNull slot, _ when Exchange.isAsker source.Flow slot.Exchange ->
            outbox.Say(source, request, Status.ok)
            let reasons = OwnRequest.because (OwnRequest.reasons request)
            exchanges.Step(ExchangeEvent.Cancelled reasons, slot)
        | null, NonNull _ -> outbox.Say(source, request, Status.ok)
        | _, _ -> outbox.Say(source, request, Status.noSuchTransaction)

    // RFC 3261 §21.5.4: refused in few steps, and whoever keeps what is refused is the client.
    let shed (source: FlowText) (request: Message) (key: Mark) =
        let seconds = Overload.retryAfter load.Wait key.Second
        let refusal = Refusal.Overloaded seconds
        let status, words = Refusal.status refusal, Refusal.words refusal

        // RFC 7339 §5.10.2: Retry-After would keep away all that a neighbour has for us.
        let headers =
            match source.Standing with
            | Standing.Peer -> []
            | Standing.Client -> Refusal.headers refusal

        outbox.Reply(source, request, status, words, headers)

    let entered now (source: FlowText) method view (request: Message) (key: Mark) =
        let fate =
            if load.IsCalm then
                Fate.Work
            else
                let known = proofs.Vouched(now, source.Flow)
                load.Judge(Pressing.urgency source known method request)

        restraining.Count(source, fate)

        match fate with
        | Fate.Work ->
            load.Works()
            entrance.Enter(now, source, method, view, request)
        | Fate.Refuse -> shed source request key
        | Fate.Drop -> ()

    let requested now (source: FlowText) method view (request: Message) =
        match method with
        | Method.Ack -> acknowledged now source view request
        | Method.Cancel -> cancelled source request
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
            let key = Key.ofRequest station request

            if method = Method.Bye then
                calls.Bye(now, source, request)

            match exchanges.Find key with
            | null ->
                match answers.Find key with
                | null when not (isNull (locating.Find key)) -> ()
                | null -> entered now source method view request key
                | given -> outbox.Send(given.Source.Hop, given.Bytes)
            | slot -> exchanges.Step(ExchangeEvent.Repeated, slot)

    // What an answer says of a call.
    let told (source: FlowText) (response: Message) (slot: Slot) =
        match response.Start with
        | StartLine.Request _ -> ()
        | StartLine.Response(status, _) ->
            if slot.Exchange.Method = Method.Bye then
                calls.ByeAnswered(around.Now, source, status, response)
            else
                match slot.Call with
                | null -> ()
                | call when Response.classOf status = Class.Success && not (Key.isToCancel response) ->
                    calls.Answered(around.Now, call, response)
                | _ -> ()

    let responded (source: FlowText) (response: Message) =
        let struct (slot, leg) = exchanges.Leg(Key.ofBranch response)

        match slot with
        | NonNull slot when Exchange.mayAnswer source leg response slot.Exchange ->
            load.Works()

            match source.Standing with
            | Standing.Peer ->
                throttles.Hear(around.Now, slot.Exchange.Legs[leg].Place.Hop, response)
            | Standing.Client -> ()

            told source response slot
            exchanges.Step(ExchangeEvent.Answered(leg, source, response), slot)
        | _ when pulses.Answered(around.Now, source, response) -> ()
        | _ ->
            match response.Start with
            | StartLine.Response(status, _) when
                watchers.Answered(around.Now, Key.ofBranch response, status)
                ->
                ()
            | StartLine.Response _
            | StartLine.Request _ -> outbox.Note(Note.Stray(source.Flow, Message.callId response))

    let broken (source: FlowText) (fault: Fault) (head: Message voption) =
        outbox.Note(Note.Broken(source.Flow, Fault.words fault))
        let from = source.Flow.Remote.Address

        if Flow.isConnection source.Flow && guard.Nonsense(around.Now, from) then
            ban around.Now from Offence.Nonsense

        match head with
        | ValueSome head ->
            match head.Start with
            | StartLine.Request _ -> outbox.Refuse(source, head, Refusal.Faulty fault)
            | StartLine.Response _ -> ()
        | ValueNone -> ()

    let worked now (source: FlowText) (message: Message) =
        restraining.Turn now

        match message.Start with
        | StartLine.Request(method, _, uri) ->
            requested now (restraining.Heard(now, source, message)) method uri message
        | StartLine.Response _ -> responded source message

    let blank = "\r\n\000"B

    // RFC 5626 §8: STUN among the SIP of a datagram socket; and what others send there to keep a
    // translator awake is nothing at all.
    let isKeepAlive (flow: Flow) (bytes: ReadOnlyMemory<byte>) =
        flow.Transport = Transport.Udp
        && (match Stun.read flow.Remote bytes.Span with
            | Stun.Binding response ->
                outbox.Send(Hop.Flow flow, ReadOnlyMemory response)
                true
            | Stun.Unanswered -> true
            | Stun.NotStun -> bytes.Span.IndexOfAnyExcept(ReadOnlySpan blank) < 0)

    let read now (flow: Flow) (bytes: ReadOnlyMemory<byte>) =
        match Reading.into came realm.Limits bytes.Span with
        | Arrival.Message message ->
            match Belonging.ofMessage station flow message with
            | shard when shard = sharding.Number -> worked now (station.Flows.Of flow) message
            | shard -> outbox.Hand(shard, flow, bytes)
        | Arrival.Broken(fault, head) -> broken (station.Flows.Of flow) fault head

    /// Where a message was handed over to, there it stays.
    let handed now (flow: Flow) (bytes: ReadOnlyMemory<byte>) =
        match Reading.into came realm.Limits bytes.Span with
        | Arrival.Message message -> worked now (station.Flows.Of flow) message
        | Arrival.Broken(fault, head) -> broken (station.Flows.Of flow) fault head

    let arrived now (flow: Flow) (bytes: ReadOnlyMemory<byte>) =
        if not (isKeepAlive flow bytes) then
            read now flow bytes

    /// A stream's head without its body is never worked on, however well it reads.
    let unframed (flow: Flow) (event: StreamEvent) (bytes: ReadOnlyMemory<byte>) =
        let source = station.Flows.Of flow
        let arrival = Reading.into came realm.Limits bytes.Span
        let fault wrong = { Wrong = wrong; Place = 0 }

        match event, arrival with
        | StreamEvent.TooLarge, Arrival.Message head ->
            broken source (fault Wrong.TooLarge) (ValueSome head)
        | StreamEvent.TooLarge, Arrival.Broken(_, head) -> broken source (fault Wrong.TooLarge) head
        | _, Arrival.Message head ->
            broken source (fault (Wrong.Missing HeaderName.ContentLength)) (ValueSome head)
        | _, Arrival.Broken(found, head) -> broken source found head

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
        | Input.Arrived(flow, bytes) -> arrived now flow bytes
        | Input.Handed(flow, bytes) -> handed now flow bytes
        | Input.Told what -> told what
        | Input.Unframed(flow, event, bytes) -> unframed flow event bytes
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
