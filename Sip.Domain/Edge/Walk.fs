// Walk: an exchange while it steps. What changes is gathered here, and becomes a new exchange once the
// step has returned. One walk after another uses the same. HOT.

namespace Sip.Edge

open System
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Transactions

/// What steps need of their ledger.
type internal Surroundings =
    {
        Station: Station
        Timing: Timing
        Outbox: Outbox
        Identities: Identities
        Pulses: Pulses
        Throttles: Throttles
        Calls: Calls
        Guard: Sip.Guarding.Guard
        Edits: Edits
        /// Where a request that was kept is read again.
        Asked: Message
        /// Where what was sent is read again.
        Sent: Message
        mutable Now: Instant
    }

    /// A request that was kept, read again: good until the next one is.
    member this.Again(kept: ReadOnlyMemory<byte>) : Message =
        match Reading.into this.Asked this.Station.Realm.Limits kept.Span with
        | Arrival.Message request -> request
        | Arrival.Broken _ -> invalidOp "a request that was kept cannot be read any more"

/// An exchange under way.
[<Sealed>]
type internal Walk(around: Surroundings) =
    let mutable answering = Unchecked.defaultof<Answering>
    let mutable legs: Leg[] = [||]
    let mutable isOwn = false
    let mutable isChanged = false
    let mutable request: Message | null = null

    [<DefaultValue(false)>]
    val mutable Key: Mark

    [<DefaultValue(false)>]
    val mutable Method: Method

    [<DefaultValue(false)>]
    val mutable Bytes: ReadOnlyMemory<byte>

    [<DefaultValue(false)>]
    val mutable Source: FlowText

    [<DefaultValue(false)>]
    val mutable Places: Place list list

    [<DefaultValue(false)>]
    val mutable AnswerWake: Instant

    [<DefaultValue(false)>]
    val mutable Context: Fork.Context

    [<DefaultValue(false)>]
    val mutable Farewell: (string * string) list

    /// The response that has just come, as it came.
    [<DefaultValue(false)>]
    val mutable Came: Message

    /// What the step may use.
    member _.Around: Surroundings = around

    /// The time.
    member _.Now: Instant = around.Now

    /// The server machine. A response that it keeps stands on the shelf.
    member _.Answering
        with get () = answering
        and set (after: Answering) =
            isChanged <- true
            answering <- after

    /// The legs so far.
    member _.Legs: ReadOnlySpan<Leg> = ReadOnlySpan legs

    /// Puts a leg in its place, or behind the others.
    member _.SetLeg(id: int, leg: Leg) : unit =
        isChanged <- true

        if id = legs.Length then
            Array.Resize(&legs, id + 1)
        elif not isOwn then
            legs <- Array.copy legs

        isOwn <- true
        legs[id] <- leg

    /// Something but the machines has changed.
    member _.Touch() : unit = isChanged <- true

    /// Whether the request is still kept: once it is answered and no leg can need it, it is not.
    member this.HasRequest: bool = not (isNull request) || not this.Bytes.IsEmpty

    /// The request: the message that it came as, or what is kept of it read again.
    member this.Request: Message =
        match request with
        | null ->
            let read = around.Again this.Bytes
            request <- read
            read
        | known -> known

    /// Begins with a request that has just come.
    member this.Start
        (key, method, source: FlowText, came: Message, places, first: Answering)
        : unit =
        answering <- first
        legs <- [||]
        isOwn <- true
        isChanged <- true
        request <- came
        this.Key <- key
        this.Method <- method
        this.Bytes <- around.Outbox.Shelf.Keep came.Bytes
        this.Source <- source
        this.Places <- places
        this.Farewell <- []

    /// Begins with an exchange as it stands.
    member this.Resume(exchange: Exchange) : unit =
        answering <- exchange.Answering
        legs <- exchange.Legs
        isOwn <- false
        isChanged <- false
        request <- null
        this.Key <- exchange.Key
        this.Method <- exchange.Method
        this.Bytes <- exchange.Request
        this.Source <- exchange.Source
        this.Places <- exchange.Places
        this.AnswerWake <- exchange.AnswerWake
        this.Context <- exchange.Context
        this.Farewell <- exchange.Farewell

    // Once the caller has its answer and no leg can need what was sent, nobody needs the request.
    member private _.NeedsRequest: bool =
        let mutable needed = Answering.isPending answering

        for leg in legs do
            needed <- needed || Leg.needsRequest leg

        needed

    // Nothing will happen to it any more.
    member private _.IsOver: bool =
        let mutable over = Answering.isOver answering

        for leg in legs do
            over <- over && Leg.isOver leg

        over

    /// The exchange as it is now; none where it is over.
    member this.End(before: Exchange | null) : Exchange | null =
        if not isChanged then
            before
        elif this.IsOver then
            null
        else
            Exchange(
                this.Key,
                this.Method,
                (if this.NeedsRequest then
                     this.Bytes
                 else
                     ReadOnlyMemory.Empty),
                this.Source,
                this.Places,
                answering,
                this.AnswerWake,
                this.Context,
                legs,
                this.Farewell
            )
