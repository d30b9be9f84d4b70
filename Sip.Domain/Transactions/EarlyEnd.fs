// EarlyEnd: when a forking proxy tells a caller that one of its early dialogs is over though others go on:
// the 199 (Early Dialog Terminated) of RFC 6228 §6.

namespace Sip.Transactions

open Sip

/// Whether a 199 of ours reaches the caller.
[<RequireQualifiedAccess; Struct>]
type Hearing =
    /// It lists `199` in Supported.
    | Hears
    /// It does not, or it requires reliable provisional responses, which a proxy cannot give.
    | Deaf

/// What becomes of the final response itself.
[<RequireQualifiedAccess; Struct>]
type Fate =
    /// It goes to the caller now, and ends what it ends.
    | Relayed
    /// It is kept until the other branches have answered.
    | Held

/// What the caller is told.
[<RequireQualifiedAccess>]
type EarlyEnd =
    /// A 199 for each of these To tags.
    | Tell of Tags: string list
    | Silence

/// Deciding about 199.
[<RequireQualifiedAccess>]
module EarlyEnd =

    /// What to tell the caller when a branch with these early dialogs, which nobody has ended before, has
    /// ended with this status.
    let decide (hearing: Hearing) (fate: Fate) (status: Status) (early: string list) : EarlyEnd =
        match hearing, fate, early with
        | Hearing.Hears, Fate.Held, _ :: _ when status.Number >= 300 -> EarlyEnd.Tell early
        | (Hearing.Hears | Hearing.Deaf), (Fate.Relayed | Fate.Held), _ -> EarlyEnd.Silence

    /// The early dialogs of a branch once a provisional response with this tag has come.
    let heard (status: Status) (tag: string) (early: string list) : string list =
        if status = Status.earlyDialogTerminated then
            List.filter (fun known -> known <> tag) early
        elif tag = "" || List.contains tag early then
            early
        else
            early @ [ tag ]
