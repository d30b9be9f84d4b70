// Reading: bytes to a Message, or to the Fault that says why they are none (RFC 3261 §7, §16.3 step 1).
// Strict where an answer depends on it, blind where it does not: whatever reading lets through,
// nobody checks again. HOT.

namespace Sip.Wire

open System
open Sip

/// What arrived.
[<RequireQualifiedAccess>]
type Arrival =
    | Message of Message: Message
    /// Bytes that are no message; the head's view is there if an answer can be addressed by it.
    | Broken of Fault: Fault * Head: Message voption

/// Reading whole messages.
[<RequireQualifiedAccess>]
module Reading =

    let private sip = "SIP/"B
    let private version = "SIP/2.0"B

    let private required =
        [|
            HeaderName.Via
            HeaderName.From
            HeaderName.To
            HeaderName.CallId
            HeaderName.CSeq
        |]

    /// A start line, or what is wrong with it.
    [<Struct; RequireQualifiedAccess>]
    type private First =
        | Line of Line: StartLine
        | Bad of Wrong: Wrong

    let private isVersion (name: ReadOnlySpan<byte>) = Text.same name version

    // Status-Line = SIP-Version SP Status-Code SP Reason-Phrase CRLF
    let private readStatusLine (all: ReadOnlySpan<byte>) (line: Slice) : First =
        let text = Slice.bytes all line
        let space = text.IndexOf ' 'B

        if space < 0 then
            First.Bad Wrong.StartLine
        elif not (isVersion (text.Slice(0, space))) then
            First.Bad Wrong.Version
        else
            let code =
                Slice.between (line.Start + space + 1) (min line.End (line.Start + space + 4))

            let closed = code.End = line.End || all[code.End] = ' 'B

            match Status.TryOf(int (Slice.number all code)) with
            | ValueSome status when closed && code.Length = 3 ->
                First.Line(
                    StartLine.Response(status, Slice.between (min line.End (code.End + 1)) line.End)
                )
            | ValueSome _
            | ValueNone -> First.Bad Wrong.StartLine

    // Request-Line = Method SP Request-URI SP SIP-Version CRLF
    let private readRequestLine (all: ReadOnlySpan<byte>) (line: Slice) : First =
        let nameEnd = Slice.skipToken all line.Start line.End
        let last = (Slice.bytes all line).LastIndexOf ' 'B + line.Start

        if nameEnd = line.Start || nameEnd >= line.End || all[nameEnd] <> ' 'B then
            First.Bad Wrong.StartLine
        elif
            last <= nameEnd
            || last + 1 >= line.End
            || not (Text.same (all.Slice(last + 1, min 4 (line.End - last - 1))) sip)
        then
            First.Bad Wrong.StartLine
        elif not (isVersion (all.Slice(last + 1, line.End - last - 1))) then
            First.Bad Wrong.Version
        else
            let name = Slice.between line.Start nameEnd

            match UriView.read all (Slice.between (nameEnd + 1) last) with
            // RFC 3261 §19.1.1, table 1: a Request-URI carries no headers.
            | ValueSome uri when uri.Headers.Length = 0 ->
                First.Line(StartLine.Request(Method.ofBytes (Slice.bytes all name), name, uri))
            | ValueSome _
            | ValueNone -> First.Bad Wrong.RequestUri

    let private isOfResponse (all: ReadOnlySpan<byte>) (line: Slice) =
        line.Length > 4 && Text.same (all.Slice(line.Start, 4)) sip

    let private readStartLine (all: ReadOnlySpan<byte>) (line: Slice) : First =
        if isOfResponse all line then
            readStatusLine all line
        else
            readRequestLine all line

    /// The position of the LF that ends the line at `at`, or -1; a bare CR or LF ends nothing.
    let private endOfLine (all: ReadOnlySpan<byte>) (at: int) =
        let stop = all.Slice(at).IndexOf '\n'B
        let lf = at + stop

        if stop < 1 || all[lf - 1] <> '\r'B || all.Slice(at, stop - 1).IndexOf '\r'B >= 0 then
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
    /// The field on these lines; a Name slice of none says that no colon follows a token.
    let private readField (all: ReadOnlySpan<byte>) (line: Slice) : Field voption =
        let nameEnd = Slice.skipToken all line.Start line.End
        let mutable colon = nameEnd

        while colon < line.End && (all[colon] = ' 'B || all[colon] = '\t'B) do
            colon <- colon + 1

        if nameEnd = line.Start || colon >= line.End || all[colon] <> ':'B then
            ValueNone
        else
            ValueSome
                {
                    Name = HeaderName.ofBytes (all.Slice(line.Start, nameEnd - line.Start))
                    Line = line
                    Value = Slice.trim all (Slice.between (colon + 1) line.End)
                }

    let private occurrences (fields: ResizeArray<Field>) (name: HeaderName) =
        let mutable count = 0

        for field in fields do
            if field.Name = name then
                count <- count + 1

        count

    let private fault wrong place : Fault voption =
        ValueSome { Wrong = wrong; Place = place }

    /// The first field that must be there and is not, or that must be alone and is not.
    let private countFault (fields: ResizeArray<Field>) (headEnd: int) : Fault voption =
        let mutable found = ValueNone
        let mutable i = 0

        while found.IsNone && i < required.Length do
            if occurrences fields required[i] = 0 then
                found <- fault (Wrong.Missing required[i]) headEnd

            i <- i + 1

        let mutable j = 0

        while found.IsNone && j < fields.Count do
            let field = fields[j]

            if HeaderName.isSingle field.Name && occurrences fields field.Name > 1 then
                found <- fault (Wrong.Repeated field.Name) field.Line.Start

            j <- j + 1

        found

    // CSeq = "CSeq" HCOLON 1*DIGIT LWS Method ; the number is less than 2**31 (RFC 3261 §8.1.1.5)
    let private cseqFault (all: ReadOnlySpan<byte>) (start: StartLine) (cseq: Slice) =
        let digitsEnd = Slice.skipToken all cseq.Start cseq.End
        let number = Slice.number all (Slice.between cseq.Start digitsEnd)
        let nameStart = Slice.skipSpace all digitsEnd cseq.End
        let nameEnd = Slice.skipToken all nameStart cseq.End

        if
            number < 0L
            || number >= 2147483648L
            || nameStart = digitsEnd
            || nameEnd = nameStart
            || nameEnd <> cseq.End
        then
            fault (Wrong.Malformed HeaderName.CSeq) cseq.Start
        else
            match start with
            | StartLine.Request(_, name, _) when
                not (all.Slice(nameStart, nameEnd - nameStart).SequenceEqual(Slice.bytes all name))
                ->
                fault Wrong.OtherMethodInCSeq nameStart
            | StartLine.Request _
            | StartLine.Response _ -> ValueNone

    /// What is wrong with one field's value, for the fields that every message is judged by.
    let private valueFault (all: ReadOnlySpan<byte>) (start: StartLine) (field: Field) =
        let malformed = fault (Wrong.Malformed field.Name) field.Value.Start

        match field.Name with
        | HeaderName.From
        | HeaderName.To ->
            if (AddressView.read all field.Value).IsNone then
                malformed
            else
                ValueNone
        | HeaderName.Via ->
            let stop = Values.endOfFirst all field.Value.Start field.Value.End

            match ViaView.read all (Slice.between field.Value.Start stop) with
            | ValueSome _ -> ValueNone
            | ValueNone -> malformed
        | HeaderName.CallId -> if field.Value.Length = 0 then malformed else ValueNone
        | HeaderName.CSeq -> cseqFault all start field.Value
        | HeaderName.MaxForwards ->
            let hops = Slice.number all field.Value
            if hops < 0L || hops > 255L then malformed else ValueNone
        | HeaderName.ContentLength ->
            if Slice.number all field.Value < 0L then
                malformed
            else
                ValueNone
        | HeaderName.Route
        | HeaderName.RecordRoute
        | HeaderName.Contact
        | HeaderName.ContentType
        | HeaderName.Expires
        | HeaderName.Require
        | HeaderName.ProxyRequire
        | HeaderName.Supported
        | HeaderName.Path
        | HeaderName.Reason
        | HeaderName.Authorization
        | HeaderName.ProxyAuthorization
        | HeaderName.WwwAuthenticate
        | HeaderName.ProxyAuthenticate
        | HeaderName.Timestamp
        | HeaderName.Other -> ValueNone

    let private firstFault (all: ReadOnlySpan<byte>) start (fields: ResizeArray<Field>) headEnd =
        let mutable found = countFault fields headEnd
        let mutable i = 0

        while found.IsNone && i < fields.Count do
            found <- valueFault all start fields[i]
            i <- i + 1

        found

    let private declared (all: ReadOnlySpan<byte>) (fields: ResizeArray<Field>) : int64 =
        let mutable length = -1L

        for field in fields do
            if field.Name = HeaderName.ContentLength then
                length <- Slice.number all field.Value

        length

    /// The head is whole: the body is judged, and the message made.
    let private finish (bytes: byte[]) start (fields: ResizeArray<Field>) (headEnd: int) : Arrival =
        let all = ReadOnlySpan bytes
        let present = bytes.Length - headEnd
        let length = declared all fields
        // RFC 3261 §18.3: what follows the declared body of a datagram is discarded. The same is
        // done to a WebSocket message, of which RFC 7118 says nothing.
        let body =
            if length >= 0L && length < int64 present then
                int length
            else
                present

        let message =
            Message(bytes, start, fields.ToArray(), { Start = headEnd; Length = body })

        match firstFault all start fields headEnd with
        | ValueSome fault -> Arrival.Broken(fault, ValueSome message)
        | ValueNone when length > int64 present ->
            Arrival.Broken(
                {
                    Wrong = Wrong.BodyTooShort
                    Place = bytes.Length
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
    let private readFields (limits: Limits) (bytes: byte[]) start (from: int) : Arrival =
        let all = ReadOnlySpan bytes
        let fields = ResizeArray<Field> 24
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
                elif lf - at > int limits.FieldSize then
                    wrong <- fault Wrong.FieldTooLong at
                elif fields.Count >= limits.FieldCount then
                    wrong <- fault Wrong.TooManyFields at
                else
                    match readField all (Slice.between at (lf + 1)) with
                    | ValueSome field ->
                        fields.Add field
                        at <- lf + 1
                    | ValueNone -> wrong <- fault Wrong.FieldLine at

        match wrong with
        | ValueNone -> finish bytes start fields (at + 2)
        | ValueSome fault ->
            // What was read before the flaw may still be enough to answer by.
            let head = Message(bytes, start, fields.ToArray(), { Start = at; Length = 0 })

            if (countFault fields at).IsNone then
                Arrival.Broken(fault, ValueSome head)
            else
                Arrival.Broken(fault, ValueNone)

    // What a bad start line stands over is answered unless it is a response or an ACK, which nobody
    // answers, or names no way back.
    let private answerable (line: Slice) (head: Message) : Message voption =
        let cseq = head.Text(Message.value HeaderName.CSeq head)
        let isAck = cseq.EndsWith("ACK", StringComparison.Ordinal)
        let hasVia = (Message.value HeaderName.Via head).IsThere

        if isOfResponse head.Bytes line || isAck || not hasVia then
            ValueNone
        else
            ValueSome head

    /// A whole message from its bytes, which are copied once; the message keeps the copy.
    let message (limits: Limits) (received: ReadOnlySpan<byte>) : Arrival =
        let broken wrong place =
            Arrival.Broken({ Wrong = wrong; Place = place }, ValueNone)

        if received.Length > int limits.MessageSize then
            broken Wrong.TooLarge (int limits.MessageSize)
        else
            // RFC 3261 §7.5: empty lines before the start line are no part of the message.
            let bytes = received.Slice(skipEmptyLines received).ToArray()
            let all = ReadOnlySpan bytes
            let lf = endOfLine all 0

            if lf < 0 then
                broken Wrong.StartLine 0
            else
                let line = Slice.between 0 (lf - 1)

                match readStartLine all line with
                | First.Line start -> readFields limits bytes start (lf + 1)
                | First.Bad wrong ->
                    // The head below a bad start line is walked too, so that it can be answered.
                    let nobody = StartLine.Request(Method.Other, Slice.between 0 0, UriView.none)

                    match readFields limits bytes nobody (lf + 1) with
                    | Arrival.Message head
                    | Arrival.Broken(_, ValueSome head) ->
                        Arrival.Broken({ Wrong = wrong; Place = 0 }, answerable line head)
                    | Arrival.Broken(_, ValueNone) -> broken wrong 0
