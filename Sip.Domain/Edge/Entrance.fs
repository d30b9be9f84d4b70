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
    let passAck (flow: Flow) (request: Message) (way: Way) (place: Place) =
        match Realm.towards realm place.Hop with
        | ValueNone -> ()
        | ValueSome leaves ->
            let outgoing =
                {
                    Station = station
                    Source = station.Flows.Of flow
                    Request = request
                    Way = way
                    Leaves = leaves
                    Heading = place.Heading
                    Path = place.Path
                    Transaction = Prf.hashText station.TransactionKey (Key.server request "ACK")
                    Index = 0
                }

            edits.Clear()
            Forward.write edits &outgoing
            outbox.Send(place.Hop, Patch.toBytes edits request)

    let isFull (flow: Flow) =
        exchanges.Total >= bounds.Total
        || (exchanges.Share flow >= bounds.PerFlow && not (Realm.isPeer realm flow))

    let forward now (flow: Flow) (request: Message) (way: Way) (places: Place list list) =
        if Message.method request = Method.Ack then
            List.iter (passAck flow request way) (List.truncate 1 (List.concat places))
        elif isFull flow then
            outbox.Refuse(flow, request, Refusal.Overloaded)
        else
            exchanges.Begin(now, Key.ofRequest request, flow, request, way, places)

    let placesOfUser (now: Instant) (request: Message) (way: Way) : Decision =
        let uri = UriView.toUri request.Bytes way.Uri

        let places =
            match uri with
            | ValueSome(Uri.Sip uri) -> location.Places(now, Registration.aor realm uri)
            | ValueSome _
            | ValueNone -> []

        match places with
        | _ :: _ -> Decision.Forward places
        | [] when ValueOption.exists proofs.Knows uri -> Decision.Refuse Refusal.NobodyThere
        | [] -> Decision.Refuse Refusal.NoSuchUser

    let rec decide now (flow: Flow) method scheme (request: Message) (way: Way) (target: Target) =
        match target with
        | Target.Server -> desk.Decide(now, flow, method, scheme, request)
        | Target.User when method = Method.Register -> Decision.Refuse Refusal.NoSuchUser
        | Target.User -> placesOfUser now request way
        | Target.Along(Hop.Flow there, _) when not (outbox.IsLive there) ->
            Decision.Refuse Refusal.FlowGone
        | Target.Along(hop, heading) ->
            Decision.Forward
                [
                    [
                        {
                            Hop = hop
                            Heading = heading
                            Path = ReadOnlyMemory.Empty
                        }
                    ]
                ]
        | Target.Ending(there, heading) ->
            match outbox.Ending there with
            | ValueSome found ->
                decide now flow method scheme request way (Target.Along(Hop.Flow found, heading))
            | ValueNone -> Decision.Refuse Refusal.FlowGone
        | Target.Nobody refusal -> Decision.Refuse refusal

    let carryOut now (flow: Flow) (request: Message) (way: Way) (decision: Decision) =
        match decision with
        | Decision.Answer(status, words, headers) ->
            outbox.Reply(flow, request, status, words, headers)
        | Decision.Refuse refusal -> outbox.Refuse(flow, request, refusal)
        | Decision.Forward places -> forward now flow request way places
        | Decision.Absorb -> ()

    /// Does what was decided for a proven user; over UDP the answer is kept, for the nonce is spent
    /// and a retransmission could prove nothing any more.
    let carryOutOnce
        (now: Instant)
        (flow: Flow)
        (request: Message)
        (way: Way)
        (decision: Decision)
        =
        let isLossy = not (Transport.isReliable flow.Transport)

        let remember bytes =
            answers.Keep(
                Key.ofRequest request,
                {
                    Source = flow
                    Bytes = ReadOnlyMemory bytes
                },
                now.After(Timing.patience timing)
            )

        match decision with
        | Decision.Answer(status, words, headers) ->
            let bytes = outbox.Made(flow, request, status, words, headers)
            outbox.Send(Hop.Flow flow, bytes)

            if isLossy then
                remember bytes
        | Decision.Refuse refusal ->
            outbox.Refuse(flow, request, refusal)

            if isLossy then
                let status, words = Refusal.status refusal, Refusal.words refusal
                remember (outbox.Made(flow, request, status, words, Refusal.headers refusal))
        | Decision.Forward _
        | Decision.Absorb -> carryOut now flow request way decision

    let challenge (now: Instant) (flow: Flow) demand attempt staleness (request: Message) =
        let struct (status, header) = Gate.challenge demand

        let headers =
            proofs.Challenges(now, flow.Transport, attempt, staleness)
            |> List.map (fun value -> header, value)

        outbox.Reply(flow, request, status, Status.phrase status, headers)

    /// Goes on with what the verdict allows; everything else is answered here.
    let judged (now: Instant) (flow: Flow) demand target (request: Message) goOn =
        let attempt = Gate.attempt demand flow request

        match proofs.Judge(now, flow.Transport, attempt) with
        | Verdict.Proven(principal, spent) ->
            proofs.Spend spent

            if Gate.mayBe realm principal target request then
                proofs.Vouch flow
                goOn ValueNone
            else
                goOn (ValueSome Refusal.NotYou)
        | Verdict.Challenge staleness -> challenge now flow demand attempt staleness request
        | Verdict.Malformed flaw ->
            let words = "Bad Request: " + Flaw.words flaw
            outbox.Reply(flow, request, Status.badRequest, words, [])
        | Verdict.Refused(Rejection.SignedElsewhere _) ->
            let words = "Bad Request: The Credentials Name Another Request-URI"
            outbox.Reply(flow, request, Status.badRequest, words, [])

    let admitted (now: Instant) (flow: Flow) (method: Method) (view: UriView) (request: Message) =
        let way = Routes.strip station request
        let target = Target.choose station flow request way
        let scheme = if view.Kind = UriKind.Sips then Scheme.Sips else Scheme.Sip

        let decide () =
            decide now flow method scheme request way target

        match Gate.demand realm flow (proofs.Vouched flow) target request with
        | Demand.Nothing -> carryOut now flow request way (decide ())
        | Demand.Unmeetable -> ()
        | Demand.AsRegistrar
        | Demand.AsProxy as demand ->
            judged now flow demand target request (fun refusal ->
                match refusal with
                | ValueSome refusal -> Decision.Refuse refusal
                | ValueNone -> decide ()
                |> carryOutOnce now flow request way)

    let fresh (now: Instant) (flow: Flow) (method: Method) (view: UriView) (request: Message) =
        match Admission.check station request, UriView.toUri request.Bytes view with
        | ValueSome refusal, _ -> outbox.Refuse(flow, request, refusal)
        | ValueNone, ValueNone ->
            let fault =
                {
                    Wrong = Wrong.RequestUri
                    Place = view.Whole.Start
                }

            outbox.Refuse(flow, request, Refusal.Faulty fault)
        | ValueNone, ValueSome _ -> admitted now flow method view request

    /// Takes a request in; what it leads to is in the outbox and in the tables.
    member _.Enter(now, flow, method, view, request) : unit = fresh now flow method view request
