// Deadlines: by when what has begun on a connection must be whole, and which of that ends when something has come.
// HOT: where nothing changes the state stays the same one.

namespace Sip.Wire

open System
open Sip

/// Setting and ending the deadlines of a connection.
[<RequireQualifiedAccess>]
module internal Deadlines =

    /// So many bytes were looked at in vain.
    let scanned (state: StreamState) position =
        if state.Scanned = position then
            state
        else
            { state with Scanned = position }

    /// Whether something has begun.
    let isTimed (state: StreamState) =
        state.Whole.Milliseconds <> Int64.MaxValue

    /// Whether anything is to be ended when a message has come.
    let waiting (state: StreamState) =
        state.Deadline.Milliseconds <> Int64.MaxValue
        || state.Scanned <> 0
        || isTimed state

    /// A message has come: nothing is waited for.
    let delivered (state: StreamState) =
        if waiting state then
            { state with
                Deadline = Instant.Never
                Scanned = 0
                Whole = Instant.Never
            }
        else
            state

    /// Time runs from the first byte of what has begun; further bytes buy no more of it.
    let begun (now: Instant) (state: StreamState) =
        if isTimed state then
            state
        else
            { state with
                Whole = now.After Patience.whole
            }

    /// What has begun is whole.
    let settled (state: StreamState) =
        if isTimed state then
            { state with Whole = Instant.Never }
        else
            state

    /// Any whole frame shows that the peer is alive.
    let alive (now: Instant) (state: StreamState) =
        if state.Pong.Milliseconds = Int64.MaxValue then
            state
        else
            { state with
                Ping = now.After Patience.ping
                Pong = Instant.Never
            }

    /// A frame is whole; a message may still be in fragments, whose time runs on.
    let framed (state: StreamState) =
        if Assembly.isOpen state.Assembly then
            state
        else
            settled state

    /// Whether a deadline has passed, HOT: without the boxes of a comparison.
    let has (now: Instant) (instant: Instant) =
        instant.Milliseconds <> Int64.MaxValue
        && instant.Milliseconds <= now.Milliseconds
