// Aor: whose bindings these are. The To URI of a REGISTER, or the Request-URI of a call, in the
// canonical form that indexes the location table (RFC 3261 §10.3 step 5, RFC 5630 §5.2).

namespace Sip.Registrar

open System
open Sip

/// An address of record in canonical form; made only by `Aor.ofUri`.
[<Struct>]
type Aor =
    private
    | Canonical of string

    /// The text to index by: decoded user, `@`, host in lower case. It may hold any character, so
    /// it is for tables and never for the wire.
    member this.Key = let (Canonical key) = this in key

/// Making addresses of record.
[<RequireQualifiedAccess>]
module Aor =

    // RFC 5630 §5.2: sip and sips name the same resource, so the scheme is no part of the key, and
    // the port that a scheme means anyway is none either.
    let private port (uri: SipUri) =
        match uri.Scheme, uri.Port with
        | _, ValueNone
        | Scheme.Sip, ValueSome 5060
        | Scheme.Sips, ValueSome 5061 -> ""
        | (Scheme.Sip | Scheme.Sips), ValueSome port -> String.Concat(":", string port)

    /// The canonical form of a SIP or SIPS URI: no scheme, password, parameters or headers.
    let ofSip (uri: SipUri) : Aor =
        let place = String.Concat(Host.print uri.Host, port uri)

        match uri.User with
        | ValueSome user -> Canonical(String.Concat(Escape.decode user, "@", place))
        | ValueNone -> Canonical place

    /// The address of record that a URI names; only SIP and SIPS URIs do (RFC 3261 §10.2, To).
    let ofUri (uri: Uri) : Aor voption =
        match uri with
        | Uri.Sip sip -> ValueSome(ofSip sip)
        | Uri.Tel _
        | Uri.Other _ -> ValueNone
