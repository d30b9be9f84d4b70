// Ages: who has waited how long: those that have waited longest give way when more comes than there is room for. HOT: the links
// stand in those who wait.

namespace Sip.Edge

/// Somebody who waits, and may be reminded of something.
[<AbstractClass>]
type internal Aged() =
    inherit Reminder()

    /// The one that has waited next longer.
    [<DefaultValue>]
    val mutable Older: Aged | null

    /// The one that has waited next shorter.
    [<DefaultValue>]
    val mutable Newer: Aged | null

/// Those who wait, in the order in which they began to.
[<Sealed>]
type internal Ages() =
    let mutable oldest: Aged | null = null
    let mutable newest: Aged | null = null

    /// One waits from now on.
    member _.Add(one: Aged) : unit =
        one.Older <- newest

        match newest with
        | null -> oldest <- one
        | before -> before.Newer <- one

        newest <- one

    /// One that waits does so no longer.
    member _.Remove(one: Aged) : unit =
        match one.Older with
        | null -> oldest <- one.Newer
        | before -> before.Newer <- one.Newer

        match one.Newer with
        | null -> newest <- one.Older
        | after -> after.Older <- one.Older

        one.Older <- null
        one.Newer <- null

    /// The one that has waited longest, null where none does.
    member _.Oldest: Aged | null = oldest
