// Received: the true source of a request, written into its top Via so that responses find back
// (RFC 3261 §18.2.1, RFC 3581 §4). Written on every request whether the client asks or not:
// a browser's sent-by is made up, and a phone behind a NAT does not know its own. HOT.

namespace Sip.Routing

open System
open Sip
open Sip.Wire

/// Stamping Via values.
[<RequireQualifiedAccess>]
module Received =

    let private received = "received"B
    let private rport = "rport"B

    let private isStamp (name: ReadOnlySpan<byte>) =
        Text.same name received
        || Text.same name rport
        // RFC 7339 §5.6: between neighbours.
        || OverloadControl.isParameter name

    /// Makes the edits that stamp the top Via of a request with its source: what stood there under
    /// those names comes off.
    let stamp (edits: Edits) (source: FlowText) (request: Message) : unit =
        match Message.topVia request with
        | ValueSome view ->
            let all = request.Bytes
            let mutable at = Slice.skipSpace all view.Parameters.Start view.Parameters.End

            while at < view.Parameters.End do
                let parameter = ParameterView.read all at view.Parameters.End

                if isStamp (Slice.bytes all parameter.Name) then
                    Patch.remove edits (Slice.between at parameter.Next)

                at <- parameter.Next

            Patch.insert edits view.Parameters.End (ReadOnlySpan source.Stamp)
        | ValueNone -> ()

    /// Puts the first Via field's value with its top value stamped, and saying this of our load.
    let put (out: Octets) (source: FlowText) (asks: ReadOnlySpan<byte>) (request: Message) : unit =
        let field = Message.value HeaderName.Via request

        match Message.topVia request with
        | ValueSome view ->
            let all = request.Bytes
            let mutable at = Slice.skipSpace all view.Parameters.Start view.Parameters.End
            out.Put(Slice.bytes all (Slice.between field.Start view.Parameters.Start))

            while at < view.Parameters.End do
                let parameter = ParameterView.read all at view.Parameters.End

                if not (isStamp (Slice.bytes all parameter.Name)) then
                    out.Put(Slice.bytes all (Slice.between at parameter.Next))

                at <- parameter.Next

            out.Put(ReadOnlySpan source.Stamp)
            out.Put asks
            out.Put(Slice.bytes all (Slice.between view.Parameters.End field.End))
        | ValueNone -> out.Put(request.Slice field)
