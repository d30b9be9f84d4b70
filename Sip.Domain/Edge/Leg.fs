// Leg: one branch of a forwarded request: where it went, and its client transaction. What was sent there
// is not kept: it can be made again from the request at any time.

namespace Sip.Edge

open System
open Sip
open Sip.Routing
open Sip.Transactions

/// The client machine of a leg.
[<RequireQualifiedAccess; Struct>]
type Calling =
    | Invite of Invite: ClientInvite.State
    | Other of Other: ClientOther.State

/// One branch.
[<Struct>]
type Leg =
    {
        Place: Place
        /// Its share of the request's Max-Breadth.
        Breadth: int
        Calling: Calling
        Wake: Instant
        /// Why it is cancelled, as its CANCEL says.
        Reason: (string * string) list
        /// The To tags of its early dialogs, where the caller may have to be told of their end.
        Early: string list
    }

/// What happens to a leg.
[<RequireQualifiedAccess; Struct>]
type LegEvent =
    /// The response as it goes back.
    | Received of Response: Response
    | Cancel
    | CancelAnswered
    | Unsendable
    | Tick

/// Asking legs.
[<RequireQualifiedAccess>]
module Leg =

    /// Whether the transport that the leg goes by retransmits by itself.
    let delivery (place: Place) : Delivery =
        if Transport.isReliable (Hop.transport place.Hop) then
            Delivery.Reliable
        else
            Delivery.Unreliable

    /// A leg whose request is sent now.
    let start (timing: Timing) (now: Instant) (method: Method) (place: Place) (breadth: int) : Leg =
        match method with
        | Method.Invite ->
            let step = ClientInvite.start timing (delivery place) now

            {
                Place = place
                Breadth = breadth
                Calling = Calling.Invite step.State
                Wake = step.Wake
                Reason = []
                Early = []
            }
        | Method.Ack
        | Method.Bye
        | Method.Cancel
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
            let step = ClientOther.start timing (delivery place) now

            {
                Place = place
                Breadth = breadth
                Calling = Calling.Other step.State
                Wake = step.Wake
                Reason = []
                Early = []
            }

    /// Whether nothing will happen to the leg any more.
    let isOver (leg: Leg) : bool =
        match leg.Calling with
        | Calling.Invite ClientInvite.State.Terminated
        | Calling.Other ClientOther.State.Terminated -> true
        | Calling.Invite _
        | Calling.Other _ -> false

    /// Whether nothing is to come but the end: retransmissions are absorbed until then.
    let lingers (leg: Leg) : bool =
        match leg.Calling with
        | Calling.Invite(ClientInvite.State.Accepted _ | ClientInvite.State.Completed _)
        | Calling.Other(ClientOther.State.Completed _) -> true
        | Calling.Invite(ClientInvite.State.Calling _ | ClientInvite.State.Proceeding _ | ClientInvite.State.Cancelled _ | ClientInvite.State.Terminated)
        | Calling.Other(ClientOther.State.Trying _ | ClientOther.State.Proceeding _ | ClientOther.State.Terminated) ->
            false

    /// Whether what was sent may still be sent again, cancelled, or acknowledged.
    let needsRequest (leg: Leg) : bool =
        match leg.Calling with
        | Calling.Invite(ClientInvite.State.Calling _ | ClientInvite.State.Proceeding _ | ClientInvite.State.Cancelled _ | ClientInvite.State.Completed _)
        | Calling.Other(ClientOther.State.Trying _ | ClientOther.State.Proceeding _) -> true
        | Calling.Invite(ClientInvite.State.Accepted _ | ClientInvite.State.Terminated)
        | Calling.Other(ClientOther.State.Completed _ | ClientOther.State.Terminated) -> false

    /// Whether a response that came on this flow may answer the leg: only the very connection that
    /// the request went to, or, for datagrams and calls, the address that it went to.
    let mayAnswer (came: FlowText) (leg: Leg) : bool =
        match leg.Place.Hop with
        | Hop.Flow flow when Flow.isConnection flow -> Flow.comparer.Equals(came.Flow, flow)
        | Hop.Flow flow ->
            came.Flow.Transport = flow.Transport
            && came.Flow.Remote.Address = flow.Remote.Address
        | Hop.Dial there ->
            came.Flow.Remote.Address = there.Address || came.Standing = Standing.Peer
