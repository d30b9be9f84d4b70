// AuthScan: the ordinary spelling of a Digest's parameters, read without a grammar (RFC 3261 §25.1).
// HOT: every request that proves a user has some eight of them. What is not spelled that way (an
// escape, white space of any other kind, anything wrong) is the grammar's to read or to explain.

namespace Sip.Identity

open System
open FSharp.Core.CompilerServices
open Sip

/// Names in lower case and values without quotes, in the order in which they stood.
type internal AuthFields = (struct (string * string)) list

/// Reading ordinary parameters.
[<RequireQualifiedAccess>]
module internal AuthScan =

    let private scheme = "Digest "

    // So that a name that everybody writes is no string of its own each time.
    let private known =
        [|
            "username"
            "realm"
            "nonce"
            "uri"
            "response"
            "algorithm"
            "cnonce"
            "opaque"
            "qop"
            "nc"
            "stale"
        |]

    let private nameOf (name: ReadOnlySpan<char>) : string =
        let mutable found = ""
        let mutable i = 0

        while found = "" && i < known.Length do
            if name.Equals(known[i].AsSpan(), StringComparison.Ordinal) then
                found <- known[i]

            i <- i + 1

        if found = "" then
            name.ToString().ToLowerInvariant()
        else
            found

    let private isToken (c: char) = c < '\u0080' && Text.isToken (byte c)

    let private skipToken (text: string) (at: int) : int =
        let mutable i = at

        while i < text.Length && isToken text[i] do
            i <- i + 1

        i

    let private skipSpace (text: string) (at: int) : int =
        let mutable i = at

        while i < text.Length && text[i] = ' ' do
            i <- i + 1

        i

    // qdtext without the ends of lines.
    let private isPlain (c: char) =
        c >= ' ' && c <> '"' && c <> '\\' && c <> '\u007F'

    let private skipPlain (text: string) (at: int) : int =
        let mutable i = at

        while i < text.Length && isPlain text[i] do
            i <- i + 1

        i

    /// The text of the value at `at`, and where it ends; -1 if it is not an ordinary one.
    let private valueAt (text: string) (at: int) (value: byref<string>) : int =
        if at < text.Length && text[at] = '"' then
            let close = skipPlain text (at + 1)

            if close < text.Length && text[close] = '"' then
                value <- text.Substring(at + 1, close - at - 1)
                close + 1
            else
                -1
        else
            let stop = skipToken text at

            if stop = at then
                -1
            else
                value <- text.Substring(at, stop - at)
                stop

    /// The fields of an ordinary Digest, none if the value is not spelled that way.
    let tryRead (text: string) : AuthFields voption =
        let mutable fields = ListCollector<struct (string * string)>()

        let mutable at =
            if text.StartsWith(scheme, StringComparison.Ordinal) then
                scheme.Length
            else
                -1

        while at >= 0 && at < text.Length do
            let start = skipSpace text at
            let equal = skipToken text start
            let mutable value = ""

            let stop =
                if equal > start && equal < text.Length && text[equal] = '=' then
                    valueAt text (equal + 1) &value
                else
                    -1

            if stop < 0 then
                at <- -1
            else
                let name = nameOf (text.AsSpan(start, equal - start))
                fields.Add(struct (name, value))

                at <-
                    if stop = text.Length then
                        stop
                    elif text[stop] = ',' && stop + 1 < text.Length then
                        stop + 1
                    else
                        -1

        match fields.Close() with
        | [] -> ValueNone
        | _ when at < 0 -> ValueNone
        | found -> ValueSome found
