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

/// The state of one shard.
[<Sealed>]
type Ledger(realm: Realm, timing: Timing, policy: Policy, bounds: Bounds) =
    let station = Station.ofRealm realm
    let edits = Edits()
    let out = Octets 2048
    let agenda = Agenda()
    let outbox = Outbox(station, out)

    let around (now: Instant) : Surroundings =
        {
            Station = station
            Edits = edits
            Out = out
            Timing = timing
            Now = now
            IsLive = outbox.IsLive
        }

    let exchanges = Exchanges(around, agenda, outbox)
    let answers = Answers agenda
    let proofs = Proofs(realm, agenda)
    let location = Location(realm, outbox.IsLive, agenda)
    let desk = Desk(realm, policy, location, outbox.Note)

    let entrance =
        let tables =
            {
                Outbox = outbox
                Location = location
                Proofs = proofs
                Exchanges = exchanges
                Answers = answers
            }

        Entrance(station, timing, bounds, desk, edits, tables)

    let mutable latest = Instant.FromMilliseconds 0L

    let step (now: Instant) (event: ExchangeEvent) (exchange: Exchange) =
        exchanges.Step(now, event, exchange)

    let acknowledged now (flow: Flow) view (request: Message) =
        match exchanges.Find(Key.server request "INVITE") with
        | ValueSome exchange when Exchange.awaitsAck exchange ->
            step now ExchangeEvent.Acknowledged exchange
        // RFC 6026 §7.1: the ACK of a 2xx goes on, whatever its branch.
        | ValueSome _
        | ValueNone ->
            // The ACK of an answer that we gave without keeping anything carries our own tag.
            if not (Branch.isTagged station request) then
                entrance.Enter(now, flow, Method.Ack, view, request)

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
            outbox.Say(flow, request, Status.ok)

            let reason =
                Message.texts HeaderName.Reason request |> List.map (fun text -> "Reason", text)

            step now (ExchangeEvent.Cancelled reason) exchange
        | ValueSome _ -> outbox.Say(flow, request, Status.noSuchTransaction)
        | ValueNone when (answers.Find key).IsSome -> outbox.Say(flow, request, Status.ok)
        | ValueNone -> outbox.Say(flow, request, Status.noSuchTransaction)

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
            let key = Key.ofRequest request

            match exchanges.Find key, answers.Find key with
            | ValueSome exchange, _ -> step now ExchangeEvent.Repeated exchange
            | ValueNone, ValueSome given ->
                outbox.Send(Hop.Flow given.Source, given.Bytes.ToArray())
            | ValueNone, ValueNone -> entrance.Enter(now, flow, method, view, request)

    let responded now (flow: Flow) (response: Message) =
        match exchanges.Leg(Key.client response) with
        | ValueSome(struct (exchange, leg)) when Exchange.mayAnswer realm flow leg exchange ->
            step now (ExchangeEvent.Answered(leg, flow, response)) exchange
        | ValueSome _
        | ValueNone -> outbox.Note(Note.Stray(flow, Message.callId response))

    let broken (flow: Flow) (fault: Fault) (head: Message voption) =
        outbox.Note(Note.Broken(flow, Fault.words fault))

        match head with
        | ValueSome head ->
            match head.Start with
            | StartLine.Request _ -> outbox.Refuse(flow, head, Refusal.Faulty fault)
            | StartLine.Response _ -> ()
        | ValueNone -> ()

    let arrived now (flow: Flow) (bytes: ReadOnlyMemory<byte>) =
        match Reading.message realm.Limits bytes.Span with
        | Arrival.Message message ->
            match message.Start with
            | StartLine.Request(method, _, uri) -> requested now flow method uri message
            | StartLine.Response _ -> responded now flow message
        | Arrival.Broken(fault, head) -> broken flow fault head

    /// A stream's head without its body is never worked on, however well it reads.
    let unframed (flow: Flow) (event: StreamEvent) (bytes: ReadOnlyMemory<byte>) =
        let arrival = Reading.message realm.Limits bytes.Span

        let fault wrong = { Wrong = wrong; Place = 0 }

        match event, arrival with
        | StreamEvent.TooLarge, Arrival.Message head ->
            broken flow (fault Wrong.TooLarge) (ValueSome head)
        | StreamEvent.TooLarge, Arrival.Broken(_, head) -> broken flow (fault Wrong.TooLarge) head
        | _, Arrival.Message head ->
            broken flow (fault (Wrong.Missing HeaderName.ContentLength)) (ValueSome head)
        | _, Arrival.Broken(found, head) -> broken flow found head

    let legFailed now (key: string) (leg: int) =
        exchanges.Find key |> ValueOption.iter (step now (ExchangeEvent.LegFailed leg))

    let unbind (aor: string) (after: Bindings) =
        location.Store(aor, after)

        if Bindings.isEmpty after then
            outbox.Note(Note.Unregistered aor)

    let closed now (flow: Flow) =
        outbox.Close flow
        proofs.Close flow
        station.Flows.Forget flow

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
            outbox.Commit()
            tick now
        | ValueNone -> ()

    /// A ledger with the usual bounds.
    new(realm: Realm, timing: Timing, policy: Policy) = Ledger(realm, timing, policy, Bounds.usual)

    /// When `Tick` is wanted.
    member _.Wake: Instant = if outbox.IsWaiting then latest else agenda.Wake

    /// Takes one input and returns what to do about it, in order. If it throws, the input is lost and
    /// nothing else: what had been done before it in the same call is returned by the next.
    member _.Take(now: Instant, input: Input) : IReadOnlyList<Effect> =
        outbox.Discard()
        latest <- now

        match input with
        | Input.Opened flow -> outbox.Open flow
        | Input.Arrived(flow, bytes) -> arrived now flow bytes
        | Input.Unframed(flow, event, bytes) -> unframed flow event bytes
        | Input.Closed flow -> closed now flow
        | Input.Undeliverable(_, bytes) -> undeliverable now bytes
        | Input.Enrolled subscriber -> proofs.Enroll subscriber
        | Input.Restored(aor, binding) ->
            location.Store(aor, Bindings.ofList (Bindings.toList (location.Of aor) @ [ binding ]))
        | Input.Tick -> tick now

        outbox.Empty()

    /// Who is registered, and with how many contacts.
    member _.Online(now: Instant) : IReadOnlyList<KeyValuePair<string, int>> = location.Online now

    /// How many requests wait for a final response.
    member _.Pending: int = exchanges.Pending

    /// How many entities are held for requests under way or lately answered.
    member _.Held: int = exchanges.Held + answers.Held

    /// How many entities are held that prove something: spent nonces, and connections of users.
    member _.Proofs: int = proofs.Held
