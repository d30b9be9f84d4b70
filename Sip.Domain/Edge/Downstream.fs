// Downstream: what goes to the legs of an exchange: the request, as long and by the transport that its size
// wants, the ACK of a failure, and the CANCEL (RFC 3261 §9.1, §16.6, §17.1.1.3, §18.1.1). HOT.

namespace Sip.Edge

open System
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Transactions

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
        let length = Patch.length around.Edits request

        if length > int around.Station.Realm.Limits.MessageSize then
            ReadOnlyMemory.Empty
        else
            let out = around.Outbox.Out
            let start = out.Length
            Patch.write around.Edits request (out.Room length) |> ignore
            out.Advance length
            out.Since start

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

    /// Acknowledges the failure that has just come.
    let acknowledge (walk: Walk) (id: int) (leg: Leg) =
        match sent walk id leg with
        | ValueSome sent ->
            let out = walk.Around.Outbox.Out
            let start = out.Length
            OwnRequest.ack sent walk.Came out
            walk.Around.Outbox.Send(leg.Place.Hop, out.Since start)
        | ValueNone -> ()

    /// Cancels a leg.
    let cancel (walk: Walk) (id: int) (leg: Leg) =
        match sent walk id leg with
        | ValueSome sent ->
            let out = walk.Around.Outbox.Out
            let start = out.Length
            OwnRequest.cancel sent leg.Reason out
            walk.Around.Outbox.Send(leg.Place.Hop, out.Since start)
        | ValueNone -> ()

    // §18.1.1: what is too large for a datagram goes over TCP, and by UDP only where that is refused.
    let private ofSize (walk: Walk) (place: Place) (bytes: ReadOnlyMemory<byte>) : Place =
        match place.Hop with
        | Hop.Dial({ Transport = Dialled.Udp } as there) ->
            let transport = Failover.transport (bytes.Length * 1<octet>) ValueNone Dialled.Udp

            let other = Hop.Dial { there with Transport = transport }

            if
                transport <> Dialled.Udp
                && (Realm.towards walk.Around.Station.Realm other).IsSome
            then
                { place with
                    Hop = other
                    Spare = place :: place.Spare
                }
            else
                place
        | Hop.Dial {
                       Transport = (Dialled.Tcp | Dialled.Tls)
                   }
        | Hop.Flow _ -> place

    /// Puts a leg on its way; a place that cannot be reached any more has a leg that is over.
    let openLeg (walk: Walk) (id: int) (place: Place) (breadth: int) =
        let bytes =
            if isLive walk place.Hop then
                copyOf walk id place breadth
            else
                ReadOnlyMemory.Empty

        if bytes.IsEmpty then
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

            false
        else
            walk.SetLeg(id, Leg.start walk.Around.Timing walk.Now walk.Method place breadth)
            walk.Around.Outbox.Send(place.Hop, bytes)
            true

    /// The place itself, or the same by TCP where the request is too large for UDP.
    let fitting (walk: Walk) (id: int) (place: Place) (breadth: int) : Place =
        match place.Hop with
        | Hop.Dial { Transport = Dialled.Udp } -> ofSize walk place (copyOf walk id place breadth)
        | Hop.Dial {
                       Transport = (Dialled.Tcp | Dialled.Tls)
                   }
        | Hop.Flow _ -> place

    /// Whether the one way was tried because of the size, and the other is what was left for it.
    let isSameServer (tried: Hop) (next: Hop) =
        match tried, next with
        | Hop.Dial({ Transport = Dialled.Tcp } as there),
          Hop.Dial({ Transport = Dialled.Udp } as there') ->
            there = { there' with Transport = Dialled.Tcp }
        | (Hop.Dial _ | Hop.Flow _), (Hop.Dial _ | Hop.Flow _) -> false
