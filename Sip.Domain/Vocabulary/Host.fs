// Host: a domain name or an address as it stands in URIs and Via (RFC 3261 §25.1 host),
// and the end point of a socket. Names are lower case; addresses are compared by value.

namespace Sip

open System
open System.Net
open System.Net.Sockets

/// An IP address as 128 bits; IPv4 is held in its mapped form, so ::ffff:a.b.c.d is a.b.c.d.
[<Struct>]
type Address = { High: uint64; Low: uint64 }

/// Reading, asking and printing addresses.
[<RequireQualifiedAccess>]
module Address =
    let private mappedPrefix = 0x0000FFFF00000000UL

    /// Whether the address is IPv4.
    let isV4 (address: Address) : bool =
        address.High = 0UL && (address.Low &&& 0xFFFFFFFF00000000UL) = mappedPrefix

    /// The IPv4 address of four octets in network order.
    let ofV4 (bits: uint32) : Address =
        {
            High = 0UL
            Low = mappedPrefix ||| uint64 bits
        }

    /// The address that a library object stands for.
    let ofIPAddress (address: IPAddress) : Address =
        let bytes = address.MapToIPv6().GetAddressBytes()

        {
            High = Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(ReadOnlySpan(bytes, 0, 8))
            Low = Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(ReadOnlySpan(bytes, 8, 8))
        }

    /// The library object for an address.
    let toIPAddress (address: Address) : IPAddress =
        if isV4 address then
            let bytes = Array.zeroCreate<byte> 4
            Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(Span bytes, uint32 address.Low)
            IPAddress bytes
        else
            let bytes = Array.zeroCreate<byte> 16
            Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(Span(bytes, 0, 8), address.High)
            Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(Span(bytes, 8, 8), address.Low)
            IPAddress bytes

    /// Whether the address is this machine's own loopback.
    let isLoopback (address: Address) : bool =
        if isV4 address then
            (address.Low >>> 24) &&& 0xFFUL = 127UL
        else
            address.High = 0UL && address.Low = 1UL

    /// Whether the address is the wildcard that a listener binds to.
    let isUnspecified (address: Address) : bool =
        if isV4 address then
            uint32 address.Low = 0u
        else
            address.High = 0UL && address.Low = 0UL

    /// Whether no single host answers there: unspecified, multicast or the IPv4 broadcast.
    let isUnreachable (address: Address) : bool =
        isUnspecified address
        || (if isV4 address then
                (address.Low >>> 24) &&& 0xF0UL = 0xE0UL || uint32 address.Low = UInt32.MaxValue
            else
                address.High >>> 56 = 0xFFUL)

    /// The address in dotted or colon form, without brackets.
    let print (address: Address) : string = (toIPAddress address).ToString()

    // RFC 5954 §4.1: "Accordingly, this document updates RFC 3261", IPv4address is RFC 3986's, whose
    // octets have no leading zeros, which others read as octal.
    let private isOctet (part: string) =
        part.Length > 0
        && part.Length <= 3
        && String.forall Char.IsAsciiDigit part
        && (part[0] <> '0' || part.Length = 1)

    let private plainV4 (text: string) =
        let parts = text.Split '.'
        parts.Length = 4 && Array.forall isOctet parts

    let private decimalV4 (text: string) =
        let parts = text.Split '.' |> Array.map UInt32.Parse

        if Array.forall (fun part -> part <= 255u) parts then
            ValueSome(ofV4 (Array.fold (fun bits part -> (bits <<< 8) ||| part) 0u parts))
        else
            ValueNone

    /// Four decimal octets; no octal, hexadecimal or shortened form is read.
    let tryV4 (text: string) : Address voption =
        // Most hosts are names, and most of these do not begin with a digit.
        if text <> "" && Char.IsAsciiDigit text[0] && plainV4 text then
            decimalV4 text
        else
            ValueNone

    /// An IPv6 address without brackets and without a zone.
    let tryV6 (text: string) : Address voption =
        // RFC 5118 §4.10: a grammar bug once allowed three colons before an embedded IPv4 address.
        let third = text.IndexOf(":::", StringComparison.Ordinal)

        let mended =
            if third >= 0 && (tryV4 (text.Substring(third + 3))).IsSome then
                text.Remove(third, 1)
            else
                text

        // The library reads octal and shortened forms there.
        let embedded = mended.Substring(mended.LastIndexOf ':' + 1)

        if mended.Contains '%' || not (mended.Contains ':') || mended.Contains '[' then
            ValueNone
        elif embedded.Contains '.' && (tryV4 embedded).IsNone then
            ValueNone
        else
            match IPAddress.TryParse mended with
            | true, NonNull parsed when parsed.AddressFamily = AddressFamily.InterNetworkV6 ->
                ValueSome(ofIPAddress parsed)
            | _ -> ValueNone

/// Where a socket's far end is.
[<Struct>]
type Endpoint = { Address: Address; Port: int }

/// A host as written in a URI or a Via: a name in lower case, or an address.
[<RequireQualifiedAccess>]
type Host =
    | Name of Name: string
    | Address of Address: Address

/// Asking and printing hosts.
[<RequireQualifiedAccess>]
module Host =

    /// The host as it is printed on the wire; IPv6 stands in brackets.
    let print (host: Host) : string =
        match host with
        | Host.Name name -> name
        | Host.Address address when Address.isV4 address -> Address.print address
        | Host.Address address -> String.Concat("[", Address.print address, "]")

    /// Whether a browser made this host up: nothing under `.invalid` ever resolves (RFC 2606).
    let isInvalid (host: Host) : bool =
        match host with
        | Host.Name name -> name = "invalid" || name.EndsWith(".invalid", StringComparison.Ordinal)
        | Host.Address _ -> false

    let private isAlphanum (text: string) (at: int) =
        at >= 0 && at < text.Length && Char.IsAsciiLetterOrDigit text[at]

    // domainlabel = alphanum / alphanum *( alphanum / "-" ) alphanum, and a dot may end the name.
    let rec private areLabels (text: string) (at: int) =
        let isSound =
            match text[at] with
            | '.' -> isAlphanum text (at - 1) && (at + 1 = text.Length || isAlphanum text (at + 1))
            | '-'
            | '_' -> at > 0 && at + 1 < text.Length
            | _ -> isAlphanum text at

        isSound && (at + 1 = text.Length || areLabels text (at + 1))

    // toplabel = ALPHA / ALPHA *( alphanum / "-" ) alphanum: so 192.0.2.256 is no name either.
    let private startsTopLabel (text: string) =
        let name = text.TrimEnd '.'
        name <> "" && Char.IsAsciiLetter name[name.LastIndexOf '.' + 1]

    /// A host from its text; underscores are let through because deployed names carry them.
    let tryRead (text: string) : Host voption =
        if text.StartsWith '[' && text.EndsWith ']' && text.Length > 2 then
            match Address.tryV6 (text.Substring(1, text.Length - 2)) with
            | ValueSome address -> ValueSome(Host.Address address)
            | ValueNone -> ValueNone
        else
            match Address.tryV4 text with
            | ValueSome address -> ValueSome(Host.Address address)
            | ValueNone when
                text.Length > 0 && text.Length <= 255 && areLabels text 0 && startsTopLabel text
                ->
                ValueSome(Host.Name(text.ToLowerInvariant()))
            | ValueNone -> ValueNone

/// Printing end points.
[<RequireQualifiedAccess>]
module Endpoint =

    /// `address:port`, IPv6 in brackets.
    let print (endpoint: Endpoint) : string =
        String.Concat(Host.print (Host.Address endpoint.Address), ":", string endpoint.Port)
