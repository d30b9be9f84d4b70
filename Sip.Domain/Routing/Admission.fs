// Admission: may this request be worked on at all? RFC 3261 §16.3 as a list of checks in its order.

namespace Sip.Routing

open Sip
open Sip.Wire

/// Checking requests before they are routed.
[<RequireQualifiedAccess>]
module Admission =

    type private Check = Realm -> Message -> Refusal voption

    // 2. URI scheme check
    let private scheme: Check =
        fun _ request ->
            match request.Start with
            | StartLine.Request(_, _, uri) ->
                match uri.Kind with
                | UriKind.Sip
                | UriKind.Sips -> ValueNone
                | UriKind.Tel
                | UriKind.Other -> ValueSome Refusal.Scheme
            | StartLine.Response _ -> ValueNone

    // 3. Max-Forwards check
    let private hops: Check =
        fun realm request ->
            if Message.number HeaderName.MaxForwards request <> 0L then
                ValueNone
            else
                match request.Start with
                // An OPTIONS that stops here may be answered as if it were meant for us (§11).
                | StartLine.Request(Method.Options, _, uri) ->
                    match UriView.toUri request.Bytes uri with
                    | ValueSome(Uri.Sip sip) when sip.User.IsNone && Realm.owns realm sip ->
                        ValueNone
                    | ValueSome _
                    | ValueNone -> ValueSome Refusal.Hops
                | StartLine.Request _
                | StartLine.Response _ -> ValueSome Refusal.Hops

    // 4. Optional loop check
    let private loop: Check =
        fun realm request ->
            if Branch.hasLooped realm request then
                ValueSome Refusal.Loop
            else
                ValueNone

    // 5. Proxy-Require check: this server understands no extension that a proxy must support.
    let private extensions: Check =
        fun _ request ->
            match Message.values HeaderName.ProxyRequire request with
            | [] -> ValueNone
            | required -> ValueSome(Refusal.Extensions(List.map request.Text required))

    let private checks: Check list = [ scheme; hops; loop; extensions ]

    /// The first refusal, in the RFC's order, or none.
    let check (realm: Realm) (request: Message) : Refusal voption =
        let first found (check: Check) =
            match found with
            | ValueSome _ -> found
            | ValueNone -> check realm request

        List.fold first ValueNone checks
