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

    let private bit (name: HeaderName) = 1u <<< HeaderName.place name

    // The rules of counting as sets of bits, for the messages that keep them.
    let private requiredBits =
        Array.fold (fun bits name -> bits ||| bit name) 0u required

    let private singleBits =
        HeaderName.spellings
        |> List.filter (fun (name, _) -> HeaderName.isSingle name)
        |> List.fold (fun bits (name, _) -> bits ||| bit name) 0u

    let private isVersion (name: ReadOnlySpan<byte>) = Text.same name version

    // Status-Line = SIP-Version SP Status-Code SP Reason-Phrase CRLF
    let private readStatusLine (message: Message) (all: ReadOnlySpan<byte>) (line: Slice) =
        let text = Slice.bytes all line
        let space = text.IndexOf ' 'B

        if space < 0 then
            ValueSome Wrong.StartLine
        elif not (isVersion (text.Slice(0, space))) then
            ValueSome Wrong.Version
        else
            let code =
                Slice.between (line.Start + space + 1) (min line.End (line.Start + space + 4))

            let closed = code.End = line.End || all[code.End] = ' 'B

            match Status.TryOf(int (Slice.number all code)) with
            | ValueSome status when closed && code.Length = 3 ->
                message.StartLine <-
                    StartLine.Response(status, Slice.between (min line.End (code.End + 1)) line.End)

                ValueNone
            | ValueSome _
            | ValueNone -> ValueSome Wrong.StartLine

    // Request-Line = Method SP Request-URI SP SIP-Version CRLF
    let private readRequestLine (message: Message) (all: ReadOnlySpan<byte>) (line: Slice) =
        let nameEnd = Slice.skipToken all line.Start line.End
        let last = (Slice.bytes all line).LastIndexOf ' 'B + line.Start

        if nameEnd = line.Start || nameEnd >= line.End || all[nameEnd] <> ' 'B then
            ValueSome Wrong.StartLine
        elif
            last <= nameEnd
            || last + 1 >= line.End
            || not (Text.same (all.Slice(last + 1, min 4 (line.End - last - 1))) sip)
        then
            ValueSome Wrong.StartLine
        elif not (isVersion (all.Slice(last + 1, line.End - last - 1))) then
            ValueSome Wrong.Version
        else
            let name = Slice.between line.Start nameEnd

            match UriView.read all (Slice.between (nameEnd + 1) last) with
            // RFC 3261 §19.1.1, table 1: a Request-URI carries no headers.
            | ValueSome uri when uri.Headers.Length = 0 ->
                message.StartLine <-
                    StartLine.Request(Method.ofBytes (Slice.bytes all name), name, uri)

                ValueNone
            | ValueSome _
            | ValueNone -> ValueSome Wrong.RequestUri

    /// What is wrong with the start line; where nothing is, the message has it.
    let private readStartLine (message: Message) (all: ReadOnlySpan<byte>) (line: Slice) =
        if line.Length > 4 && Text.same (all.Slice(line.Start, 4)) sip then
            readStatusLine message all line
        else
            readRequestLine message all line

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

    let private countsAreRight (message: Message) =
        let mutable seen = 0u
        let mutable twice = 0u

        for place in 0 .. HeaderName.count - 1 do
            let bit = 1u <<< place

            if message.First[place] > 0 then
                seen <- seen ||| bit

            if message.First[place] <> message.Last[place] then
                twice <- twice ||| bit

        seen &&& requiredBits = requiredBits && twice &&& singleBits = 0u

    /// The first field that must be there and is not, or that must be alone and is not.
    let private countFault (message: Message) (headEnd: int) : Fault voption =
        if countsAreRight message then
            ValueNone
        else
            let mutable found = ValueNone
            let mutable i = 0

            while found.IsNone && i < required.Length do
                if not (Message.value required[i] message).IsThere then
                    found <- fault (Wrong.Missing required[i]) headEnd

                i <- i + 1

            let mutable j = 0

            while found.IsNone && j < message.Count do
                let field = message.Table[j]

                if HeaderName.isSingle field.Name && field.Next >= 0 then
                    found <- fault (Wrong.Repeated field.Name) field.Line.Start

                j <- j + 1

            found

    // CSeq = "CSeq" HCOLON 1*DIGIT LWS Method ; the number is less than 2**31 (RFC 3261 §8.1.1.5)
    let private cseqFault (message: Message) (all: ReadOnlySpan<byte>) (cseq: Slice) =
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
            match message.StartLine with
            | StartLine.Request(_, name, _) when
                not (all.Slice(nameStart, nameEnd - nameStart).SequenceEqual(Slice.bytes all name))
                ->
                fault Wrong.OtherMethodInCSeq nameStart
            | StartLine.Request _
            | StartLine.Response _ -> ValueNone

    let private malformed (field: Field) =
        fault (Wrong.Malformed field.Name) field.Value.Start

    // What is read here is remembered, for it will be asked for.
    let private addressFault (message: Message) (all: ReadOnlySpan<byte>) (field: Field) =
        match AddressView.read all field.Value with
        | ValueNone -> malformed field
        | ValueSome address when field.Name = HeaderName.To ->
            message.ToTag <- AddressView.tagOf all address
            message.HasToTag <- true
            ValueNone
        | ValueSome address ->
            message.FromTag <- AddressView.tagOf all address
            message.HasFromTag <- true
            ValueNone

    let private viaFault (message: Message) (all: ReadOnlySpan<byte>) (field: Field) =
        let stop = Values.endOfFirst all field.Value.Start field.Value.End

        match ViaView.read all (Slice.between field.Value.Start stop) with
        | ValueNone -> malformed field
        | ValueSome _ when message.HasVia -> ValueNone
        | ValueSome _ as view ->
            message.Via <- view
            message.HasVia <- true
            ValueNone

    /// What is wrong with one field's value, for the fields that every message is judged by.
    let private valueFault (message: Message) (all: ReadOnlySpan<byte>) (field: Field) =
        match field.Name with
        | HeaderName.From
        | HeaderName.To -> addressFault message all field
        | HeaderName.Via -> viaFault message all field
        | HeaderName.CallId ->
            if field.Value.Length = 0 then
                malformed field
            else
                ValueNone
        | HeaderName.CSeq -> cseqFault message all field.Value
        | HeaderName.MaxForwards ->
            let hops = Slice.number all field.Value

            if hops < 0L || hops > 255L then
                malformed field
            else
                ValueNone
        | HeaderName.ContentLength ->
            if Slice.number all field.Value < 0L then
                malformed field
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

    let private firstFault (message: Message) (all: ReadOnlySpan<byte>) headEnd =
        let mutable found = countFault message headEnd
        let mutable i = 0

        while found.IsNone && i < message.Count do
            found <- valueFault message all message.Table[i]
            i <- i + 1

        found

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

        match firstFault message all headEnd with
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
                elif lf - at > int limits.FieldSize then
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

            if (countFault message at).IsNone then
                Arrival.Broken(fault, ValueSome message)
            else
                Arrival.Broken(fault, ValueNone)

    let private broken wrong place =
        Arrival.Broken({ Wrong = wrong; Place = place }, ValueNone)

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
                match readStartLine message all (Slice.between 0 (lf - 1)) with
                | ValueNone -> readFields limits message (lf + 1)
                // The head below a bad start line is walked too, so that it can be answered.
                | ValueSome wrong ->
                    match readFields limits message (lf + 1) with
                    | Arrival.Message head
                    | Arrival.Broken(_, ValueSome head) ->
                        Arrival.Broken({ Wrong = wrong; Place = 0 }, ValueSome head)
                    | Arrival.Broken(_, ValueNone) -> broken wrong 0

    /// A whole message from its bytes, as a message of its own.
    let message (limits: Limits) (received: ReadOnlySpan<byte>) : Arrival =
        into (Message.blank ()) limits received
