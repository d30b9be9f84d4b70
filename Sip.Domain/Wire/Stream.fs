// Stream: one connection of bytes, TCP or TLS, SIP or WebSocket, accepted or dialled, from its
// first byte to its last (RFC 3261 §18.3, RFC 5626 §4.4.1, RFC 6455, RFC 7118).
// HOT: a message that arrives whole costs no allocation and leaves the state as it was.

namespace Sip.Wire

open System
open System.Buffers
open System.Buffers.Binary
open System.Text.Unicode
open Sip

/// Living through a connection.
[<RequireQualifiedAccess>]
module Stream =

    let private methodSize = 64
    let private crlf = "\r\n"B
    let private doubleCrlf = "\r\n\r\n"B
    let private emptyPing = Frames.whole Opcode.Ping ReadOnlySpan.Empty
    let private crlfMessage = Frames.whole Opcode.Text (ReadOnlySpan crlf)

    let private starting phase deadline : StreamState =
        {
            Phase = phase
            Scanned = 0
            Assembly = Assembly.none
            Deadline = deadline
            Ping = Instant.Never
            Pong = Instant.Never
            Whole = Instant.Never
        }

    let private closed = starting Phase.Closed Instant.Never

    /// A connection from a balancer, of which the header of the PROXY protocol is still to be read.
    let announcing (now: Instant) : StreamState =
        starting Phase.Announcing (now.After Patience.announcement)

    /// A connection on which hands are still to be shaken for TLS.
    let securing (now: Instant) : StreamState =
        starting Phase.Securing (now.After Patience.securing)

    /// A connection that a client opened, from its first byte on.
    let accepted (rules: StreamRules) (now: Instant) : StreamState =
        match rules.Serving with
        | Serving.WebSocket -> starting Phase.Opening (now.After Patience.handshake)
        | Serving.Sip
        | Serving.Either -> starting Phase.Opening (now.After Patience.firstMessage)

    /// A connection that we opened: it carries SIP, and the peer need not speak first.
    let dialled: StreamState = starting Phase.Sip Instant.Never

    let private step state consumed event : StreamStep =
        {
            State = state
            Consumed = consumed
            Event = event
            Offset = 0
            Length = 0
            Bytes = Array.Empty()
            Reason = ""
        }

    let private needMore state consumed =
        step state consumed StreamEvent.NeedMore

    let private message state consumed offset length =
        { step state consumed StreamEvent.Message with
            Offset = offset
            Length = length
        }

    let private write state consumed bytes =
        { step state consumed StreamEvent.Write with
            Bytes = bytes
        }

    let private closeAfter consumed bytes reason =
        { step closed consumed StreamEvent.CloseAfter with
            Bytes = bytes
            Reason = reason
        }

    let private fail consumed (code: int) (reason: string) =
        closeAfter consumed (Frames.close code reason) reason

    let private scanned (state: StreamState) position =
        if state.Scanned = position then
            state
        else
            { state with Scanned = position }

    let private isTimed (state: StreamState) =
        state.Whole.Milliseconds <> Int64.MaxValue

    let private waiting (state: StreamState) =
        state.Deadline.Milliseconds <> Int64.MaxValue
        || state.Scanned <> 0
        || isTimed state

    let private delivered (state: StreamState) =
        if waiting state then
            { state with
                Deadline = Instant.Never
                Scanned = 0
                Whole = Instant.Never
            }
        else
            state

    /// Time runs from the first byte of what has begun; further bytes buy no more of it.
    let private begun (now: Instant) (state: StreamState) =
        if isTimed state then
            state
        else
            { state with
                Whole = now.After Patience.whole
            }

    let private settled (state: StreamState) =
        if isTimed state then
            { state with Whole = Instant.Never }
        else
            state

    /// Bytes that cannot be the beginning of a keep-alive are the beginning of a message.
    let private afterSip now (state: StreamState) (left: Span<byte>) =
        if left.Length > 3 || (left.Length > 0 && left[0] <> '\r'B) then
            begun now state
        else
            settled state

    let rec private ofSip rules now (state: StreamState) (bytes: Span<byte>) at =
        let framed =
            Framing.next rules.Limits (Span.op_Implicit (bytes.Slice at)) state.Scanned

        let next = at + framed.Length

        match framed.Item with
        | FramingItem.More ->
            needMore (afterSip now (scanned state framed.Scanned) (bytes.Slice at)) at
        | FramingItem.Skip -> ofSip rules now (scanned state 0) bytes next
        | FramingItem.Ping -> write (scanned state 0) next crlf
        | FramingItem.Whole -> message (delivered state) next at framed.Length
        // The stream stays writable for the answer; whoever reads it closes it behind that.
        | FramingItem.Broken ->
            { message (delivered state) next at framed.Length with
                Event = StreamEvent.Broken
                Reason = framed.Reason
            }
        | FramingItem.TooLarge ->
            { message (delivered state) next at framed.Length with
                Event = StreamEvent.TooLarge
                Reason = framed.Reason
            }

    let private isKeepAlive (payload: ReadOnlySpan<byte>) =
        payload.SequenceEqual(ReadOnlySpan crlf)
        || payload.SequenceEqual(ReadOnlySpan doubleCrlf)

    let private notUtf8 = "a text message that is not UTF-8"

    /// A message that came in one frame, unmasked where it stands.
    let private ofWhole (state: StreamState) isText (bytes: Span<byte>) at length =
        let payload = Span<byte>.op_Implicit(bytes.Slice(at, length)): ReadOnlySpan<byte>
        let next = at + length

        if isText && not (Utf8.IsValid payload) then
            fail next 1007 notUtf8
        elif isKeepAlive payload then
            write state next crlfMessage
        else
            message (delivered state) next at length

    /// A message that came in fragments.
    let private ofFragments (state: StreamState) next =
        let joined = Assembly.join state.Assembly
        let isText = state.Assembly.IsText
        let state = { state with Assembly = Assembly.none }

        if isText && not (Utf8.IsValid(ReadOnlySpan joined)) then
            fail next 1007 notUtf8
        elif isKeepAlive (ReadOnlySpan joined) then
            write state next crlfMessage
        else
            { step (delivered state) next StreamEvent.Assembled with
                Bytes = joined
                Length = joined.Length
            }

    /// The peer's Close, answered in kind unless it answers ours.
    let private ofClose (state: StreamState) (payload: ReadOnlySpan<byte>) next =
        let fault = Frames.closeFault payload

        if state.Phase = Phase.Closing then
            closeAfter next (Array.Empty()) "closed by both sides"
        elif fault <> 0 then
            fail next fault "a malformed Close"
        elif payload.IsEmpty then
            closeAfter next (Frames.whole Opcode.Close payload) "closed by the peer"
        else
            let code = Frames.whole Opcode.Close (payload.Slice(0, 2))
            closeAfter next code "closed by the peer"

    /// Any whole frame shows that the peer is alive.
    let private alive (now: Instant) (state: StreamState) =
        if state.Pong.Milliseconds = Int64.MaxValue then
            state
        else
            { state with
                Ping = now.After Patience.ping
                Pong = Instant.Never
            }

    /// A frame is whole; a message may still be in fragments, whose time runs on.
    let private framed (state: StreamState) =
        if Assembly.isOpen state.Assembly then
            state
        else
            settled state

    let private admission rules (state: StreamState) (head: FrameHead) =
        match head.Opcode with
        | Opcode.Close
        | Opcode.Ping
        | Opcode.Pong -> { Code = 0; Reason = "" }
        | Opcode.Continuation
        | Opcode.Text
        | Opcode.Binary ->
            let limit = int rules.Limits.MessageSize

            if state.Phase = Phase.Open then
                Assembly.admit limit state.Assembly head
            elif head.Length > limit then
                {
                    Code = 1009
                    Reason = "a message over the limit"
                }
            else
                { Code = 0; Reason = "" }

    let private refusal (state: StreamState) consumed code reason =
        if state.Phase = Phase.Closing then
            closeAfter consumed (Array.Empty()) reason
        else
            fail consumed code reason

    let rec private ofFrames rules (now: Instant) (state: StreamState) (bytes: Span<byte>) at =
        let rest = bytes.Slice at
        let head = Frames.read (Span.op_Implicit rest)

        match head.Reading with
        | FrameReading.Partial when rest.IsEmpty && not (Assembly.isOpen state.Assembly) ->
            needMore (settled state) at
        | FrameReading.Partial -> needMore (begun now state) at
        | FrameReading.Broken -> refusal state bytes.Length head.Code head.Reason
        | FrameReading.Header ->
            let admission = admission rules state head

            if admission.Code <> 0 then
                refusal state bytes.Length admission.Code admission.Reason
            elif rest.Length - head.HeadLength < head.Length then
                needMore (begun now state) at
            else
                let start = at + head.HeadLength
                let next = start + head.Length
                let payload = bytes.Slice(start, head.Length)
                Frames.unmask head.Mask payload
                let state = alive now state

                match head.Opcode with
                | Opcode.Pong -> ofFrames rules now (framed state) bytes next
                | Opcode.Close -> ofClose state (Span.op_Implicit payload) next
                | Opcode.Ping when state.Phase = Phase.Open ->
                    write (framed state) next (Frames.whole Opcode.Pong (Span.op_Implicit payload))
                | Opcode.Text
                | Opcode.Binary when head.Fin && state.Phase = Phase.Open ->
                    ofWhole state (head.Opcode = Opcode.Text) bytes start head.Length
                | Opcode.Continuation
                | Opcode.Text
                | Opcode.Binary when state.Phase = Phase.Open ->
                    let assembly = Assembly.add state.Assembly head (Span.op_Implicit payload)
                    let state = begun now { state with Assembly = assembly }

                    if head.Fin then
                        ofFragments state next
                    else
                        ofFrames rules now state bytes next
                | Opcode.Ping
                | Opcode.Continuation
                | Opcode.Text
                | Opcode.Binary ->
                    // Ours is closed: what still comes is not for anyone (RFC 6455 §5.5.1).
                    ofFrames rules now state bytes next

    let private ofHandshake rules (now: Instant) (state: StreamState) (bytes: Span<byte>) =
        let outcome =
            Handshake.resume rules.Handshake state.Scanned (Span.op_Implicit bytes)

        match outcome with
        | HandshakeOutcome.Incomplete -> needMore (begun now (scanned state bytes.Length)) 0
        | HandshakeOutcome.Refuse(_, response, reason) -> closeAfter bytes.Length response reason
        | HandshakeOutcome.Accept(response, headLength) ->
            let opened =
                { starting Phase.Open (now.After Patience.firstMessage) with
                    Ping = now.After Patience.ping
                }

            { step opened headLength StreamEvent.Upgraded with
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
            closeAfter bytes.Length (Array.Empty()) "SIP where only WebSocket is served"

    let private asHttp rules (now: Instant) (state: StreamState) (bytes: Span<byte>) =
        match rules.Serving with
        | Serving.Sip -> closeAfter bytes.Length portIsForSip "HTTP where only SIP is served"
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
        | Serving.Either -> write state doubleCrlf.Length crlf
        | Serving.WebSocket ->
            closeAfter length (Array.Empty()) "SIP where only WebSocket is served"

    /// HTTP asks for a path, SIP for a URI or answers: the byte after the first space tells.
    let private ofFirst rules now (state: StreamState) (bytes: Span<byte>) =
        let all: ReadOnlySpan<byte> = Span.op_Implicit bytes
        let size = Slice.skipToken all 0 (min methodSize all.Length)

        if all.IsEmpty then
            needMore state 0
        elif all.StartsWith(ReadOnlySpan announcement) then
            closeAfter all.Length (Array.Empty()) "a PROXY header from no balancer"
        elif all.StartsWith(ReadOnlySpan doubleCrlf) then
            ofKeepAlive rules state all.Length
        elif size = 0 && all[0] <> '\r'B then
            closeAfter all.Length (Array.Empty()) "the first bytes are neither SIP nor HTTP"
        elif size = methodSize || (size < all.Length && all[size] <> ' 'B) then
            asSip rules now state bytes
        elif size + 1 >= all.Length then
            needMore (begun now state) 0
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
        | Phase.Closing -> ofFrames rules now state bytes 0
        | Phase.Opening -> ofFirst rules now state bytes
        | Phase.Handshaking -> ofHandshake rules now state bytes
        // Whoever reads below takes these bytes before the stream begins.
        | Phase.Announcing
        | Phase.Securing -> needMore state 0
        | Phase.Closed -> needMore state bytes.Length

    let private has (now: Instant) (instant: Instant) =
        instant.Milliseconds <> Int64.MaxValue
        && instant.Milliseconds <= now.Milliseconds

    /// Begins to close; the code is one of RFC 6455 §7.4 and means nothing outside a WebSocket.
    let close (now: Instant) (code: int) (reason: string) (state: StreamState) : StreamStep =
        match state.Phase with
        | Phase.Open ->
            let closing = starting Phase.Closing (now.After Patience.close)
            write closing 0 (Frames.close code reason)
        | Phase.Closing -> needMore state 0
        | Phase.Announcing
        | Phase.Securing
        | Phase.Opening
        | Phase.Sip
        | Phase.Handshaking
        | Phase.Closed -> closeAfter 0 (Array.Empty()) reason

    let private overdue (state: StreamState) =
        match state.Phase with
        | Phase.Announcing -> closeAfter 0 (Array.Empty()) "no PROXY header in time"
        | Phase.Securing -> closeAfter 0 (Array.Empty()) "no TLS handshake in time"
        | Phase.Open -> fail 0 1008 "no SIP message in time"
        | Phase.Closing -> closeAfter 0 (Array.Empty()) "no Close in time"
        | Phase.Handshaking -> closeAfter 0 (Array.Empty()) "no WebSocket handshake in time"
        | Phase.Opening
        | Phase.Sip
        | Phase.Closed -> closeAfter 0 (Array.Empty()) "no SIP message in time"

    /// A WebSocket that was asked for and is refused for a reason that only the shell can know.
    let refuse (consumed: int) (status: int) (reason: string) : StreamStep =
        match Handshake.refuse status reason with
        | HandshakeOutcome.Refuse(_, response, _) -> closeAfter consumed response reason
        | HandshakeOutcome.Accept _
        | HandshakeOutcome.Incomplete -> closeAfter consumed (Array.Empty()) reason

    /// What time alone brings about; to be called at `Wake`.
    let tick (now: Instant) (state: StreamState) : StreamStep =
        if has now state.Deadline || has now state.Whole then
            overdue state
        elif has now state.Pong then
            closeAfter 0 (Array.Empty()) "no Pong in time"
        elif has now state.Ping then
            let pinged =
                { state with
                    Ping = Instant.Never
                    Pong = now.After Patience.pong
                }

            write pinged 0 emptyPing
        else
            needMore state 0

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
