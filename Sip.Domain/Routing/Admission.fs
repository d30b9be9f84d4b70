// Admission: may this request be worked on at all? RFC 3261 §16.3 as a list of checks in its order. HOT.

namespace Sip.Routing

open Sip
open Sip.Wire

/// Checking requests before they are routed.
[<RequireQualifiedAccess>]
module Admission =

    type private Check = Station -> Message -> Refusal voption

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
        fun station request ->
            if Message.number HeaderName.MaxForwards request <> 0L then
                ValueNone
            else
                match request.Start with
                // An OPTIONS that stops here may be answered as if it were meant for us (§11).
                | StartLine.Request(Method.Options, _, uri) when
                    not uri.User.IsThere && Station.owns station request.Bytes uri
                    ->
                    ValueNone
                | StartLine.Request _
                | StartLine.Response _ -> ValueSome Refusal.Hops

    // 4. Optional loop check
    let private loop: Check =
        fun station request ->
            if Branch.hasLooped station request then
                ValueSome Refusal.Loop
            else
                ValueNone

    // 5. Proxy-Require check: this server understands no extension that a proxy must support.
    let private extensions: Check =
        fun _ request ->
            if (Message.value HeaderName.ProxyRequire request).IsThere then
                Message.values HeaderName.ProxyRequire request
                |> List.map request.Text
                |> Refusal.Extensions
                |> ValueSome
            else
                ValueNone

    let private checks: Check[] = [| scheme; hops; loop; extensions |]

    /// The first refusal, in the RFC's order, or none.
    let check (station: Station) (request: Message) : Refusal voption =
        let mutable found = ValueNone
        let mutable i = 0

        while found.IsNone && i < checks.Length do
            found <- checks[i] station request
            i <- i + 1

        found
