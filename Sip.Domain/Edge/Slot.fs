// Slot: an exchange's place in the tables, and which of them only wait for their end, the longest
// waiting first: those give way when more comes than there is room for. HOT: the links stand in the
// slots, and slots are used again.

namespace Sip.Edge

open System
open System.Collections.Generic
open Sip
open Sip.Routing

/// An exchange's place in the tables; used again for another once it is forgotten.
[<Sealed>]
type internal Slot() =
    inherit Reminder()

    /// None of them while the slot is spare.
    [<DefaultValue(false)>]
    val mutable Exchange: Exchange

    /// The one that has waited for its end next longer.
    [<DefaultValue>]
    val mutable Older: Slot | null

    /// The one that has waited for its end next shorter.
    [<DefaultValue>]
    val mutable Newer: Slot | null

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

    override this.What = Due.Exchange this.Exchange.Key

/// The slots that only wait for their end.
[<Sealed>]
type internal Ended() =
    let mutable oldest: Slot | null = null
    let mutable newest: Slot | null = null
    let mutable count = 0

    /// It waits from now on.
    member _.Add(slot: Slot) : unit =
        slot.IsEnded <- true
        slot.Older <- newest

        match newest with
        | null -> oldest <- slot
        | before -> before.Newer <- slot

        newest <- slot
        count <- count + 1

    /// It waits no longer, if it did.
    member _.Remove(slot: Slot) : unit =
        if slot.IsEnded then
            match slot.Older with
            | null -> oldest <- slot.Newer
            | before -> before.Newer <- slot.Newer

            match slot.Newer with
            | null -> newest <- slot.Older
            | after -> after.Older <- slot.Older

            slot.IsEnded <- false
            slot.Older <- null
            slot.Newer <- null
            count <- count - 1

    /// The one that has waited longest, null where none does.
    member _.Oldest: Slot | null = oldest

    /// How many wait.
    member _.Count: int<exchange> = count * 1<exchange>
