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
        Proofs: Proofs
        Exchanges: Exchanges
        Answers: Answers
    }

/// Letting requests in.
[<Sealed>]
type internal Entrance
    (station: Station, timing: Timing, bounds: Bounds, desk: Desk, edits: Edits, tables: Tables) =
    let realm = station.Realm
    let outbox = tables.Outbox
    let location = tables.Location
    let proofs = tables.Proofs
    let exchanges = tables.Exchanges
    let answers = tables.Answers

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
                    Leaves = leaves
                    Heading = place.Heading
                    Path = place.Path
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

    let isFull (source: FlowText) =
        exchanges.Total >= bounds.Total
        || (exchanges.Share source.Flow >= bounds.PerFlow
            && source.Standing <> Standing.Peer)

    let forward (source: FlowText) method (request: Message) (way: Way) (places: Place list list) =
        if method = Method.Ack then
            match places with
            | (place :: _) :: _ -> passAck source request way place
            | [] :: _
            | [] -> ()
        elif isFull source then
            outbox.Refuse(source, request, Refusal.Overloaded)
        else
            exchanges.Begin(Key.ofRequest station request, method, source, request, places)

    let placesOfUser (now: Instant) (request: Message) (way: Way) : Decision =
        match location.Places(now, request.Bytes, way.Uri) with
        | _ :: _ as places -> Decision.Forward places
        | [] ->
            match UriView.toUri request.Bytes way.Uri with
            | ValueSome uri when proofs.Knows uri -> Decision.Refuse Refusal.NobodyThere
            | ValueSome _
            | ValueNone -> Decision.Refuse Refusal.NoSuchUser

    let along (hop: Hop) (heading: Heading) : Decision =
        match hop, heading with
        | Hop.Flow flow, Heading.Unaliased -> Decision.Forward (station.Flows.Of flow).Along
        | _, (Heading.Kept | Heading.Unaliased | Heading.Written _) ->
            let place =
                {
                    Hop = hop
                    Heading = heading
                    Path = ReadOnlyMemory.Empty
                }

            Decision.Forward [ [ place ] ]

    let decide now (source: FlowText) method scheme (request: Message) (way: Way) target =
        match target with
        | Target.Server -> desk.Decide(now, source.Flow, method, scheme, request)
        | Target.User when method = Method.Register -> Decision.Refuse Refusal.NoSuchUser
        | Target.User -> placesOfUser now request way
        | Target.Along(Hop.Flow there, _) when not (outbox.IsLive there) ->
            Decision.Refuse Refusal.FlowGone
        | Target.Along(hop, heading) -> along hop heading
        | Target.Ending(there, heading) ->
            match outbox.Ending there with
            | ValueSome found -> along (station.Flows.Of found).Hop heading
            | ValueNone -> Decision.Refuse Refusal.FlowGone
        | Target.Nobody refusal -> Decision.Refuse refusal

    let carryOut (source: FlowText) method (request: Message) (way: Way) (decision: Decision) =
        match decision with
        | Decision.Answer(status, words, headers) ->
            outbox.Reply(source, request, status, words, headers)
        | Decision.Refuse refusal -> outbox.Refuse(source, request, refusal)
        | Decision.Forward places -> forward source method request way places
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
        | Decision.Absorb -> carryOut source method request way decision

    let challenge (now: Instant) (source: FlowText) demand attempt staleness (request: Message) =
        let struct (status, header) = Gate.challenge demand

        let headers =
            proofs.Challenges(now, source.Flow.Transport, attempt, staleness)
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

        match proofs.Judge(now, source.Flow.Transport, attempt) with
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
        let target = Target.choose station source.Flow request way
        let scheme = if view.Kind = UriKind.Sips then Scheme.Sips else Scheme.Sip

        match Gate.demand realm source (proofs.Vouched source.Flow) target request with
        | Demand.Nothing ->
            carryOut source method request way (decide now source method scheme request way target)
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

    /// Takes a request in; what it leads to is in the outbox and in the tables.
    member _.Enter(now, source, method, view, request) : unit = fresh now source method view request
