// ContactAlias: puts our alias on the Contact of a client, so that its peer's later requests, which
// name that Contact, come back to us with the client's flow in them (RFC 7118 §5.3 leaves a browser
// no other name; RFC 3261 §12.2.1.1 copies the Contact into the Request-URI). A GRUU of ours is left as
// it is: it is found by its instance and survives a flow (RFC 5627 §4.4). HOT.

namespace Sip.Routing

open System
open Sip
open Sip.Wire

/// Naming clients by their flow.
[<RequireQualifiedAccess>]
module ContactAlias =

    let private introduction = Text.toBytes (String.Concat(";", Alias.parameter, "="))
    let private opening = "<"B
    let private closing = ">"B

    // The parameter stands before the URI's own headers, after its other parameters.
    let private edit station (edits: Edits) (flow: FlowText) (message: Message) (contact: Slice) =
        let all = message.Bytes

        match AddressView.read all contact with
        | ValueSome view when Station.ownsGruu station all view.Uri -> ()
        | ValueSome view when view.Uri.Parameters.IsThere ->
            // Outside brackets a parameter would be the header's, not the URI's.
            let bare = all[view.Uri.Whole.Start - 1] <> '<'B

            if bare then
                Patch.insert edits view.Uri.Whole.Start (ReadOnlySpan opening)

            Patch.insert edits view.Uri.Parameters.End (ReadOnlySpan introduction)
            Patch.put edits (ReadOnlySpan flow.Alias)

            if bare then
                Patch.insert edits view.Uri.Whole.End (ReadOnlySpan closing)
        | ValueSome _
        | ValueNone -> ()

    /// Makes the edits that name every Contact of a client's message by the flow that it came on.
    /// A peer's Contact is its own.
    let put (station: Station) (edits: Edits) (flow: FlowText) (message: Message) : unit =
        match flow.Standing with
        | Standing.Peer -> ()
        | Standing.Client ->
            let mutable at = Message.first HeaderName.Contact message

            while at.Value.IsThere do
                edit station edits flow message at.Value
                at <- Message.next message at
