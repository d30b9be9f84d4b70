// EarlyEnd: when a forking proxy tells a caller that one of its early dialogs is over though others go on:
// the 199 (Early Dialog Terminated) of RFC 6228 §6. A decision alone; no state is kept for it.

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

    /// The code.
    let code = 199

    /// What to tell the caller when a branch with these early dialogs has ended with this status;
    /// `ended` are those that a 199 from further down has ended before.
    let decide
        (hearing: Hearing)
        (fate: Fate)
        (status: Status)
        (early: string list)
        (ended: string list)
        : EarlyEnd =
        let left = early |> List.filter (fun tag -> not (List.contains tag ended))

        match hearing, fate, List.distinct left with
        | Hearing.Hears, Fate.Held, (_ :: _ as tags) when status.Number >= 300 -> EarlyEnd.Tell tags
        | (Hearing.Hears | Hearing.Deaf), (Fate.Relayed | Fate.Held), _ -> EarlyEnd.Silence
