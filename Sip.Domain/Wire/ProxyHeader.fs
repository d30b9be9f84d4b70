// ProxyHeader: for whom a balancer speaks, in versions 1 and 2 of the PROXY protocol (HAProxy,
// proxy-protocol.txt §2), which stands before the first byte of TLS, HTTP or SIP.

namespace Sip.Wire

open System
open System.Buffers.Binary
open Sip

/// What the first bytes of a connection say about its client.
[<RequireQualifiedAccess>]
type Announcement =
    /// They are no such header.
    | Absent
    /// They may become one.
    | Incomplete
    /// The balancer speaks for this client.
    | Client of Client: Endpoint * Length: int
    /// The balancer speaks for itself, or does not say for whom.
    | Itself of Length: int
    /// They begin like one and are none.
    | Malformed of Reason: string

/// Reading the header of the PROXY protocol.
[<RequireQualifiedAccess>]
module ProxyHeader =

    /// Bytes that a header may have, in version 2 with its additions.
    let maximum: int = 1024

    let private first = "PROXY "B
    let private firstMaximum = 107
    let private second = "\r\n\r\n\000\r\nQUIT\n"B

    let private begins (pattern: byte[]) (bytes: ReadOnlySpan<byte>) =
        let common = min pattern.Length bytes.Length
        bytes.Slice(0, common).SequenceEqual(ReadOnlySpan(pattern, 0, common))

    let private malformed reason = Announcement.Malformed reason

    let private tryPort (text: string) =
        let plain =
            text.Length > 0
            && text.Length < 6
            && String.forall Char.IsAsciiDigit text
            && (text.Length = 1 || text[0] <> '0')

        if plain && int text <= 65535 then
            ValueSome(int text)
        else
            ValueNone

    // "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"
    let private ofWords (words: string[]) length =
        let tryAddress text =
            if words[1] = "TCP4" then
                Address.tryV4 text
            else
                Address.tryV6 text

        if words.Length >= 2 && words[1] = "UNKNOWN" then
            Announcement.Itself length
        elif words.Length <> 6 || (words[1] <> "TCP4" && words[1] <> "TCP6") then
            malformed "a PROXY line that names no client"
        else
            match tryAddress words[2], tryAddress words[3], tryPort words[4], tryPort words[5] with
            | ValueSome source, ValueSome _, ValueSome port, ValueSome _ ->
                Announcement.Client({ Address = source; Port = port }, length)
            | _, _, _, _ -> malformed "a PROXY line with an address or port that is none"

    let private ofFirst (bytes: ReadOnlySpan<byte>) =
        let stop =
            bytes.Slice(0, min bytes.Length firstMaximum).IndexOf(ReadOnlySpan "\r\n"B)

        if stop >= 0 then
            ofWords ((Text.ofBytes (bytes.Slice(0, stop))).Split ' ') (stop + 2)
        elif bytes.Length >= firstMaximum then
            malformed "a PROXY line over 107 bytes"
        else
            Announcement.Incomplete

    let private v4 (bytes: ReadOnlySpan<byte>) at =
        Address.ofV4 (BinaryPrimitives.ReadUInt32BigEndian(bytes.Slice at))

    let private v6 (bytes: ReadOnlySpan<byte>) at : Address =
        {
            High = BinaryPrimitives.ReadUInt64BigEndian(bytes.Slice at)
            Low = BinaryPrimitives.ReadUInt64BigEndian(bytes.Slice(at + 8))
        }

    let private port (bytes: ReadOnlySpan<byte>) at =
        int (BinaryPrimitives.ReadUInt16BigEndian(bytes.Slice at))

    // The bytes of a whole header: signature 12, version and command, family and protocol, length 2.
    let private ofSecond (bytes: ReadOnlySpan<byte>) length size =
        let client address at =
            Announcement.Client({ Address = address; Port = at }, length)

        match int bytes[12], int bytes[13] with
        | 0x20, _ -> Announcement.Itself length
        | 0x21, 0x00 -> Announcement.Itself length
        | 0x21, 0x11 when size >= 12 -> client (v4 bytes 16) (port bytes 24)
        | 0x21, 0x21 when size >= 36 -> client (v6 bytes 16) (port bytes 48)
        | 0x21, _ -> malformed "a PROXY header for no TCP connection"
        | _, _ -> malformed "a PROXY header of another version or command"

    let private ofBinary (bytes: ReadOnlySpan<byte>) =
        if bytes.Length < 16 then
            Announcement.Incomplete
        else
            let size = port bytes 14
            let length = 16 + size

            if length > maximum then
                malformed "a PROXY header over 1024 bytes"
            elif bytes.Length < length then
                Announcement.Incomplete
            else
                ofSecond bytes length size

    /// What the first bytes of a connection say about its client.
    let read (bytes: ReadOnlySpan<byte>) : Announcement =
        if bytes.IsEmpty then Announcement.Incomplete
        elif begins second bytes then ofBinary bytes
        elif begins first bytes then ofFirst bytes
        else Announcement.Absent
