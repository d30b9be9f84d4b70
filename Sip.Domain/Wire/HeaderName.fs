// HeaderName: the header fields that this server reads, their long and compact spellings
// (RFC 3261 §7.3.3, §20). HOT: every header line of every message is classified.

namespace Sip.Wire

open System
open Sip

/// A header field that somebody here asks for; any other is passed on unread.
[<RequireQualifiedAccess; Struct>]
type HeaderName =
    | Via
    | From
    | To
    | CallId
    | CSeq
    | MaxForwards
    | Route
    | RecordRoute
    | Contact
    | ContentLength
    | ContentType
    | Expires
    | Require
    | ProxyRequire
    | Supported
    | Path
    | Reason
    | Authorization
    | ProxyAuthorization
    | WwwAuthenticate
    | ProxyAuthenticate
    | Timestamp
    | Other

/// Spellings of header fields.
[<RequireQualifiedAccess>]
module HeaderName =

    /// Every header that is told apart, spelt long; a compact form stands behind some.
    let spellings: (HeaderName * string) list =
        [
            HeaderName.Via, "Via"
            HeaderName.Via, "v"
            HeaderName.From, "From"
            HeaderName.From, "f"
            HeaderName.To, "To"
            HeaderName.To, "t"
            HeaderName.CallId, "Call-ID"
            HeaderName.CallId, "i"
            HeaderName.CSeq, "CSeq"
            HeaderName.MaxForwards, "Max-Forwards"
            HeaderName.Route, "Route"
            HeaderName.RecordRoute, "Record-Route"
            HeaderName.Contact, "Contact"
            HeaderName.Contact, "m"
            HeaderName.ContentLength, "Content-Length"
            HeaderName.ContentLength, "l"
            HeaderName.ContentType, "Content-Type"
            HeaderName.ContentType, "c"
            HeaderName.Expires, "Expires"
            HeaderName.Require, "Require"
            HeaderName.ProxyRequire, "Proxy-Require"
            HeaderName.Supported, "Supported"
            HeaderName.Supported, "k"
            HeaderName.Path, "Path"
            HeaderName.Reason, "Reason"
            HeaderName.Authorization, "Authorization"
            HeaderName.ProxyAuthorization, "Proxy-Authorization"
            HeaderName.WwwAuthenticate, "WWW-Authenticate"
            HeaderName.ProxyAuthenticate, "Proxy-Authenticate"
            HeaderName.Timestamp, "Timestamp"
        ]

    // The spellings by their length, so that a name is compared with its few equals in length.
    let private byLength: struct (HeaderName * byte[])[][] =
        Array.init 20 (fun length ->
            spellings
            |> List.filter (fun (_, spelling) -> spelling.Length = length)
            |> List.map (fun (name, spelling) -> struct (name, Text.toBytes spelling))
            |> List.toArray)

    /// The header that these bytes name.
    let ofBytes (name: ReadOnlySpan<byte>) : HeaderName =
        let mutable found = HeaderName.Other

        if name.Length < byLength.Length then
            let candidates = byLength[name.Length]
            let mutable i = 0

            while i < candidates.Length do
                let struct (header, spelling) = candidates[i]

                if Text.same name (ReadOnlySpan spelling) then
                    found <- header
                    i <- candidates.Length
                else
                    i <- i + 1

        found

    /// Whether more than one field of this name makes a message ambiguous (RFC 3261 §7.3.1).
    let isSingle (name: HeaderName) : bool =
        match name with
        | HeaderName.From
        | HeaderName.To
        | HeaderName.CallId
        | HeaderName.CSeq
        | HeaderName.MaxForwards
        | HeaderName.ContentLength
        | HeaderName.ContentType
        | HeaderName.Expires
        | HeaderName.Timestamp -> true
        | HeaderName.Via
        | HeaderName.Route
        | HeaderName.RecordRoute
        | HeaderName.Contact
        | HeaderName.Require
        | HeaderName.ProxyRequire
        | HeaderName.Supported
        | HeaderName.Path
        | HeaderName.Reason
        | HeaderName.Authorization
        | HeaderName.ProxyAuthorization
        | HeaderName.WwwAuthenticate
        | HeaderName.ProxyAuthenticate
        | HeaderName.Other -> false

    /// The header's long spelling.
    let print (name: HeaderName) : string =
        match List.tryFind (fun (header, _) -> header = name) spellings with
        | Some(_, spelling) -> spelling
        | None -> ""
