// Routes: takes off the Routes that are ours, both halves of a pair, and mends what a strict router
// did to the request (RFC 3261 §16.4, §16.6 step 6). HOT: a way is slices of the request, no text.

namespace Sip.Routing

open System
open Sip
open Sip.Wire

/// A request's way after our own Routes are off. Its slices are those of the request.
[<Struct>]
type Way =
    {
        /// The Request-URI, or the last Route where a strict router had taken its place.
        Uri: UriView
        /// How many Routes at the top are ours and come off.
        Off: int
        /// How many Routes remain.
        Left: int
        /// The first that remains, none where none does.
        Next: Slice
        Mending: Mending
        /// Whether a Route of ours was on the request: it belongs to a dialog that we recorded.
        Passage: Passage
        /// The flow tokens in the Routes that come off, in their order; none where they name no flow.
        Token: Slice
        Twin: Slice
    }

/// Whether the last Route becomes the Request-URI.
and [<RequireQualifiedAccess; Struct>] Mending =
    | Mended
    | Whole

/// How a request came to us.
and [<RequireQualifiedAccess; Struct>] Passage =
    | Recorded
    | Fresh

/// Preprocessing Routes.
[<RequireQualifiedAccess>]
module Routes =

    let private lr = "lr"B
    let private r2 = "r2"B
    let private ob = "ob"B

    // RFC 3261 §19.1.1, table 1: neither a Route nor a Request-URI, which it may become, has headers.
    let private withoutHeaders (uri: UriView) : UriView =
        if uri.Headers.Length = 0 then
            uri
        else
            { uri with
                Whole = Slice.between uri.Whole.Start uri.Headers.Start
                Headers = Slice.none
            }

    /// The URI of a Route value; a value that is no SIP URI has the view of none.
    let private uriOf (all: ReadOnlySpan<byte>) (route: Slice) : UriView =
        match AddressView.read all route with
        | ValueSome view ->
            match view.Uri.Kind with
            | UriKind.Sip
            | UriKind.Sips -> withoutHeaders view.Uri
            | UriKind.Tel
            | UriKind.Other -> UriView.none
        | ValueNone -> UriView.none

    let private isOurs (station: Station) (all: ReadOnlySpan<byte>) (uri: UriView) =
        uri.Whole.IsThere && Station.owns station all uri

    // A Request-URI that we ourselves had put into a Record-Route: ours, and with lr.
    let private isRecorded (station: Station) (all: ReadOnlySpan<byte>) (uri: UriView) =
        match uri.Kind with
        | UriKind.Sip
        | UriKind.Sips -> UriView.has all uri lr && Station.owns station all uri
        | UriKind.Tel
        | UriKind.Other -> false

    let private last (request: Message) : Slice =
        let mutable at = Message.first HeaderName.Route request
        let mutable found = at.Value

        while at.Value.IsThere do
            found <- at.Value
            at <- Message.next request at

        found

    /// How many of the topmost Routes are ours: none, one, or both halves of a pair.
    let private ours (station: Station) (request: Message) (count: int) : int =
        let all = request.Bytes
        let first = Message.first HeaderName.Route request
        let uri = if count > 0 then uriOf all first.Value else UriView.none

        if not (isOurs station all uri) then
            0
        elif
            count > 1
            && UriView.has all uri r2
            && isOurs station all (uriOf all (Message.next request first).Value)
        then
            2
        else
            1

    // RFC 5626 §5.3: what we wrote ourselves about a flow stands in the user part, beside `ob`.
    let private tokenIn (all: ReadOnlySpan<byte>) (uri: UriView) : Slice =
        if uri.Whole.IsThere && uri.User.IsThere && UriView.has all uri ob then
            uri.User
        else
            Slice.none

    let private tokenOf (request: Message) (off: int) (number: int) : Slice =
        if off < number then
            Slice.none
        else
            let first = Message.first HeaderName.Route request

            let at = if number = 1 then first else Message.next request first

            tokenIn request.Bytes (uriOf request.Bytes at.Value)

    /// The Route after so many others.
    let private after (request: Message) (off: int) : Slice =
        let mutable at = Message.first HeaderName.Route request

        for _ in 1..off do
            at <- Message.next request at

        at.Value

    let private wayOf (station: Station) (request: Message) uri mending count : Way =
        let off = ours station request count
        let top = tokenOf request off 1

        // What a strict router has put into the Request-URI was the topmost of them.
        let struct (token, twin) =
            match mending, request.Start with
            | Mending.Mended, StartLine.Request(_, _, written) ->
                match tokenIn request.Bytes written with
                | first when first.IsThere -> struct (first, top)
                | _ -> struct (top, tokenOf request off 2)
            | (Mending.Mended | Mending.Whole), _ ->
                match top with
                | first when first.IsThere -> struct (first, tokenOf request off 2)
                | _ -> struct (tokenOf request off 2, Slice.none)

        {
            Uri = uri
            Off = off
            Left = count - off
            Next = if count > off then after request off else Slice.none
            Mending = mending
            Passage =
                if off > 0 || mending = Mending.Mended then
                    Passage.Recorded
                else
                    Passage.Fresh
            Token = token
            Twin = twin
        }

    /// The way that is left to a request.
    let strip (station: Station) (request: Message) : Way =
        match request.Start with
        | StartLine.Response _ -> wayOf station request UriView.none Mending.Whole 0
        | StartLine.Request(_, _, uri) ->
            let count = Message.count Int32.MaxValue HeaderName.Route request
            let all = request.Bytes

            // §16.4: "the proxy MUST replace the Request-URI in the request with the last value
            // from the Route header field, and remove that value".
            let mended =
                if count > 0 && isRecorded station all uri then
                    uriOf all (last request)
                else
                    UriView.none

            if mended.Whole.IsThere then
                wayOf station request mended Mending.Mended (count - 1)
            else
                wayOf station request uri Mending.Whole count

    /// The URI of the next Route; the view of none where none is left, or where it leads nowhere.
    let next (request: Message) (way: Way) : UriView =
        if way.Left > 0 then
            uriOf request.Bytes way.Next
        else
            UriView.none

    /// Whether a Route wants to be the Request-URI itself (a strict router, §16.6 step 6).
    let isStrict (request: Message) (route: UriView) : bool =
        route.Whole.IsThere && not (UriView.has request.Bytes route lr)
