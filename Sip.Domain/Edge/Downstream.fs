// Downstream: what goes to the legs of an exchange: the request, as long and by the transport that its size
// wants, the ACK of a failure, and the CANCEL (RFC 3261 §9.1, §16.6, §17.1.1.3, §18.1.1). HOT.

namespace Sip.Edge

open System
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Guarding
open Sip.Transactions

/// What came of putting a leg on its way.
[<RequireQualifiedAccess; Struct>]
type internal Opened =
    | Sent
    /// Nobody is there any more.
    | Nowhere
    /// Whoever is there asks for fewer requests.
    | Withheld

/// Writing to legs.
[<RequireQualifiedAccess>]
module internal Downstream =

    let private isLive (walk: Walk) (hop: Hop) =
        match hop with
        | Hop.Flow flow -> walk.Around.Outbox.IsLive flow
        | Hop.Dial _ -> true

    /// Writes what goes to a place; nothing where it would be longer than a message may be.
    let private copy (walk: Walk) (id: int) (place: Place) (breadth: int) (leaves: Listener) =
        let around = walk.Around
        let request = walk.Request

        let outgoing =
            {
                Station = around.Station
                Source = walk.Source
                Request = request
                Way = Routes.strip around.Station request
                Hop = place.Hop
                Leaves = leaves
                Heading = place.Heading
                Path = place.Path
                Breadth = breadth
                Towards = Station.standing around.Station place.Hop
                Asserted = around.Identities.Of walk.Source.Flow
                Transaction = walk.Key
                Index = id
            }

        around.Edits.Clear()
        Forward.write around.Edits &outgoing

        if Patch.length around.Edits request > int around.Station.Realm.Limits.MessageSize then
            ReadOnlyMemory.Empty
        else
            around.Outbox.Patched(around.Edits, request)

    let private copyOf (walk: Walk) (id: int) (place: Place) (breadth: int) =
        match Realm.towards walk.Around.Station.Realm place.Hop with
        | ValueSome leaves -> copy walk id place breadth leaves
        | ValueNone -> ReadOnlyMemory.Empty

    /// What was sent to a leg, read again.
    let private sent (walk: Walk) (id: int) (leg: Leg) : Message voption =
        let around = walk.Around
        let bytes = copyOf walk id leg.Place leg.Breadth

        match Reading.into around.Sent around.Station.Realm.Limits bytes.Span with
        | Arrival.Message sent -> ValueSome sent
        | Arrival.Broken _ -> ValueNone

    /// Sends the request to a leg once more.
    let resend (walk: Walk) (id: int) (leg: Leg) =
        walk.Around.Outbox.Send(leg.Place.Hop, copyOf walk id leg.Place leg.Breadth)

    // What belongs to the request that was sent to a leg is made from it.
    let private follow (walk: Walk) (id: int) (leg: Leg) (write: Message -> Octets -> unit) =
        match sent walk id leg with
        | ValueSome sent ->
            let out = walk.Around.Outbox.Out
            let start = out.Length
            write sent out
            walk.Around.Outbox.Send(leg.Place.Hop, out.Since start)
        | ValueNone -> ()

    /// Acknowledges the failure that has just come.
    let acknowledge (walk: Walk) (id: int) (leg: Leg) =
        follow walk id leg (fun sent out -> OwnRequest.ack sent walk.Came out)

    /// Cancels a leg.
    let cancel (walk: Walk) (id: int) (leg: Leg) =
        follow walk id leg (fun sent out -> OwnRequest.cancel sent leg.Reason out)

    // RFC 7339 §5.5. The transaction decides, so that what is sent again meets the same fate.
    let private passage (walk: Walk) (place: Place) : Passage =
        let throttles = walk.Around.Throttles

        if throttles.IsEmpty then
            Passage.Goes
        else
            let urgency = Pressing.urgency walk.Source false walk.Method walk.Request
            throttles.Judge(walk.Now, place.Hop, urgency, walk.Key.Second)

    let private over (walk: Walk) (id: int) (place: Place) (breadth: int) =
        walk.SetLeg(
            id,
            {
                Place = place
                Breadth = breadth
                Calling = Calling.Other ClientOther.State.Terminated
                Wake = Instant.Never
                Reason = []
                Early = []
            }
        )

    let private start
        (walk: Walk)
        (id: int)
        (place: Place)
        (breadth: int)
        (bytes: ReadOnlyMemory<byte>)
        : Opened =
        if bytes.IsEmpty then
            over walk id place breadth
            Opened.Nowhere
        else
            match passage walk place with
            | Passage.Goes ->
                walk.SetLeg(id, Leg.start walk.Around.Timing walk.Now walk.Method place breadth)
                walk.Around.Outbox.Send(place.Hop, bytes)
                Opened.Sent
            | Passage.Stays ->
                over walk id place breadth
                Opened.Withheld

    let private bytesFor (walk: Walk) (id: int) (place: Place) (breadth: int) =
        if isLive walk place.Hop then
            copyOf walk id place breadth
        else
            ReadOnlyMemory.Empty

    /// Puts a leg on its way, whatever its size; a place that cannot be reached any more has a leg that is
    /// over.
    let openLegAsItIs (walk: Walk) (id: int) (place: Place) (breadth: int) : Opened =
        start walk id place breadth (bytesFor walk id place breadth)

    // §18.1.1: what is too large for a datagram goes over TCP, and by UDP only where that is refused.
    let private ofSize (walk: Walk) (place: Place) (bytes: ReadOnlyMemory<byte>) : Place =
        match place.Hop with
        | Hop.Dial there when there.Transport = Dialled.Udp ->
            match Failover.fit (bytes.Length * 1<octet>) ValueNone [ there ] with
            | other :: [ _ ] when (Realm.towards walk.Around.Station.Realm (Hop.Dial other)).IsSome ->
                { place with
                    Hop = Hop.Dial other
                    Spare = place :: place.Spare
                }
            | _ -> place
        | Hop.Dial _
        | Hop.Flow _ -> place

    /// Puts a leg on its way by the transport that its size wants.
    let openLeg (walk: Walk) (id: int) (place: Place) (breadth: int) : Opened =
        let bytes = bytesFor walk id place breadth
        let fitting = ofSize walk place bytes

        if Object.ReferenceEquals(fitting, place) then
            start walk id place breadth bytes
        else
            openLegAsItIs walk id fitting breadth

    /// Whether the one way was tried because of the size, and the other is what was left for it.
    let isSameServer (tried: Hop) (next: Hop) =
        match tried, next with
        | Hop.Dial({ Transport = Dialled.Tcp } as there),
          Hop.Dial({ Transport = Dialled.Udp } as there') ->
            there = { there' with Transport = Dialled.Tcp }
        | (Hop.Dial _ | Hop.Flow _), (Hop.Dial _ | Hop.Flow _) -> false
