// Framing: where one SIP message ends in a stream of bytes (RFC 3261 §7.5, §18.3) and which CRLFs
// between messages are a keep-alive (RFC 5626 §4.4.1).
// HOT: on the way of every message of every stream; nothing is allocated.

namespace Sip.Wire

open System
open Sip

/// What stands at the start of the bytes.
[<RequireQualifiedAccess>]
type FramingItem =
    /// Not enough bytes to tell.
    | More
    /// A lone CRLF, to be skipped.
    | Skip
    /// A double CRLF, to be answered by one CRLF.
    | Ping
    /// A whole message.
    | Whole
    /// A head that does not say where its message ends: answer 400 and close.
    | Broken
    /// A message over the limit: answer 513 and close.
    | TooLarge

/// What stands at the start of the bytes, and how many bytes it has.
[<Struct>]
type Framed =
    {
        Item: FramingItem
        /// Bytes of the item; of a broken or too large message, those of its head.
        Length: int
        /// What to hand in next time: the position searched so far or, once the head is known,
        /// the length of the whole message, negated.
        Scanned: int
        Reason: string
    }

/// Finding messages in a stream.
[<RequireQualifiedAccess>]
module Framing =

    let private endOfHead = "\r\n\r\n"B
    let private endOfLine = "\r\n"B
    let private contentLength = "content-length"B
    let private compact = "l"B
    let private absent = -1L
    let private malformed = -2L
    let private unequal = -3L
    let private ceiling = 1L <<< 40

    let private found item length scanned reason : Framed =
        {
            Item = item
            Length = length
            Scanned = scanned
            Reason = reason
        }

    /// A number of any length, however absurd, or `malformed`.
    let private number (head: ReadOnlySpan<byte>) (value: Slice) =
        let mutable sum = if value.Length > 0 then 0L else malformed
        let mutable i = value.Start

        while sum >= 0L && i < value.End do
            let digit = int64 head[i] - 48L

            sum <-
                if digit < 0L || digit > 9L then
                    malformed
                else
                    Math.Min(ceiling, sum * 10L + digit)

            i <- i + 1

        sum

    let private isFolded (head: ReadOnlySpan<byte>) at =
        at < head.Length && (head[at] = ' 'B || head[at] = '\t'B)

    /// The position after the field that starts at `at`, folded lines included.
    let private endOfField (head: ReadOnlySpan<byte>) at =
        let mutable next = at
        let mutable folded = true

        while folded do
            let stop = head.Slice(next).IndexOf(ReadOnlySpan endOfLine)
            next <- if stop < 0 then head.Length else next + stop + 2
            folded <- stop >= 0 && isFolded head next

        next

    let private isContentLength (name: ReadOnlySpan<byte>) =
        (name.Length = 14 && Text.same name contentLength)
        || (name.Length = 1 && Text.same name compact)

    /// What all Content-Length fields of a head agree on.
    let private bodyLength (head: ReadOnlySpan<byte>) =
        let mutable length = absent
        let mutable at = endOfField head 0

        while at < head.Length do
            let next = endOfField head at
            let first = Text.lower head[at]

            if first = 'c'B || first = 'l'B then
                let nameEnd = Slice.skipToken head at next
                let colon = Slice.skipSpace head nameEnd next

                if
                    colon < next
                    && head[colon] = ':'B
                    && isContentLength (head.Slice(at, nameEnd - at))
                then
                    let value = number head (Slice.trim head (Slice.between (colon + 1) next))

                    length <-
                        if length = absent || length = value then value
                        elif length = malformed || value = malformed then malformed
                        else unequal

            at <- next

        length

    let private broken headLength reason =
        found FramingItem.Broken headLength 0 reason

    let private ofHead (limits: Limits) (bytes: ReadOnlySpan<byte>) headLength =
        let body = bodyLength (bytes.Slice(0, headLength))


        if body = absent then
            broken headLength "Bad Request: Missing Content-Length"
        elif body = malformed then
            broken headLength "Bad Request: Malformed Content-Length"
        elif body = unequal then
            broken headLength "Bad Request: Content-Length Fields Differ"
        elif body + int64 headLength > int64 limits.MessageSize then
            found FramingItem.TooLarge headLength 0 "Message Too Large"
        else
            let whole = headLength + int body

            if bytes.Length >= whole then
                found FramingItem.Whole whole 0 ""
            else
                found FramingItem.More 0 -whole ""

    let private ofMessage (limits: Limits) (bytes: ReadOnlySpan<byte>) scanned =
        let from = (if scanned > 3 then scanned - 3 else 0)
        let stop = bytes.Slice(from).IndexOf(ReadOnlySpan endOfHead)
        let headLength = from + stop + 4

        if stop >= 0 && headLength <= int limits.MessageSize then
            ofHead limits bytes headLength
        elif stop >= 0 || bytes.Length >= int limits.MessageSize then
            found FramingItem.TooLarge (int limits.MessageSize) 0 "Message Too Large"
        else
            found FramingItem.More 0 bytes.Length ""

    /// What stands at the start of the bytes; `scanned` is 0, or what the last More said.
    let next (limits: Limits) (bytes: ReadOnlySpan<byte>) (scanned: int) : Framed =
        if scanned < 0 && bytes.Length >= -scanned then
            found FramingItem.Whole -scanned 0 ""
        elif scanned < 0 || bytes.IsEmpty then
            found FramingItem.More 0 scanned ""
        elif bytes[0] <> '\r'B then
            ofMessage limits bytes scanned
        elif bytes.Length = 1 then
            found FramingItem.More 0 0 ""
        elif bytes[1] <> '\n'B then
            ofMessage limits bytes scanned
        elif bytes.Length = 2 || (bytes.Length = 3 && bytes[2] = '\r'B) then
            found FramingItem.More 0 0 ""
        elif bytes[2] = '\r'B && bytes[3] = '\n'B then
            found FramingItem.Ping 4 0 ""
        else
            found FramingItem.Skip 2 0 ""
