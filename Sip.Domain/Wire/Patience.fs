// Patience: how long each step of a connection may take before it is given up; every deadline of a
// stream stands here. Whoever is slow on purpose holds a connection for seconds, not for ever.

namespace Sip.Wire

open Sip

/// The deadlines of a connection.
[<RequireQualifiedAccess>]
module Patience =

    /// Until a balancer has said whom it speaks for.
    let announcement = 5_000L<ms>

    /// Until a connection that we open is there.
    let connecting = 2_000L<ms>

    /// Until hands are shaken for TLS.
    let securing = 5_000L<ms>

    /// Until a port that serves nothing but WebSocket has the whole handshake.
    let handshake = 5_000L<ms>

    /// Until the first message, on a WebSocket and on a stream of SIP alike.
    let firstMessage = 10_000L<ms>

    /// From the first byte of a message, a frame or the head of a handshake to its last.
    let whole = 5_000L<ms>

    /// How long a WebSocket may be silent before it is pinged.
    let ping = 30_000L<ms>

    /// Until the Pong.
    let pong = 15_000L<ms>

    /// Until the peer has answered our Close.
    let close = 2_000L<ms>

    /// Until what waits to be sent must have left.
    let unread = 10_000L<ms>

    /// Until bytes that were sent must be acknowledged (TCP_USER_TIMEOUT, RFC 5482).
    let acknowledged = 20_000L<ms>
