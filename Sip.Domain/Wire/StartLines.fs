// StartLines: the first line of a message (RFC 3261 §7.1, §7.2). HOT.

namespace Sip.Wire

open System
open Sip

/// Reading first lines.
[<RequireQualifiedAccess>]
module StartLines =

    let private sip = "SIP/"B
    let private version = "SIP/2.0"B

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

    /// Whether the line begins as a response's does.
    let internal isOfResponse (all: ReadOnlySpan<byte>) (line: Slice) =
        line.Length > 4 && Text.same (all.Slice(line.Start, 4)) sip

    /// What is wrong with the start line; where nothing is, the message has it.
    let internal read (message: Message) (all: ReadOnlySpan<byte>) (line: Slice) =
        if isOfResponse all line then
            readStatusLine message all line
        else
            readRequestLine message all line
