// Leg: one branch of a forwarded request: what was sent where, and its client transaction.

namespace Sip.Edge

open System
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Transactions

/// The client machine of a leg.
[<RequireQualifiedAccess>]
type Calling =
    | Invite of State: ClientInvite.State
    | Other of State: ClientOther.State

/// One branch.
type Leg =
    {
        Hop: Hop
        Sent: Message
        Calling: Calling
        Wake: Instant
        /// Why it is cancelled, as its CANCEL says.
        Reason: (string * string) list
    }

/// What a leg asks for.
[<RequireQualifiedAccess>]
type LegAct =
    | Send of Bytes: byte[]
    /// Its answer comes back on the leg's branch, too.
    | SendCancel of Bytes: byte[]
    | Pass of Response: Response
    | Ended of Outcome: Fork.Outcome

/// What happens to a leg.
[<RequireQualifiedAccess>]
type LegEvent =
    /// The response as it came, and as it goes back.
    | Received of Came: Message * Response: Response
    | Cancel of Reason: (string * string) list
    | CancelAnswered
    | Unsendable
    | Tick

/// Stepping legs.
[<RequireQualifiedAccess>]
module Leg =

    let private delivery (leg: Leg) =
        if Transport.isReliable (Hop.transport leg.Hop) then
            Delivery.Reliable
        else
            Delivery.Unreliable

    let private bytes (leg: Leg) = leg.Sent.Bytes.ToArray()

    /// A leg whose request is to be sent now.
    let start (timing: Timing) (now: Instant) (hop: Hop) (sent: Message) : Leg =
        let leg =
            {
                Hop = hop
                Sent = sent
                Calling = Calling.Other ClientOther.State.Terminated
                Wake = Instant.Never
                Reason = []
            }

        match sent.Start with
        | StartLine.Request(Method.Invite, _, _) ->
            let step = ClientInvite.start timing (delivery leg) now

            { leg with
                Calling = Calling.Invite step.State
                Wake = step.Wake
            }
        | StartLine.Request _
        | StartLine.Response _ ->
            let step = ClientOther.start timing (delivery leg) now

            { leg with
                Calling = Calling.Other step.State
                Wake = step.Wake
            }

    /// Whether nothing will happen to the leg any more.
    let isOver (leg: Leg) : bool =
        match leg.Calling with
        | Calling.Invite state -> state = ClientInvite.State.Terminated
        | Calling.Other state -> state = ClientOther.State.Terminated

    let private passed (response: Response) : LegAct =
        match response.Status with
        | Response.Provisional -> LegAct.Pass response
        | Response.Success
        | Response.Failure -> LegAct.Ended(Fork.Outcome.Final response)

    let private inviteAct (leg: Leg) (came: Message voption) (act: ClientInvite.Act) : LegAct list =
        match act, came with
        | ClientInvite.Act.Resend, _ -> [ LegAct.Send(bytes leg) ]
        | ClientInvite.Act.Pass response, _ -> [ passed response ]
        | ClientInvite.Act.Acknowledge _, ValueSome response ->
            [ LegAct.Send(OwnRequest.ack leg.Sent response) ]
        | ClientInvite.Act.Acknowledge _, ValueNone -> []
        | ClientInvite.Act.SendCancel, _ ->
            [ LegAct.SendCancel(OwnRequest.cancel leg.Sent leg.Reason) ]
        | ClientInvite.Act.ReportTimeout, _ -> [ LegAct.Ended Fork.Outcome.TimedOut ]
        | ClientInvite.Act.ReportUnsendable, _ -> [ LegAct.Ended Fork.Outcome.TransportFailed ]

    let private otherAct (leg: Leg) (act: ClientOther.Act) : LegAct =
        match act with
        | ClientOther.Act.Resend -> LegAct.Send(bytes leg)
        | ClientOther.Act.Pass response -> passed response
        | ClientOther.Act.ReportTimeout -> LegAct.Ended Fork.Outcome.TimedOut
        | ClientOther.Act.ReportUnsendable -> LegAct.Ended Fork.Outcome.TransportFailed

    let private inviteEvent (event: LegEvent) =
        match event with
        | LegEvent.Received(_, response) -> ClientInvite.Event.Received response
        | LegEvent.Cancel _ -> ClientInvite.Event.Cancel
        | LegEvent.CancelAnswered -> ClientInvite.Event.CancelAnswered
        | LegEvent.Unsendable -> ClientInvite.Event.Unsendable
        | LegEvent.Tick -> ClientInvite.Event.Tick

    // A request that is no INVITE is not cancelled (§9.1): its leg ends by itself.
    let private otherEvent (event: LegEvent) =
        match event with
        | LegEvent.Received(_, response) -> ClientOther.Event.Received response
        | LegEvent.Unsendable -> ClientOther.Event.Unsendable
        | LegEvent.Cancel _
        | LegEvent.CancelAnswered
        | LegEvent.Tick -> ClientOther.Event.Tick

    /// Whether a response that came on this flow may answer the leg: only the very connection that
    /// the request went to, or, for datagrams and calls, the address that it went to. A host that was
    /// called by its name is known by nothing but the branch, a keyed hash that cannot be guessed.
    let mayAnswer (realm: Realm) (came: Flow) (leg: Leg) : bool =
        match leg.Hop with
        | Hop.Flow flow when Flow.isConnection flow -> came = flow
        | Hop.Flow flow ->
            came.Transport = flow.Transport && came.Remote.Address = flow.Remote.Address
        | Hop.Dial(_, Host.Address address, _) ->
            came.Remote.Address = address || Realm.isPeer realm came
        | Hop.Dial(_, Host.Name _, _) -> true

    /// What an event makes of the leg.
    let take
        (timing: Timing)
        (now: Instant)
        (event: LegEvent)
        (leg: Leg)
        : struct (Leg * LegAct list) =
        let leg =
            match event with
            | LegEvent.Cancel reason -> { leg with Reason = reason }
            | LegEvent.Received _
            | LegEvent.CancelAnswered
            | LegEvent.Unsendable
            | LegEvent.Tick -> leg

        let came =
            match event with
            | LegEvent.Received(message, _) -> ValueSome message
            | LegEvent.Cancel _
            | LegEvent.CancelAnswered
            | LegEvent.Unsendable
            | LegEvent.Tick -> ValueNone

        match leg.Calling with
        | Calling.Invite state ->
            let step = ClientInvite.take timing (delivery leg) now (inviteEvent event) state

            struct ({ leg with
                        Calling = Calling.Invite step.State
                        Wake = step.Wake
                    },
                    List.collect (inviteAct leg came) step.Acts)
        | Calling.Other state ->
            let step = ClientOther.take timing (delivery leg) now (otherEvent event) state

            struct ({ leg with
                        Calling = Calling.Other step.State
                        Wake = step.Wake
                    },
                    List.map (otherAct leg) step.Acts)
