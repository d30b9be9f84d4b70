// Slice: a stretch of a message's bytes, found but not yet decoded.
// HOT: everything here is on the way of every message and allocates nothing.

namespace Sip.Wire

open System
open System.Buffers
open Sip

/// A stretch of bytes; `Slice.None` is what is not there, as opposed to what is empty.
[<Struct>]
type Slice =
    {
        Start: int
        Length: int
    }

    /// The position after the last byte.
    member this.End = this.Start + this.Length

    /// Whether the thing is there at all.
    member this.IsThere = this.Start >= 0

/// Making slices and reading their simplest contents.
[<RequireQualifiedAccess>]
module Slice =

    /// What is not there.
    let none: Slice = { Start = -1; Length = 0 }

    /// From the first position up to, not including, the second.
    let between (start: int) (end': int) : Slice =
        { Start = start; Length = end' - start }

    /// The bytes that a slice stands for.
    let bytes (all: ReadOnlySpan<byte>) (slice: Slice) : ReadOnlySpan<byte> =
        if slice.IsThere then
            all.Slice(slice.Start, slice.Length)
        else
            ReadOnlySpan.Empty

    /// The slice as text.
    let text (all: ReadOnlySpan<byte>) (slice: Slice) : string = Text.ofBytes (bytes all slice)

    /// The first position from `at` on, before `end'`, that holds no white space.
    let skipSpace (all: ReadOnlySpan<byte>) (at: int) (end': int) : int =
        let mutable i = at

        while i < end' && Text.isSpace all[i] do
            i <- i + 1

        i

    /// The slice without white space at either end.
    let trim (all: ReadOnlySpan<byte>) (slice: Slice) : Slice =
        let start = skipSpace all slice.Start slice.End
        let mutable end' = slice.End

        while end' > start && Text.isSpace all[end' - 1] do
            end' <- end' - 1

        between start end'

    /// The first position from `at` on, before `end'`, whose byte is not part of a token.
    let skipToken (all: ReadOnlySpan<byte>) (at: int) (end': int) : int =
        // Most tokens are shorter than what it takes to set a vectorised search up.
        let near = min end' (at + 8)
        let mutable i = at

        while i < near && Text.isToken all[i] do
            i <- i + 1

        if i < near || i >= end' then
            i
        else
            let stop = all.Slice(i, end' - i).IndexOfAnyExcept Text.token
            if stop < 0 then end' else i + stop

    // qdtext = LWS / %x21 / %x23-5B / %x5D-7E / UTF8-NONASCII, and any other byte above 7F
    let private notQdtext =
        let octets =
            [|
                for octet in 0..32 do
                    if not (Text.isSpace (byte octet)) then
                        byte octet
                '"'B
                '\\'B
                127uy
            |]

        SearchValues.Create(ReadOnlySpan octets)

    // quoted-pair = "\" (%x00-09 / %x0B-0C / %x0E-7F)
    let private isEscapable (octet: byte) =
        octet < 128uy && octet <> '\r'B && octet <> '\n'B

    /// The position after the closing quote of the quoted string at `at`, or -1 if it never closes.
    let skipQuoted (all: ReadOnlySpan<byte>) (at: int) (end': int) : int =
        let mutable i = at + 1
        let mutable found = -1

        while found < 0 && i < end' do
            let stop = all.Slice(i, end' - i).IndexOfAny notQdtext

            if stop < 0 then
                i <- end'
            elif all[i + stop] = '"'B then
                found <- i + stop + 1
            elif all[i + stop] = '\\'B && i + stop + 1 < end' && isEscapable all[i + stop + 1] then
                i <- i + stop + 2
            else
                i <- end'

        found

    /// A decimal number of up to ten digits, or -1.
    let number (all: ReadOnlySpan<byte>) (slice: Slice) : int64 =
        let mutable value = if slice.Length >= 1 && slice.Length <= 10 then 0L else -1L
        let mutable i = slice.Start

        while value >= 0L && i < slice.End do
            let digit = int64 all[i] - 48L

            value <-
                if digit >= 0L && digit <= 9L then
                    value * 10L + digit
                else
                    -1L

            i <- i + 1

        value

    /// A port number from 1 to 65535, or -1.
    let port (all: ReadOnlySpan<byte>) (slice: Slice) : int =
        let value = number all slice
        if value >= 1L && value <= 65535L then int value else -1
