// Arriving: what a message that has come is about: a request or a response that is known, one that is not
// yet and may be worked on, one that another shard works on, or none at all (RFC 3261 §8.2, §17.1.3,
// §17.2.3, §18). HOT.

namespace Sip.Edge

open System
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Transactions
open Sip.Guarding

/// Taking messages to what they are about.
[<Sealed>]
type internal Arriving
    (
        around: Surroundings,
        tables: Tables,
        entrance: Entrance,
        load: Load,
        restraining: Restraining,
        ban: Instant -> Address -> Offence -> unit
    ) =
    let station = around.Station
    let realm = station.Realm
    let timing = around.Timing
    let outbox = around.Outbox
    let calls = around.Calls
    let pulses = around.Pulses
    let throttles = around.Throttles
    let guard = around.Guard
    let exchanges = tables.Exchanges
    let answers = tables.Answers
    let locating = tables.Locating
    let watchers = tables.Watchers
    let proofs = tables.Proofs
    // What arrives is read here; nothing keeps it beyond its input.
    let came = Message.blank ()

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
            | shard when shard = station.Sharding.Number ->
                worked now (station.Flows.Of flow) message
            | shard -> outbox.Hand(shard, flow, bytes)
        | Arrival.Broken(fault, head) -> broken (station.Flows.Of flow) fault head

    /// What has come on a flow.
    member _.Arrived(now: Instant, flow: Flow, bytes: ReadOnlyMemory<byte>) : unit =
        if not (isKeepAlive flow bytes) then
            read now flow bytes

    /// Where a message was handed over to, there it stays.
    member _.Handed(now: Instant, flow: Flow, bytes: ReadOnlyMemory<byte>) : unit =
        match Reading.into came realm.Limits bytes.Span with
        | Arrival.Message message -> worked now (station.Flows.Of flow) message
        | Arrival.Broken(fault, head) -> broken (station.Flows.Of flow) fault head

    /// A stream's head without its body is never worked on, however well it reads.
    member _.Unframed(flow: Flow, event: StreamEvent, bytes: ReadOnlyMemory<byte>) : unit =
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
