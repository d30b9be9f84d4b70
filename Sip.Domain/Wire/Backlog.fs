// Backlog: whether a peer takes what waits to be sent to it. What waits now must have left ten seconds
// later, whatever has come behind it; so a peer that reads a byte now and then is found, too.
// HOT: after every write; without a backlog nothing is computed.

namespace Sip.Wire

open Sip

/// The bytes that were waiting when patience began, and by when they must have left.
[<Struct>]
type Backlog = private { Owed: int; Limit: Instant }

/// Watching a backlog.
[<RequireQualifiedAccess>]
module Backlog =

    /// Nothing waits.
    let none: Backlog = { Owed = 0; Limit = Instant.Never }

    /// The backlog once so many bytes have been sent and so many still wait.
    let after (now: Instant) (sent: int) (waiting: int) (backlog: Backlog) : Backlog =
        if waiting = 0 then
            none
        elif backlog.Owed > sent then
            { backlog with
                Owed = backlog.Owed - sent
            }
        else
            {
                Owed = waiting
                Limit = now.After Patience.unread
            }

    /// By when the peer must have taken what waits.
    let limit (backlog: Backlog) : Instant = backlog.Limit

    /// Whether it has not.
    let isUnread (now: Instant) (backlog: Backlog) : bool = backlog.Limit.IsDue now
