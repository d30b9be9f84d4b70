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

/// One place where a request may be answered.
type Place =
    {
        Hop: Hop
        Heading: Heading
        /// The Routes that lead there beyond the hop, as one header's value.
        Path: ReadOnlyMemory<byte>
    }

/// The server machine of an exchange.
[<RequireQualifiedAccess>]
type Answering =
    | Invite of State: ServerInvite.State
    | Other of State: ServerOther.State

/// One forwarded request.
type Exchange =
    {
        Key: string
        Request: Message
        Source: Flow
        Way: Way
        /// Where it may go, in groups of equal preference.
        Places: Place list list
        Answering: Answering
        AnswerWake: Instant
        Context: Fork.Context
        Legs: Map<int, Leg>
        /// The Reason headers of the caller's CANCEL, for those that go on (RFC 3326 §2).
        Farewell: (string * string) list
    }

/// What an exchange steps with.
type Surroundings =
    {
        Station: Station
        /// Where edits are made, one message at a time.
        Edits: Edits
        /// Where answers are written, one at a time.
        Out: Octets
        Timing: Timing
        Now: Instant
        IsLive: Flow -> bool
    }

/// What may happen to an exchange.
[<RequireQualifiedAccess>]
type ExchangeEvent =
    | Repeated
    | Acknowledged
    | Cancelled of Reason: (string * string) list
    | Answered of Leg: int * Came: Flow * Response: Message
    | LegFailed of Leg: int
    | SourceGone
    | Tick

/// What an exchange asks for.
[<RequireQualifiedAccess>]
type ExchangeAct =
    | Send of To: Hop * Bytes: byte[]
    /// Responses with this key belong to this leg.
    | Expect of Key: string * Leg: int

/// A new exchange and what to do.
type ExchangeStep =
    {
        Exchange: Exchange
        Acts: ExchangeAct list
    }

/// Asking exchanges.
[<RequireQualifiedAccess>]
module Exchange =

    /// When the exchange wants to be ticked.
    let wake (exchange: Exchange) : Instant =
        let first (one: Instant) (other: Instant) =
            if one.Milliseconds <= other.Milliseconds then
                one
            else
                other

        exchange.Legs
        |> Map.fold (fun at _ leg -> first at leg.Wake) exchange.AnswerWake

    /// Whether its request still waits for a final response.
    let isPending (exchange: Exchange) : bool =
        match exchange.Answering with
        | Answering.Invite(ServerInvite.State.Proceeding _) -> true
        | Answering.Other(ServerOther.State.Trying _ | ServerOther.State.Proceeding _) -> true
        | Answering.Invite(ServerInvite.State.Accepted _ | ServerInvite.State.Completed _ | ServerInvite.State.Confirmed _ | ServerInvite.State.Terminated)
        | Answering.Other(ServerOther.State.Completed _ | ServerOther.State.Terminated) -> false

    /// Whether nothing will happen to the exchange any more.
    let isOver (exchange: Exchange) : bool =
        let answered =
            match exchange.Answering with
            | Answering.Invite state -> state = ServerInvite.State.Terminated
            | Answering.Other state -> state = ServerOther.State.Terminated

        answered && Map.forall (fun _ leg -> Leg.isOver leg) exchange.Legs

    /// Whether an ACK on the request's own branch ends something here: the ACK of a 2xx does not.
    let awaitsAck (exchange: Exchange) : bool =
        match exchange.Answering with
        | Answering.Invite(ServerInvite.State.Accepted _) -> false
        | Answering.Invite _
        | Answering.Other _ -> true

    /// Whether a response that came on this flow may answer a leg.
    let mayAnswer (realm: Realm) (came: Flow) (leg: int) (exchange: Exchange) : bool =
        match Map.tryFind leg exchange.Legs with
        | Some leg -> Leg.mayAnswer realm came leg
        | None -> false

    /// The message that goes to a place, or nothing where no listener leads there.
    let copy (around: Surroundings) (exchange: Exchange) (id: int) (place: Place) =
        let station = around.Station

        match Realm.towards station.Realm place.Hop with
        | ValueNone -> ValueNone
        | ValueSome leaves ->
            let outgoing =
                {
                    Station = station
                    Source = station.Flows.Of exchange.Source
                    Request = exchange.Request
                    Way = exchange.Way
                    Leaves = leaves
                    Heading = place.Heading
                    Path = place.Path
                    Transaction = Prf.hashText station.TransactionKey exchange.Key
                    Index = id
                }

            around.Edits.Clear()
            Forward.write around.Edits &outgoing
            let bytes = Patch.toBytes around.Edits exchange.Request

            match Reading.message station.Realm.Limits (ReadOnlySpan bytes) with
            | Arrival.Message message -> ValueSome message
            | Arrival.Broken _ -> ValueNone
