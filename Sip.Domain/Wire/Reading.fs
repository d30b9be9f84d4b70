// Reading: bytes to a Message, or to the Fault that says why they are none (RFC 3261 §7, §16.3 step 1).
// Strict where an answer depends on it, blind where it does not: whatever reading lets through,
// nobody checks again. HOT.

namespace Sip.Wire

open System
open Sip

/// What arrived.
[<RequireQualifiedAccess; Struct>]
type Arrival =
    | Message of Message: Message
    /// Bytes that are no message; the head's view is there if an answer can be addressed by it.
    | Broken of Fault: Fault * Head: Message voption

/// Reading whole messages.
[<RequireQualifiedAccess>]
module Reading =

    /// The position of the LF that ends the line at `at`, or -1; a bare CR or LF ends nothing.
    let private endOfLine (all: ReadOnlySpan<byte>) (at: int) =
        let stop = all.Slice(at).IndexOfAny('\r'B, '\n'B)
        let lf = at + stop + 1

        if stop < 0 || lf >= all.Length || all[lf - 1] <> '\r'B || all[lf] <> '\n'B then
            -1
        else
            lf

    /// The position of the LF that ends the field at `at`, the lines it is folded over included.
    let private endOfField (all: ReadOnlySpan<byte>) (at: int) =
        let mutable lf = endOfLine all at

        while lf >= 0 && lf + 1 < all.Length && (all[lf + 1] = ' 'B || all[lf + 1] = '\t'B) do
            lf <- endOfLine all (lf + 1)

        lf

    // message-header = field-name HCOLON field-value ; HCOLON = *( SP / HTAB ) ":" SWS
    /// Adds the field on these lines; false says that no colon follows a token.
    let private readField (message: Message) (all: ReadOnlySpan<byte>) (line: Slice) : bool =
        let nameEnd = Slice.skipToken all line.Start line.End
        let mutable colon = nameEnd

        while colon < line.End && (all[colon] = ' 'B || all[colon] = '\t'B) do
            colon <- colon + 1

        if nameEnd = line.Start || colon >= line.End || all[colon] <> ':'B then
            false
        else
            message.Add(
                HeaderName.ofBytes (all.Slice(line.Start, nameEnd - line.Start)),
                line,
                Slice.trim all (Slice.between (colon + 1) line.End)
            )

            true

    let private fault wrong place : Fault voption =
        ValueSome { Wrong = wrong; Place = place }

    // Of several, which is a fault anyway, the last.
    let private declared (message: Message) (all: ReadOnlySpan<byte>) : int64 =
        match message.Last[HeaderName.place HeaderName.ContentLength] with
        | 0 -> -1L
        | last -> Slice.number all message.Table[last - 1].Value

    /// The head is whole: the body is judged.
    let private finish (message: Message) (headEnd: int) : Arrival =
        let all = message.Received
        let present = all.Length - headEnd
        let length = declared message all
        // RFC 3261 §18.3: what follows the declared body of a datagram is discarded. The same is
        // done to a WebSocket message, of which RFC 7118 says nothing.
        let body =
            if length >= 0L && length < int64 present then
                int length
            else
                present

        message.BodyAt <- { Start = headEnd; Length = body }

        match Judging.firstFault message all headEnd with
        | ValueSome fault -> Arrival.Broken(fault, ValueSome message)
        | ValueNone when length > int64 present ->
            Arrival.Broken(
                {
                    Wrong = Wrong.BodyTooShort
                    Place = all.Length
                },
                ValueSome message
            )
        | ValueNone -> Arrival.Message message

    let private skipEmptyLines (all: ReadOnlySpan<byte>) =
        let mutable at = 0

        while at + 1 < all.Length && all[at] = '\r'B && all[at + 1] = '\n'B do
            at <- at + 2

        at

    /// The header lines after the start line, one by one, up to the empty line.
    let private readFields (limits: Limits) (message: Message) (from: int) : Arrival =
        let all = message.Received
        let mutable at = from
        let mutable wrong = ValueNone
        let mutable ended = false

        while not ended && wrong.IsNone do
            if at + 1 < all.Length && all[at] = '\r'B && all[at + 1] = '\n'B then
                ended <- true
            else
                let lf = if at < all.Length then endOfField all at else -1

                if at >= all.Length then
                    wrong <- fault Wrong.NoEndOfHead at
                elif lf < 0 then
                    wrong <- fault Wrong.FieldLine at
                elif lf + 1 - at > int limits.FieldSize then
                    wrong <- fault Wrong.FieldTooLong at
                elif message.Count >= limits.FieldCount then
                    wrong <- fault Wrong.TooManyFields at
                elif readField message all (Slice.between at (lf + 1)) then
                    at <- lf + 1
                else
                    wrong <- fault Wrong.FieldLine at

        match wrong with
        | ValueNone -> finish message (at + 2)
        | ValueSome fault ->
            // What was read before the flaw may still be enough to answer by.
            message.BodyAt <- { Start = at; Length = 0 }

            if (Judging.countFault message at).IsNone then
                Arrival.Broken(fault, ValueSome message)
            else
                Arrival.Broken(fault, ValueNone)

    let private broken wrong place =
        Arrival.Broken({ Wrong = wrong; Place = place }, ValueNone)

    // What a bad start line stands over is answered unless it is a response or an ACK, which nobody
    // answers, or names no way back.
    let private answerable (line: Slice) (head: Message) : Message voption =
        let cseq = head.Text(Message.value HeaderName.CSeq head)
        let isAck = cseq.EndsWith("ACK", StringComparison.Ordinal)
        let hasVia = (Message.value HeaderName.Via head).IsThere

        if StartLines.isOfResponse head.Bytes line || isAck || not hasVia then
            ValueNone
        else
            ValueSome head

    /// A whole message from its bytes, which are copied into a message that nobody needs any more.
    let into (message: Message) (limits: Limits) (received: ReadOnlySpan<byte>) : Arrival =
        if received.Length > int limits.MessageSize then
            broken Wrong.TooLarge (int limits.MessageSize)
        else
            // RFC 3261 §7.5: empty lines before the start line are no part of the message.
            message.Refill(received.Slice(skipEmptyLines received))
            let all = message.Received
            let lf = endOfLine all 0

            if lf < 0 then
                broken Wrong.StartLine 0
            else
                let line = Slice.between 0 (lf - 1)

                match StartLines.read message all line with
                | ValueNone -> readFields limits message (lf + 1)
                // The head below a bad start line is walked too, so that it can be answered.
                | ValueSome wrong ->
                    match readFields limits message (lf + 1) with
                    | Arrival.Message head
                    | Arrival.Broken(_, ValueSome head) ->
                        Arrival.Broken({ Wrong = wrong; Place = 0 }, answerable line head)
                    | Arrival.Broken(_, ValueNone) -> broken wrong 0

    /// A whole message from its bytes, as a message of its own.
    let message (limits: Limits) (received: ReadOnlySpan<byte>) : Arrival =
        into (Message.blank ()) limits received
