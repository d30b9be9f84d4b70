// StreamState: what is remembered of a connection between two reads, and what one read may lead to.

namespace Sip.Wire

open Sip

/// What a listener serves.
[<RequireQualifiedAccess>]
type Serving =
    | Sip
    | WebSocket
    | Either

/// What holds for every connection of a listener.
type StreamRules =
    {
        Serving: Serving
        Limits: Limits
        Handshake: HandshakeRules
    }

/// What is to be done with one item of the stream.
[<RequireQualifiedAccess>]
type StreamEvent =
    /// Nothing, until more bytes come.
    | NeedMore
    /// Read the message at Offset and Length of the given bytes.
    | Message
    /// Read the message in Bytes.
    | Assembled
    /// Write Bytes.
    | Write
    /// Write Bytes: this is a WebSocket now.
    | Upgraded
    /// Answer 400 with Reason to the head at Offset and Length, if it can be read, and close.
    | Broken
    /// Answer 513 to the head at Offset and Length, if it can be read, and close.
    | TooLarge
    /// Write Bytes, if any, and close, because of Reason.
    | CloseAfter

/// Where a connection is in its life.
[<RequireQualifiedAccess>]
type Phase =
    /// A balancer may say whom it speaks for.
    | Announcing
    /// Hands are being shaken for TLS.
    | Securing
    | Opening
    | Sip
    | Handshaking
    | Open
    | Closing
    | Closed

/// All that is remembered of a connection.
type StreamState =
    private
        {
            Phase: Phase
            Scanned: int
            Assembly: Assembly
            /// By when the handshake, the first message or the peer's Close must have come.
            Deadline: Instant
            /// When to send the next Ping.
            Ping: Instant
            /// By when the answer to the last Ping must have come.
            Pong: Instant
            /// By when the item whose first byte has come must be whole.
            Whole: Instant
        }

    /// When `Stream.tick` has something to do.
    member this.Wake: Instant =
        Instant.Earlier(
            Instant.Earlier(this.Deadline, this.Whole),
            Instant.Earlier(this.Ping, this.Pong)
        )

    /// Whether messages travel in WebSocket frames.
    member this.IsWebSocket = (this.Phase = Phase.Open)

/// One item of the stream: drop Consumed bytes once Event is done, and hand in the rest again.
[<Struct>]
type StreamStep =
    {
        State: StreamState
        Consumed: int
        Event: StreamEvent
        Offset: int
        Length: int
        Bytes: byte[]
        Reason: string
    }
