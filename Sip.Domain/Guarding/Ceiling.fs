// Ceiling: what is still begun when memory or descriptors run out (RFC 5390 §4). Every table has a bound of its own; this is the
// one over all of them, so that what is under way can always be finished.

namespace Sip.Guarding

/// How much room there is.
[<RequireQualifiedAccess; Struct>]
type Room =
    | Ample
    /// Nothing new is begun.
    | Scarce
    /// Nothing but the most urgent, and what is under way.
    | Gone

/// Deciding by the room that there is.
[<RequireQualifiedAccess>]
module Ceiling =

    let private share (used: int64) (most: int64) : int64 =
        if most <= 0L then
            0L
        else
            min 2000L (used / (most / 1000L + 1L))

    /// The room when so much of so much is used: scarce from four fifths on, gone from nine tenths on. It takes a twentieth
    /// less until it is no longer so.
    let step (used: int64) (most: int64) (room: Room) : Room =
        match share used most, room with
        | share, _ when share >= 900L -> Room.Gone
        | share, Room.Gone when share >= 850L -> Room.Gone
        | share, _ when share >= 800L -> Room.Scarce
        | share, (Room.Scarce | Room.Gone) when share >= 750L -> Room.Scarce
        | _, (Room.Ample | Room.Scarce | Room.Gone) -> Room.Ample

    /// Whether a request is worked on.
    let admits (room: Room) (urgency: Urgency) : bool =
        match room, urgency with
        | Room.Ample, _
        | (Room.Scarce | Room.Gone), (Urgency.UnderWay | Urgency.Emergency)
        | Room.Scarce, Urgency.Returning -> true
        | Room.Scarce, (Urgency.Call | Urgency.Newcomer | Urgency.Rest)
        | Room.Gone, (Urgency.Returning | Urgency.Call | Urgency.Newcomer | Urgency.Rest) -> false

    /// How many of so many descriptors clients may take: a fortieth, and no fewer than 16, stay for the store, the pages, name
    /// servers and the log.
    let descriptors (most: int64) : int64 = max 1L (most - max 16L (most / 40L))
