// ContentLength: the header that a stream must carry and a datagram or a WebSocket message need not
// (RFC 3261 §18.3, §16.6 step 9), put on where a message passes from the one to the other.

namespace Sip.Routing

open Sip
open Sip.Wire

/// Completing messages for streams.
[<RequireQualifiedAccess>]
module ContentLength =

    /// Makes the edit that a message needs to leave by this transport, if it needs one.
    let complete (edits: Edits) (transport: Transport) (message: Message) : unit =
        match transport with
        | Transport.Tcp
        | Transport.Tls when not (Message.value HeaderName.ContentLength message).IsThere ->
            Patch.beginField edits (Patch.endOfHead message) HeaderName.ContentLength
            Patch.putNumber edits (int64 message.Body.Length)
            Patch.endField edits
        | Transport.Tcp
        | Transport.Tls
        | Transport.Udp
        | Transport.Ws
        | Transport.Wss -> ()
