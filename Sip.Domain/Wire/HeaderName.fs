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
    | MaxBreadth
    | RequestDisposition
    | AcceptContact
    | RejectContact
    | PAssertedIdentity
    | PPreferredIdentity
    | RemotePartyId
    | Diversion
    | HistoryInfo
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
            HeaderName.MaxBreadth, "Max-Breadth"
            HeaderName.RequestDisposition, "Request-Disposition"
            HeaderName.RequestDisposition, "d"
            HeaderName.AcceptContact, "Accept-Contact"
            HeaderName.AcceptContact, "a"
            HeaderName.RejectContact, "Reject-Contact"
            HeaderName.RejectContact, "j"
            HeaderName.PAssertedIdentity, "P-Asserted-Identity"
            HeaderName.PPreferredIdentity, "P-Preferred-Identity"
            HeaderName.RemotePartyId, "Remote-Party-ID"
            HeaderName.Diversion, "Diversion"
            HeaderName.HistoryInfo, "History-Info"
        ]

    /// How many there are.
    let count = 32

    /// The place of a name in a table of `count` places.
    let place (name: HeaderName) : int =
        match name with
        | HeaderName.Via -> 0
        | HeaderName.From -> 1
        | HeaderName.To -> 2
        | HeaderName.CallId -> 3
        | HeaderName.CSeq -> 4
        | HeaderName.MaxForwards -> 5
        | HeaderName.Route -> 6
        | HeaderName.RecordRoute -> 7
        | HeaderName.Contact -> 8
        | HeaderName.ContentLength -> 9
        | HeaderName.ContentType -> 10
        | HeaderName.Expires -> 11
        | HeaderName.Require -> 12
        | HeaderName.ProxyRequire -> 13
        | HeaderName.Supported -> 14
        | HeaderName.Path -> 15
        | HeaderName.Reason -> 16
        | HeaderName.Authorization -> 17
        | HeaderName.ProxyAuthorization -> 18
        | HeaderName.WwwAuthenticate -> 19
        | HeaderName.ProxyAuthenticate -> 20
        | HeaderName.Timestamp -> 21
        | HeaderName.MaxBreadth -> 22
        | HeaderName.RequestDisposition -> 23
        | HeaderName.AcceptContact -> 24
        | HeaderName.RejectContact -> 25
        | HeaderName.PAssertedIdentity -> 26
        | HeaderName.PPreferredIdentity -> 27
        | HeaderName.RemotePartyId -> 28
        | HeaderName.Diversion -> 29
        | HeaderName.HistoryInfo -> 30
        | HeaderName.Other -> 31

    let private longest = 20

    // A length and the low five bits of a first letter, which are the same in both cases, leave at
    // most two spellings to compare with.
    let private shape (length: int) (first: byte) = length * 32 + int (first &&& 31uy)

    let private byShape: struct (HeaderName * byte[])[][] =
        let shapeOf (spelling: string) =
            shape spelling.Length (byte spelling[0])

        Array.init ((longest + 1) * 32) (fun wanted ->
            spellings
            |> List.filter (fun (_, spelling) -> shapeOf spelling = wanted)
            |> List.map (fun (name, spelling) -> struct (name, Text.toBytes spelling))
            |> List.toArray)

    /// The header that these bytes name.
    let ofBytes (name: ReadOnlySpan<byte>) : HeaderName =
        let mutable found = HeaderName.Other

        if name.Length > 0 && name.Length <= longest then
            let candidates = byShape[shape name.Length name[0]]
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
        | HeaderName.Timestamp
        | HeaderName.MaxBreadth -> true
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
        | HeaderName.RequestDisposition
        | HeaderName.AcceptContact
        | HeaderName.RejectContact
        | HeaderName.PAssertedIdentity
        | HeaderName.PPreferredIdentity
        | HeaderName.RemotePartyId
        | HeaderName.Diversion
        | HeaderName.HistoryInfo
        | HeaderName.Other -> false

    /// The header's long spelling.
    let print (name: HeaderName) : string =
        match List.tryFind (fun (header, _) -> header = name) spellings with
        | Some(_, spelling) -> spelling
        | None -> ""

    let private introductions: byte[][] =
        let introductions = Array.create count [||]

        for name, spelling in List.rev spellings do
            introductions[place name] <- Text.toBytes (String.Concat(spelling, ": "))

        introductions

    /// The header's long spelling with its colon and a space.
    let introduction (name: HeaderName) : byte[] = introductions[place name]
