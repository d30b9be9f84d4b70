// Windows: which uses of which nonces have been seen, of as many nonces as there is room for (RFC 7616 §5.5). Where there is
// none, the one that was first used longest ago gives way, and with it everything that is as old and not known here: a
// use is accepted once, whatever has been forgotten.

namespace Sip.Edge

open System.Collections.Generic
open Sip
open Sip.Identity
open Sip.Guarding

/// A nonce that has been used; used again for another once that is forgotten.
[<Sealed>]
type internal Use() =
    inherit Aged()

    [<DefaultValue(false)>]
    val mutable Spent: Spent

    override this.What = Due.Nonce this.Spent.Id

/// The windows of one ledger.
[<Sealed>]
type internal Windows(agenda: Agenda, guard: Guard, most: int) =
    let uses = Dictionary<NonceId, Use>()
    let spare = Stack<Use>()
    let ages = Ages()
    // When the last of those ends that gave way.
    let mutable lost = 0L

    let forget (used: Use) =
        uses.Remove used.Spent.Id |> ignore
        ages.Remove used
        agenda.Forget used
        spare.Push used

    let giveWay () =
        match ages.Oldest with
        | null -> ()
        | oldest ->
            let first = oldest :?> Use
            lost <- max lost first.Spent.Forget.Milliseconds
            guard.Refuse Bound.Nonces
            forget first

    /// The window of a nonce that ends then; none where it may have been one of those that gave way.
    member _.Of(id: NonceId, ends: Instant) : Window voption =
        match uses.TryGetValue id with
        | true, used -> ValueSome used.Spent.Window
        | false, _ when ends.Milliseconds <= lost -> ValueNone
        | false, _ -> ValueSome Window.unused

    /// Remembers a use until the nonce ends anyway.
    member _.Spend(spent: Spent) : unit =
        match uses.TryGetValue spent.Id with
        | true, used -> used.Spent <- spent
        | false, _ ->
            if uses.Count >= most then
                giveWay ()

            let used = if spare.Count > 0 then spare.Pop() else Use()
            used.Spent <- spent
            uses[spent.Id] <- used
            ages.Add used
            agenda.Remind(spent.Forget, used)

    /// A nonce has ended.
    member _.Forget(id: NonceId) : unit =
        match uses.TryGetValue id with
        | true, used -> forget used
        | false, _ -> ()

    /// How many are remembered.
    member _.Held: int = uses.Count
