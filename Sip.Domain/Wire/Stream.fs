// Stream: one connection of bytes, TCP or TLS, SIP or WebSocket, accepted or dialled, from its
// first byte to its last (RFC 3261 §18.3, RFC 5626 §4.4.1, RFC 6455, RFC 7118).
// HOT: a message that arrives whole costs no allocation and leaves the state as it was.

namespace Sip.Wire

open System
open System.Buffers
open System.Text.Unicode
open Sip

/// Living through a connection.
[<RequireQualifiedAccess>]
module Stream =

    let private methodSize = 64
    let private crlf = "\r\n"B
    let private doubleCrlf = "\r\n\r\n"B
    let private emptyPing = Frames.whole Opcode.Ping ReadOnlySpan.Empty

    /// A connection from a balancer, of which the header of the PROXY protocol is still to be read.
    let announcing (now: Instant) : StreamState =
        Steps.starting Phase.Announcing (now.After Patience.announcement)

    /// A connection on which hands are still to be shaken for TLS.
    let securing (now: Instant) : StreamState =
        Steps.starting Phase.Securing (now.After Patience.securing)

    /// A connection that a client opened, from its first byte on.
    let accepted (rules: StreamRules) (now: Instant) : StreamState =
        match rules.Serving with
        | Serving.WebSocket -> Steps.starting Phase.Opening (now.After Patience.handshake)
        | Serving.Sip
        | Serving.Either -> Steps.starting Phase.Opening (now.After Patience.firstMessage)

    /// A connection that we opened: it carries SIP, and the peer need not speak first.
    let dialled: StreamState = Steps.starting Phase.Sip Instant.Never

    /// Bytes that cannot be the beginning of a keep-alive are the beginning of a message.
    let private afterSip now (state: StreamState) (left: Span<byte>) =
        if left.Length > 3 || (left.Length > 0 && left[0] <> '\r'B) then
            Deadlines.begun now state
        else
            Deadlines.settled state

    let rec private ofSip rules now (state: StreamState) (bytes: Span<byte>) at =
        let framed =
            Framing.next rules.Limits (Span.op_Implicit (bytes.Slice at)) state.Scanned

        let next = at + framed.Length

        match framed.Item with
        | FramingItem.More ->
            Steps.needMore
                (afterSip now (Deadlines.scanned state framed.Scanned) (bytes.Slice at))
                at
        | FramingItem.Skip -> ofSip rules now (Deadlines.scanned state 0) bytes next
        | FramingItem.Ping -> Steps.write (Deadlines.scanned state 0) next crlf
        | FramingItem.Whole -> Steps.message (Deadlines.delivered state) next at framed.Length
        // The stream stays writable for the answer; whoever reads it closes it behind that.
        | FramingItem.Broken ->
            { Steps.message (Deadlines.delivered state) next at framed.Length with
                Event = StreamEvent.Broken
                Reason = framed.Reason
            }
        | FramingItem.TooLarge ->
            { Steps.message (Deadlines.delivered state) next at framed.Length with
                Event = StreamEvent.TooLarge
                Reason = framed.Reason
            }

    let private ofHandshake rules (now: Instant) (state: StreamState) (bytes: Span<byte>) =
        let outcome =
            Handshake.resume rules.Handshake state.Scanned (Span.op_Implicit bytes)

        match outcome with
        | HandshakeOutcome.Incomplete ->
            Steps.needMore (Deadlines.begun now (Deadlines.scanned state bytes.Length)) 0
        | HandshakeOutcome.Refuse(_, response, reason) ->
            Steps.closeAfter bytes.Length response reason
        | HandshakeOutcome.Accept(response, headLength) ->
            let opened =
                { Steps.starting Phase.Open (now.After Patience.firstMessage) with
                    Ping = now.After Patience.ping
                }

            { Steps.step opened headLength StreamEvent.Upgraded with
                Bytes = response
            }

    let private portIsForSip =
        match Handshake.refuse 400 "This port is for SIP, not for HTTP: connect a SIP phone." with
        | HandshakeOutcome.Refuse(_, response, _) -> response
        | HandshakeOutcome.Accept _
        | HandshakeOutcome.Incomplete -> Array.Empty()

    let private asSip rules now (state: StreamState) (bytes: Span<byte>) =
        match rules.Serving with
        | Serving.Sip
        | Serving.Either -> ofSip rules now { state with Phase = Phase.Sip } bytes 0
        | Serving.WebSocket ->
            Steps.closeAfter bytes.Length (Array.Empty()) "SIP where only WebSocket is served"

    let private asHttp rules (now: Instant) (state: StreamState) (bytes: Span<byte>) =
        match rules.Serving with
        | Serving.Sip -> Steps.closeAfter bytes.Length portIsForSip "HTTP where only SIP is served"
        | Serving.WebSocket
        | Serving.Either ->
            let handshaking = { state with Phase = Phase.Handshaking }
            ofHandshake rules now handshaking bytes

    // The shell reads the headers of balancers; anybody else who begins like one only pretends.
    let private announcement = "PROXY "B

    /// A keep-alive that comes first decides nothing: the stream may still become anything.
    let private ofKeepAlive rules (state: StreamState) length =
        match rules.Serving with
        | Serving.Sip
        | Serving.Either -> Steps.write state doubleCrlf.Length crlf
        | Serving.WebSocket ->
            Steps.closeAfter length (Array.Empty()) "SIP where only WebSocket is served"

    /// HTTP asks for a path, SIP for a URI or answers: the byte after the first space tells.
    let private ofFirst rules now (state: StreamState) (bytes: Span<byte>) =
        let all: ReadOnlySpan<byte> = Span.op_Implicit bytes
        let size = Slice.skipToken all 0 (min methodSize all.Length)

        if all.IsEmpty then
            Steps.needMore state 0
        elif all.StartsWith(ReadOnlySpan announcement) then
            Steps.closeAfter all.Length (Array.Empty()) "a PROXY header from no balancer"
        elif all.StartsWith(ReadOnlySpan doubleCrlf) then
            ofKeepAlive rules state all.Length
        elif size = 0 && all[0] <> '\r'B then
            Steps.closeAfter all.Length (Array.Empty()) "the first bytes are neither SIP nor HTTP"
        elif size = methodSize || (size < all.Length && all[size] <> ' 'B) then
            asSip rules now state bytes
        elif size + 1 >= all.Length then
            Steps.needMore (Deadlines.begun now state) 0
        elif all[size + 1] = '/'B || all[size + 1] = '*'B then
            asHttp rules now state bytes
        else
            asSip rules now state bytes

    /// The first item of the bytes, which are those not yet consumed; WebSocket payloads are
    /// unmasked where they stand. To be called again until it asks for more.
    let receive (rules: StreamRules) (now: Instant) (state: StreamState) (bytes: Span<byte>) =
        match state.Phase with
        | Phase.Sip -> ofSip rules now state bytes 0
        | Phase.Open
        | Phase.Closing -> FrameItems.take rules now state bytes 0
        | Phase.Opening -> ofFirst rules now state bytes
        | Phase.Handshaking -> ofHandshake rules now state bytes
        // Whoever reads below takes these bytes before the stream begins.
        | Phase.Announcing
        | Phase.Securing -> Steps.needMore state 0
        | Phase.Closed -> Steps.needMore state bytes.Length

    /// Begins to close; the code is one of RFC 6455 §7.4 and means nothing outside a WebSocket.
    let close (now: Instant) (code: int) (reason: string) (state: StreamState) : StreamStep =
        match state.Phase with
        | Phase.Open ->
            let closing = Steps.starting Phase.Closing (now.After Patience.close)
            Steps.write closing 0 (Frames.close code reason)
        | Phase.Closing -> Steps.needMore state 0
        | Phase.Announcing
        | Phase.Securing
        | Phase.Opening
        | Phase.Sip
        | Phase.Handshaking
        | Phase.Closed -> Steps.closeAfter 0 (Array.Empty()) reason

    let private overdue (state: StreamState) =
        match state.Phase with
        | Phase.Announcing -> Steps.closeAfter 0 (Array.Empty()) "no PROXY header in time"
        | Phase.Securing -> Steps.closeAfter 0 (Array.Empty()) "no TLS handshake in time"
        | Phase.Open -> Steps.fail 0 1008 "no SIP message in time"
        | Phase.Closing -> Steps.closeAfter 0 (Array.Empty()) "no Close in time"
        | Phase.Handshaking -> Steps.closeAfter 0 (Array.Empty()) "no WebSocket handshake in time"
        | Phase.Opening
        | Phase.Sip
        | Phase.Closed -> Steps.closeAfter 0 (Array.Empty()) "no SIP message in time"

    /// A WebSocket that was asked for and is refused for a reason that only the shell can know.
    let refuse (consumed: int) (status: int) (reason: string) : StreamStep =
        match Handshake.refuse status reason with
        | HandshakeOutcome.Refuse(_, response, _) -> Steps.closeAfter consumed response reason
        | HandshakeOutcome.Accept _
        | HandshakeOutcome.Incomplete -> Steps.closeAfter consumed (Array.Empty()) reason

    /// What time alone brings about; to be called at `Wake`.
    let tick (now: Instant) (state: StreamState) : StreamStep =
        if Deadlines.has now state.Deadline || Deadlines.has now state.Whole then
            overdue state
        elif Deadlines.has now state.Pong then
            Steps.closeAfter 0 (Array.Empty()) "no Pong in time"
        elif Deadlines.has now state.Ping then
            let pinged =
                { state with
                    Ping = Instant.Never
                    Pong = now.After Patience.pong
                }

            Steps.write pinged 0 emptyPing
        else
            Steps.needMore state 0

    /// Writes a message the way this connection carries it (RFC 7118 §5: one message a frame).
    let wrap (state: StreamState) (message: ReadOnlySpan<byte>) (target: IBufferWriter<byte>) =
        match state.Phase with
        | Phase.Open ->
            let opcode = if Utf8.IsValid message then Opcode.Text else Opcode.Binary
            let whole = Frames.headLength message.Length + message.Length
            let room = target.GetSpan whole
            let head = Frames.writeHead opcode message.Length room
            message.CopyTo(room.Slice head)
            target.Advance whole
        | Phase.Announcing
        | Phase.Securing
        | Phase.Opening
        | Phase.Sip
        | Phase.Handshaking -> target.Write message
        | Phase.Closing
        | Phase.Closed -> ()

/// Streams for C#.
[<AbstractClass; Sealed>]
type Streams =

    /// A connection from a balancer, before it has said whom it speaks for.
    static member Announcing(now: Instant) : StreamState = Stream.announcing now

    /// A connection before hands are shaken for TLS.
    static member Securing(now: Instant) : StreamState = Stream.securing now

    /// A connection that a client opened.
    static member Accepted(rules: StreamRules, now: Instant) : StreamState =
        Stream.accepted rules now

    /// A connection that we opened.
    static member Dialled: StreamState = Stream.dialled

    /// The first item of the bytes not yet consumed.
    static member Receive(rules: StreamRules, now: Instant, state: StreamState, bytes: Span<byte>) =
        Stream.receive rules now state bytes

    /// A WebSocket that was asked for and is refused for a reason that only the shell can know.
    static member Refuse(consumed: int, status: int, reason: string) : StreamStep =
        Stream.refuse consumed status reason

    /// What time alone brings about.
    static member Tick(now: Instant, state: StreamState) : StreamStep = Stream.tick now state

    /// When to call Tick.
    static member Wake(state: StreamState) : Instant = state.Wake

    /// Begins to close.
    static member Close(now: Instant, code: int, reason: string, state: StreamState) =
        Stream.close now code reason state

    /// Writes a message the way this connection carries it.
    static member Wrap
        (state: StreamState, message: ReadOnlySpan<byte>, target: IBufferWriter<byte>)
        =
        Stream.wrap state message target
