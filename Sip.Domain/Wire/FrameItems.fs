// FrameItems: the items of a stream that has become a WebSocket: what each frame leads to (RFC 6455 §5.4, §5.5; RFC 7118 §5).
// HOT: a message that arrives whole costs no allocation.

namespace Sip.Wire

open System
open System.Text.Unicode
open Sip

/// Taking frames.
[<RequireQualifiedAccess>]
module internal FrameItems =

    let private crlf = "\r\n"B
    let private doubleCrlf = "\r\n\r\n"B
    let private crlfMessage = Frames.whole Opcode.Text (ReadOnlySpan crlf)

    let private isKeepAlive (payload: ReadOnlySpan<byte>) =
        payload.SequenceEqual(ReadOnlySpan crlf)
        || payload.SequenceEqual(ReadOnlySpan doubleCrlf)

    let private notUtf8 = "a text message that is not UTF-8"

    /// A message that came in one frame, unmasked where it stands.
    let private ofWhole (state: StreamState) isText (bytes: Span<byte>) at length =
        let payload = Span<byte>.op_Implicit(bytes.Slice(at, length)): ReadOnlySpan<byte>
        let next = at + length

        if isText && not (Utf8.IsValid payload) then
            Steps.fail next 1007 notUtf8
        elif isKeepAlive payload then
            Steps.write state next crlfMessage
        else
            Steps.message (Deadlines.delivered state) next at length

    /// A message that came in fragments.
    let private ofFragments (state: StreamState) next =
        let joined = Assembly.join state.Assembly
        let isText = state.Assembly.IsText
        let state = { state with Assembly = Assembly.none }

        if isText && not (Utf8.IsValid(ReadOnlySpan joined)) then
            Steps.fail next 1007 notUtf8
        elif isKeepAlive (ReadOnlySpan joined) then
            Steps.write state next crlfMessage
        else
            { Steps.step (Deadlines.delivered state) next StreamEvent.Assembled with
                Bytes = joined
                Length = joined.Length
            }

    /// The peer's Close, answered in kind unless it answers ours.
    let private ofClose (state: StreamState) (payload: ReadOnlySpan<byte>) next =
        let fault = Frames.closeFault payload

        if state.Phase = Phase.Closing then
            Steps.closeAfter next (Array.Empty()) "closed by both sides"
        elif fault <> 0 then
            Steps.fail next fault "a malformed Close"
        elif payload.IsEmpty then
            Steps.closeAfter next (Frames.whole Opcode.Close payload) "closed by the peer"
        else
            let code = Frames.whole Opcode.Close (payload.Slice(0, 2))
            Steps.closeAfter next code "closed by the peer"

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
            Steps.closeAfter consumed (Array.Empty()) reason
        else
            Steps.fail consumed code reason

    /// The first item of the frames from there on.
    let rec take rules (now: Instant) (state: StreamState) (bytes: Span<byte>) at =
        let rest = bytes.Slice at
        let head = Frames.read (Span.op_Implicit rest)

        match head.Reading with
        | FrameReading.Partial when rest.IsEmpty && not (Assembly.isOpen state.Assembly) ->
            Steps.needMore (Deadlines.settled state) at
        | FrameReading.Partial -> Steps.needMore (Deadlines.begun now state) at
        | FrameReading.Broken -> refusal state bytes.Length head.Code head.Reason
        | FrameReading.Header ->
            let admission = admission rules state head

            if admission.Code <> 0 then
                refusal state bytes.Length admission.Code admission.Reason
            elif rest.Length - head.HeadLength < head.Length then
                Steps.needMore (Deadlines.begun now state) at
            else
                let start = at + head.HeadLength
                let next = start + head.Length
                let payload = bytes.Slice(start, head.Length)
                Frames.unmask head.Mask payload
                let state = Deadlines.alive now state

                match head.Opcode with
                | Opcode.Pong -> take rules now (Deadlines.framed state) bytes next
                | Opcode.Close -> ofClose state (Span.op_Implicit payload) next
                | Opcode.Ping when state.Phase = Phase.Open ->
                    Steps.write
                        (Deadlines.framed state)
                        next
                        (Frames.whole Opcode.Pong (Span.op_Implicit payload))
                | Opcode.Text
                | Opcode.Binary when head.Fin && state.Phase = Phase.Open ->
                    ofWhole state (head.Opcode = Opcode.Text) bytes start head.Length
                | Opcode.Continuation
                | Opcode.Text
                | Opcode.Binary when state.Phase = Phase.Open ->
                    let assembly = Assembly.add state.Assembly head (Span.op_Implicit payload)
                    let state = Deadlines.begun now { state with Assembly = assembly }

                    if head.Fin then
                        ofFragments state next
                    else
                        take rules now state bytes next
                | Opcode.Ping
                | Opcode.Continuation
                | Opcode.Text
                | Opcode.Binary ->
                    // Ours is closed: what still comes is not for anyone (RFC 6455 §5.5.1).
                    take rules now state bytes next
