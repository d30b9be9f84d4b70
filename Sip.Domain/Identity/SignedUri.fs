// SignedUri: whether the uri that a client signed is the Request-URI that came with it
// (RFC 7616 §3.4.6, RFC 8760 §2.6 item 6). A proxy in between may have added or removed
// parameters, or written the same user and host otherwise; it may not have changed them.

namespace Sip.Identity

open System
open Sip
open Sip.Wire

/// Comparing what was signed with what was asked.
[<RequireQualifiedAccess>]
module SignedUri =

    let private sameTarget (asked: SipUri) (signed: SipUri) : bool =
        asked.Scheme = signed.Scheme
        && asked.Host = signed.Host
        && asked.Port = signed.Port
        && ValueOption.map Escape.decode asked.User = ValueOption.map Escape.decode signed.User

    let private sameUri (asked: Uri) (signed: Uri) : bool =
        match asked, signed with
        | Uri.Sip asked, Uri.Sip signed -> sameTarget asked signed
        | Uri.Sip _, (Uri.Tel _ | Uri.Other _)
        | (Uri.Tel _ | Uri.Other _), (Uri.Sip _ | Uri.Tel _ | Uri.Other _) -> Uri.same asked signed

    let private readBoth (requestUri: string) (signed: string) : bool =
        match UriView.ofText requestUri, UriView.ofText signed with
        | ValueSome asked, ValueSome signed -> sameUri asked signed
        | ValueSome _, ValueNone
        | ValueNone, (ValueSome _ | ValueNone) -> false

    /// Whether both texts name the same user at the same host and port by the same scheme; other
    /// URIs than sip and sips have to be equal.
    let names (requestUri: string) (signed: string) : bool =
        String.Equals(requestUri, signed, StringComparison.Ordinal)
        || readBoth requestUri signed
