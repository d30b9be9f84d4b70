// Exchange: one forwarded request from its arrival to its last response: a server transaction, the
// response context, and a leg for each branch (RFC 3261 §16.2: the proxy core between the two).
// An immutable value; the ledger keeps the new one only after its step has returned. How it steps
// stands in Proxying.fs.

namespace Sip.Edge

open System
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Transactions

/// The server machine of an exchange.
[<RequireQualifiedAccess; Struct>]
type Answering =
    | Invite of Invite: ServerInvite.State
    | Other of Other: ServerOther.State

/// One forwarded request.
[<Sealed>]
type Exchange
    internal
    (
        key: Mark,
        method: Method,
        request: ReadOnlyMemory<byte>,
        source: FlowText,
        places: Place list list,
        answering: Answering,
        answerWake: Instant,
        context: Fork.Context,
        legs: Leg[],
        farewell: (string * string) list
    ) =
    member _.Key = key
    member _.Method = method
    /// The request as it came, on the shelf; nothing once nobody needs it any more.
    member _.Request = request
    member _.Source = source
    /// Where it may go, in groups of equal preference.
    member _.Places = places
    member _.Answering = answering
    member _.AnswerWake = answerWake
    member _.Context = context
    /// By the number of the branch. Never written to once it is here.
    member _.Legs = legs
    /// The Reason headers of the caller's CANCEL, for those that go on (RFC 3326 §2).
    member _.Farewell = farewell

/// What may happen to an exchange.
[<RequireQualifiedAccess; Struct>]
type ExchangeEvent =
    | Repeated
    | Acknowledged
    | Cancelled of Reason: (string * string) list
    | Answered of Answered: int * Came: FlowText * Response: Message
    | LegFailed of Failed: int
    | SourceGone
    | Tick

/// What the machine that answers the caller keeps.
[<RequireQualifiedAccess>]
module Answering =

    /// The response that may have to be sent again.
    let kept (answering: Answering) : Response voption =
        match answering with
        | Answering.Invite(ServerInvite.State.Proceeding last) -> last
        | Answering.Invite(ServerInvite.State.Completed(final, _, _, _)) -> ValueSome final
        | Answering.Invite(ServerInvite.State.Accepted _ | ServerInvite.State.Confirmed _ | ServerInvite.State.Terminated) ->
            ValueNone
        | Answering.Other(ServerOther.State.Proceeding(last, _)) -> ValueSome last
        | Answering.Other(ServerOther.State.Completed(final, _)) -> ValueSome final
        | Answering.Other(ServerOther.State.Trying _ | ServerOther.State.Terminated) -> ValueNone

    /// Whether the machine may keep this response if it is given it.
    let mayKeep (delivery: Delivery) (response: Response) (answering: Answering) : bool =
        match answering, Response.classOf response.Status with
        | Answering.Invite(ServerInvite.State.Proceeding _), (Class.Provisional | Class.Failure) ->
            true
        | Answering.Other(ServerOther.State.Trying _ | ServerOther.State.Proceeding _),
          Class.Provisional -> true
        | Answering.Other(ServerOther.State.Trying _ | ServerOther.State.Proceeding _), _ ->
            delivery = Delivery.Unreliable
        | Answering.Invite _, _
        | Answering.Other _, _ -> false

    /// Whether the request still waits for a final response.
    let isPending (answering: Answering) : bool =
        match answering with
        | Answering.Invite(ServerInvite.State.Proceeding _) -> true
        | Answering.Other(ServerOther.State.Trying _ | ServerOther.State.Proceeding _) -> true
        | Answering.Invite(ServerInvite.State.Accepted _ | ServerInvite.State.Completed _ | ServerInvite.State.Confirmed _ | ServerInvite.State.Terminated)
        | Answering.Other(ServerOther.State.Completed _ | ServerOther.State.Terminated) -> false

    /// Whether nothing is to come but the end: retransmissions are absorbed until then.
    let lingers (answering: Answering) : bool =
        match answering with
        | Answering.Invite(ServerInvite.State.Accepted _ | ServerInvite.State.Confirmed _)
        | Answering.Other(ServerOther.State.Completed _) -> true
        | Answering.Invite(ServerInvite.State.Proceeding _ | ServerInvite.State.Completed _ | ServerInvite.State.Terminated)
        | Answering.Other(ServerOther.State.Trying _ | ServerOther.State.Proceeding _ | ServerOther.State.Terminated) ->
            false

    /// Whether nothing will happen to it any more.
    let isOver (answering: Answering) : bool =
        match answering with
        | Answering.Invite ServerInvite.State.Terminated
        | Answering.Other ServerOther.State.Terminated -> true
        | Answering.Invite _
        | Answering.Other _ -> false

/// Asking exchanges.
[<RequireQualifiedAccess>]
module Exchange =

    /// When the exchange wants to be ticked. What only lingers waits for the last that does, so that one
    /// tick ends them all.
    let wake (exchange: Exchange) : Instant =
        let mutable next = Int64.MaxValue
        let mutable last = Int64.MinValue
        let mutable onlyLingers = true

        let answering = exchange.Answering

        if Answering.lingers answering then
            last <- exchange.AnswerWake.Milliseconds
        elif not (Answering.isOver answering) then
            next <- exchange.AnswerWake.Milliseconds
            onlyLingers <- false

        for leg in exchange.Legs do
            if Leg.lingers leg then
                last <- max last leg.Wake.Milliseconds
            elif not (Leg.isOver leg) then
                next <- min next leg.Wake.Milliseconds
                onlyLingers <- false

        Instant.FromMilliseconds(if onlyLingers then last else next)

    /// Whether nothing is left to do but to let the time of what lingers run out.
    let onlyLingers (exchange: Exchange) : bool =
        let mutable only =
            Answering.lingers exchange.Answering || Answering.isOver exchange.Answering

        for leg in exchange.Legs do
            only <- only && (Leg.lingers leg || Leg.isOver leg)

        only

    /// Whether its request still waits for a final response.
    let isPending (exchange: Exchange) : bool = Answering.isPending exchange.Answering

    /// Whether an ACK on the request's own branch ends something here: the ACK of a 2xx does not.
    let awaitsAck (exchange: Exchange) : bool =
        match exchange.Answering with
        | Answering.Invite(ServerInvite.State.Accepted _) -> false
        | Answering.Invite _
        | Answering.Other _ -> true

    /// Whether a CANCEL that came on this flow comes from whoever asked (§9.2).
    let isAsker (flow: Flow) (exchange: Exchange) : bool =
        let asker = exchange.Source.Flow

        Flow.comparer.Equals(flow, asker)
        || (not (Flow.isConnection flow)
            && not (Flow.isConnection asker)
            && flow.Remote.Address = asker.Remote.Address)

    /// Whether a response that came on this flow may answer a leg: it is a response to what was sent
    /// there, or to its CANCEL.
    let mayAnswer (came: FlowText) (leg: int) (response: Message) (exchange: Exchange) : bool =
        let method = Method.ofBytes (response.Slice(Message.methodName response))

        leg < exchange.Legs.Length
        && (method = exchange.Method
            || (method = Method.Cancel && exchange.Method = Method.Invite))
        && Leg.mayAnswer came exchange.Legs[leg]
