// Routes: takes off the Routes that are ours, both halves of a pair, and mends what a strict router
// did to the request (RFC 3261 §16.4, §16.6 step 6).

namespace Sip.Routing

open System
open Sip
open Sip.Wire

/// A request's way after our own Routes are off.
type Way =
    {
        /// The Request-URI, mended if a strict router had taken its place.
        Uri: Uri
        /// The Routes that remain, as written.
        Remaining: string list
        /// Whether a Route of ours was on the request: it belongs to a dialog that we recorded.
        Passage: Passage
    }

/// How a request came to us.
and [<RequireQualifiedAccess; Struct>] Passage =
    | Recorded
    | Fresh

/// Preprocessing Routes.
[<RequireQualifiedAccess>]
module Routes =

    let private sipOf (text: string) : SipUri voption =
        let bytes = Text.toBytes text
        let all = ReadOnlySpan bytes

        match AddressView.read all (Slice.between 0 bytes.Length) with
        | ValueSome view ->
            match UriView.toUri all view.Uri with
            | ValueSome(Uri.Sip sip) -> ValueSome sip
            | ValueSome _
            | ValueNone -> ValueNone
        | ValueNone -> ValueNone

    let private isOurs (realm: Realm) (route: string) =
        match sipOf route with
        | ValueSome uri -> Realm.owns realm uri
        | ValueNone -> false

    let private isPaired (route: string) =
        match sipOf route with
        | ValueSome uri -> Parameters.has "r2" uri.Parameters
        | ValueNone -> false

    // A Request-URI that we ourselves had put into a Record-Route: ours, and with lr.
    let private isRecorded (realm: Realm) (uri: Uri) =
        match uri with
        | Uri.Sip sip -> Realm.owns realm sip && Parameters.has "lr" sip.Parameters
        | Uri.Tel _
        | Uri.Other _ -> false

    // §16.4: "the proxy MUST replace the Request-URI in the request with the last value from the
    // Route header field, and remove that value".
    let private mend (realm: Realm) (uri: Uri) (routes: string list) =
        match List.tryLast routes |> Option.map (fun last -> sipOf last) with
        | Some(ValueSome last) when isRecorded realm uri ->
            struct (Uri.Sip last, List.take (routes.Length - 1) routes, Passage.Recorded)
        | Some _
        | None -> struct (uri, routes, Passage.Fresh)

    /// The way that is left; the Routes of a request that has none stay as they are.
    let strip (realm: Realm) (uri: Uri) (written: string list) : Way =
        let struct (uri, routes, passage) = mend realm uri written

        match routes with
        | first :: second :: rest when isOurs realm first && isPaired first && isOurs realm second ->
            {
                Uri = uri
                Remaining = rest
                Passage = Passage.Recorded
            }
        | first :: rest when isOurs realm first ->
            {
                Uri = uri
                Remaining = rest
                Passage = Passage.Recorded
            }
        | _ ->
            {
                Uri = uri
                Remaining = routes
                Passage = passage
            }

    /// The URI of the next Route, if one is left; a Route that is no SIP URI leads nowhere.
    let next (way: Way) : SipUri voption =
        match way.Remaining with
        | first :: _ -> sipOf first
        | [] -> ValueNone

    /// Whether the next Route wants to be the Request-URI itself (a strict router, §16.6 step 6).
    let nextIsStrict (way: Way) : bool =
        match next way with
        | ValueSome uri -> not (Parameters.has "lr" uri.Parameters)
        | ValueNone -> false
