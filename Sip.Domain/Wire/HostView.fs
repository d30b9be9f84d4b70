// HostView: a host as it stands in a URI or a Via, read without making a noun of it. HOT for names and
// IPv4; an IPv6 reference is rare, and costs a noun. Its slow twin is `Host.tryRead`.

namespace Sip.Wire

open System
open System.Text
open Sip

/// Reading hosts from spans.
[<RequireQualifiedAccess>]
module HostView =

    /// One decimal octet of at most three digits, the first of several no zero, or -1.
    let private octet (text: ReadOnlySpan<byte>) =
        let isPlain =
            text.Length = 1 || (text.Length > 1 && text.Length <= 3 && text[0] <> '0'B)

        let mutable value = if isPlain then 0 else -1
        let mutable i = 0

        while value >= 0 && i < text.Length do
            let digit = int text[i] - int '0'B
            value <- if digit >= 0 && digit <= 9 then value * 10 + digit else -1
            i <- i + 1

        if value <= 255 then value else -1

    /// Four decimal octets; no octal, hexadecimal or shortened form is read.
    let private v4 (text: ReadOnlySpan<byte>) : Address voption =
        let mutable bits = 0u
        let mutable rest = text
        let mutable parts = 0
        let mutable sound = true

        while sound && parts < 4 do
            let dot = rest.IndexOf '.'B
            let part = if dot < 0 then rest else rest.Slice(0, dot)
            let value = octet part
            sound <- value >= 0 && (dot >= 0) = (parts < 3)

            if sound then
                bits <- (bits <<< 8) ||| uint32 value
                parts <- parts + 1
                rest <- if dot < 0 then ReadOnlySpan.Empty else rest.Slice(dot + 1)

        if sound then ValueSome(Address.ofV4 bits) else ValueNone

    /// The address that a host is, if it is one.
    let address (host: ReadOnlySpan<byte>) : Address voption =
        if host.Length < 3 then
            ValueNone
        elif host[0] = '['B then
            match Host.tryRead (Encoding.Latin1.GetString host) with
            | ValueSome(Host.Address address) -> ValueSome address
            | ValueSome(Host.Name _)
            | ValueNone -> ValueNone
        else
            v4 host

    /// The host as a noun, if it is one.
    let toHost (host: ReadOnlySpan<byte>) : Host voption =
        match address host with
        | ValueSome address -> ValueSome(Host.Address address)
        | ValueNone -> Host.tryRead (Encoding.Latin1.GetString host)

    let private isAlphanum (text: ReadOnlySpan<byte>) (at: int) =
        at >= 0 && at < text.Length && Char.IsAsciiLetterOrDigit(char text[at])

    // domainlabel = alphanum / alphanum *( alphanum / "-" ) alphanum, and a dot may end the name.
    let private areLabels (text: ReadOnlySpan<byte>) =
        let mutable sound = true
        let mutable at = 0

        while sound && at < text.Length do
            sound <-
                match text[at] with
                | '.'B ->
                    isAlphanum text (at - 1) && (at + 1 = text.Length || isAlphanum text (at + 1))
                | '-'B
                | '_'B -> at > 0 && at + 1 < text.Length
                | _ -> isAlphanum text at

            at <- at + 1

        sound

    // toplabel = ALPHA / ALPHA *( alphanum / "-" ) alphanum
    let private startsTopLabel (text: ReadOnlySpan<byte>) =
        let name = text.TrimEnd '.'B
        name.Length > 0 && Char.IsAsciiLetter(char name[name.LastIndexOf '.'B + 1])

    let private isName (text: ReadOnlySpan<byte>) =
        text.Length > 0 && text.Length <= 255 && areLabels text && startsTopLabel text

    /// Whether this is a host at all.
    let isHost (host: ReadOnlySpan<byte>) : bool = isName host || (address host).IsSome
