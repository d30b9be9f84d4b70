// Overload: which requests are worked on when more come than can be (RFC 5390, RFC 7339 §1). What decides is how
// long a message waited until somebody looked at it, measured, and how far along its sender is: what is
// under way is finished, what is new is refused first. One long wait is a hiccup, waits that do not end are a load.

namespace Sip.Guarding

open System
open Sip

/// How far along the sender of a request is, the most urgent first.
[<RequireQualifiedAccess; Struct>]
type Urgency =
    /// Within a dialog, or an end of what is under way.
    | UnderWay
    /// Marked so by a peer, who is believed (RFC 4412).
    | Emergency
    /// A registration that is refreshed, or whoever has answered a challenge.
    | Returning
    | Call
    | Newcomer
    | Rest

/// How things are.
[<RequireQualifiedAccess; Struct>]
type Mood =
    | Calm
    /// Every wait since then was long, and so many were.
    | Rising of Since: Instant * Seen: int
    | Shedding
    /// Every wait since then was short again.
    | Falling of From: Instant

/// Deciding under load.
[<RequireQualifiedAccess>]
module Overload =

    /// A wait that nobody minds, and below which nothing is refused.
    let calm = 50L<ms>

    /// How long waits have to be long, and how many, before anything is refused; and how long they have to be
    /// short before all is well again.
    let patience = 300L<ms>

    let least = 64
    let relief = 1000L<ms>

    // What a full socket buffer counts as: what comes then is lost, whoever sent it.
    let private full = 200L<ms>

    /// The wait from which on a request is not worked on: far below T1, so that who is let in need not send
    /// again (RFC 3261 §17.1.1.1).
    let limit (urgency: Urgency) : int64<ms> =
        match urgency with
        | Urgency.UnderWay -> Int64.MaxValue * 1L<ms>
        | Urgency.Emergency -> 1000L<ms>
        | Urgency.Returning -> 200L<ms>
        | Urgency.Call -> 100L<ms>
        | Urgency.Newcomer -> 75L<ms>
        | Urgency.Rest -> calm

    /// Whether it would begin something new, so that the sieve may drop it.
    let isNew (urgency: Urgency) : bool =
        match urgency with
        | Urgency.UnderWay
        | Urgency.Emergency
        | Urgency.Returning -> false
        | Urgency.Call
        | Urgency.Newcomer
        | Urgency.Rest -> true

    /// What a wait counts as where so many thousandths of the socket's buffer are full.
    let felt (waited: int64<ms>) (filled: int) : int64<ms> =
        max waited (full * int64 filled / 1000L)

    /// The mood after a wait was seen.
    let step (now: Instant) (waited: int64<ms>) (mood: Mood) : Mood =
        let isLong = waited >= calm

        match mood with
        | Mood.Calm when isLong -> Mood.Rising(now, 1)
        | Mood.Calm -> Mood.Calm
        | Mood.Rising _ when not isLong -> Mood.Calm
        | Mood.Rising(since, seen) when now.Since since >= patience && seen >= least ->
            Mood.Shedding
        | Mood.Rising(since, seen) -> Mood.Rising(since, min least (seen + 1))
        | Mood.Shedding when isLong -> Mood.Shedding
        | Mood.Shedding -> Mood.Falling now
        | Mood.Falling _ when isLong -> Mood.Shedding
        | Mood.Falling from when now.Since from >= relief -> Mood.Calm
        | Mood.Falling _ -> mood

    /// Whether something may have to be refused.
    let isShedding (mood: Mood) : bool =
        match mood with
        | Mood.Calm
        | Mood.Rising _ -> false
        | Mood.Shedding
        | Mood.Falling _ -> true

    /// Whether a request that has waited so long is worked on.
    let isWorked (mood: Mood) (waited: int64<ms>) (urgency: Urgency) : bool =
        not (isShedding mood) || waited < limit urgency

    /// When to come back, in seconds: the later the longer the wait, and spread by the dice so that those who
    /// were refused together do not come back together.
    let retryAfter (waited: int64<ms>) (dice: uint64) : int64<s> =
        let spread = waited / 10L<ms> |> max 5L |> min 28L
        2L<s> + int64 (dice % uint64 spread) * 1L<s>
