// Probe: the OPTIONS by which a server asks one of its own listeners whether it answers
// (RFC 3261 §11), and what the answer says.

namespace Sip.Edge

open System
open Sip
open Sip.Wire
open Sip.Routing

/// Asking listeners.
[<RequireQualifiedAccess>]
module Probe =

    /// The request to a listener; `mark` tells one question from another.
    let options (listener: Listener) (mark: string) : byte[] =
        let uri = Uri.printSip (Realm.routeUri listener [])

        String.Join(
            "\r\n",
            [|
                String.Concat("OPTIONS ", uri, " SIP/2.0")
                String.Concat(
                    "Via: SIP/2.0/",
                    Transport.inVia listener.Transport,
                    String.Concat(" probe.invalid;rport;branch=z9hG4bK", mark)
                )
                "Max-Forwards: 1"
                String.Concat("From: <sip:probe@probe.invalid>;tag=", mark)
                String.Concat("To: <", uri, ">")
                String.Concat("Call-ID: ", mark)
                "CSeq: 1 OPTIONS"
                "Content-Length: 0"
                ""
                ""
            |]
        )
        |> Text.toBytes

    /// Whether these bytes are the 200 to the request with this mark.
    let isAnswered (mark: string) (received: ReadOnlySpan<byte>) : bool =
        match Reading.message Limits.usual received with
        | Arrival.Message response ->
            match response.Start with
            | StartLine.Response(status, _) ->
                status = Status.ok
                && response.Text(Message.value HeaderName.CallId response) = mark
            | StartLine.Request _ -> false
        | Arrival.Broken _ -> false
