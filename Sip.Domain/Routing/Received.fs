// Received: the true source of a request, written into its top Via so that responses find back
// (RFC 3261 §18.2.1, RFC 3581 §4). Written on every request whether the client asks or not:
// a browser's sent-by is made up, and a phone behind a NAT does not know its own.

namespace Sip.Routing

open System
open System.Text
open Sip
open Sip.Wire

/// Stamping Via values.
[<RequireQualifiedAccess>]
module Received =

    let private received = "received"B
    let private rport = "rport"B

    let private isStamp (name: ReadOnlySpan<byte>) =
        Text.same name received || Text.same name rport

    /// The Via's parameters with `received` and `rport` as the source says.
    let private stamped (all: ReadOnlySpan<byte>) (source: Endpoint) (parameters: Slice) : string =
        let out = StringBuilder()
        let mutable at = Slice.skipSpace all parameters.Start parameters.End

        while at < parameters.End do
            let parameter = ParameterView.read all at parameters.End

            if not (isStamp (Slice.bytes all parameter.Name)) then
                out.Append(Slice.text all (Slice.between at parameter.Next)) |> ignore

            at <- parameter.Next

        // RFC 5118 §4.5: no brackets around an IPv6 address in received.
        out
            .Append(";received=")
            .Append(Address.print source.Address)
            .Append(";rport=")
            .Append(source.Port)
            .ToString()

    /// The edit that stamps the top Via of a request with its source.
    let stamp (source: Endpoint) (request: Message) : Edit list =
        match Message.topVia request with
        | ValueSome view ->
            [ Patch.replace view.Parameters (stamped request.Bytes source view.Parameters) ]
        | ValueNone -> []

    /// The first Via field's text with its top value stamped.
    let text (source: Endpoint) (request: Message) : string =
        let field = Message.value HeaderName.Via request

        match Message.topVia request with
        | ValueSome view ->
            String.Concat(
                request.Text(Slice.between field.Start view.Parameters.Start),
                stamped request.Bytes source view.Parameters,
                request.Text(Slice.between view.Parameters.End field.End)
            )
        | ValueNone -> request.Text field
