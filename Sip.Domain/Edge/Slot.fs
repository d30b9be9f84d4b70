// Slot: an exchange's place in the tables, and which of them only wait for their end, the longest
// waiting first: those give way when more comes than there is room for. HOT: the links stand in the
// slots, and slots are used again.

namespace Sip.Edge

open System
open System.Collections.Generic
open Sip
open Sip.Routing
open Sip.Transactions

/// An exchange's place in the tables; used again for another once it is forgotten.
[<Sealed>]
type internal Slot() =
    inherit Aged()

    // None while the slot is spare, and while the exchange is at rest.
    [<DefaultValue>]
    val mutable private Moving: Exchange | null

    [<DefaultValue(false)>]
    val mutable private Resting: Rest

    /// Whether it only waits for its end.
    member val IsEnded = false with get, set
    /// What ties it to the flow that its request came by.
    member val Source = Hook<Flow>()
    /// What ties it to the connections that its legs went to, by the number of the leg.
    member val Targets = List<Hook<Hop>>()
    /// How many of those are in use.
    member val Legs = 0 with get, set

    /// Who waits for its answer, by the key that they are counted under; 0 where nobody is counted.
    member val Caller = 0UL with get, set

    /// The call that its request began, as long as nobody has answered it.
    [<DefaultValue>]
    val mutable Call: Call | null

    /// Whether the exchange is at rest.
    member this.IsResting: bool = isNull this.Moving

    /// The exchange; one at rest is taken up for it.
    member this.Exchange: Exchange =
        match this.Moving with
        | null -> Rest.takeUp this.Resting
        | exchange -> exchange

    member this.Key: Mark =
        match this.Moving with
        | null -> this.Resting.Key
        | exchange -> exchange.Key

    /// When the exchange wants to be ticked.
    member this.Wake: Instant =
        match this.Moving with
        | null -> Rest.ends this.Resting
        | exchange -> Exchange.wake exchange

    /// The request, on the shelf; nothing once nobody needs it any more.
    member this.Request: ReadOnlyMemory<byte> =
        match this.Moving with
        | null -> ReadOnlyMemory.Empty
        | exchange -> exchange.Request

    /// The answer that is kept for when the request is sent again, on the shelf.
    member this.Kept: Response voption =
        match this.Moving with
        | null -> ValueSome this.Resting.Final
        | exchange -> Answering.kept exchange.Answering

    /// Whether an ACK on the request's own branch ends something here.
    member this.AwaitsAck: bool =
        match this.Moving with
        | null -> Rest.awaitsAck this.Resting
        | exchange -> Exchange.awaitsAck exchange

    /// What the exchange has become.
    member this.Become(exchange: Exchange) : unit =
        match Rest.layDown exchange with
        | ValueSome rest ->
            this.Resting <- rest
            this.Moving <- null
        | ValueNone ->
            this.Moving <- exchange
            this.Resting <- Unchecked.defaultof<Rest>

    /// Holds nothing any more.
    member this.Clear() : unit =
        this.Moving <- null
        this.Resting <- Unchecked.defaultof<Rest>

    override this.What = Due.Exchange this.Key

/// The slots that only wait for their end.
[<Sealed>]
type internal Ended() =
    let ages = Ages()
    let mutable count = 0

    /// It waits from now on.
    member _.Add(slot: Slot) : unit =
        slot.IsEnded <- true
        ages.Add slot
        count <- count + 1

    /// It waits no longer, if it did.
    member _.Remove(slot: Slot) : unit =
        if slot.IsEnded then
            ages.Remove slot
            slot.IsEnded <- false
            count <- count - 1

    /// The one that has waited longest, null where none does.
    member _.Oldest: Slot | null = ages.Oldest :?> (Slot | null)

    /// How many wait.
    member _.Count: int<exchange> = count * 1<exchange>
