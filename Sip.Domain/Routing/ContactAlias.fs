// ContactAlias: puts our alias on the Contact of a client, so that its peer's later requests, which
// name that Contact, come back to us with the client's flow in them (RFC 7118 §5.3 leaves a browser
// no other name; RFC 3261 §12.2.1.1 copies the Contact into the Request-URI).

namespace Sip.Routing

open System
open Sip
open Sip.Wire

/// Naming clients by their flow.
[<RequireQualifiedAccess>]
module ContactAlias =

    // The parameter stands before the URI's own headers, after its other parameters.
    let private edit (message: Message) (alias: string) (contact: Slice) : Edit list =
        match AddressView.read message.Bytes contact with
        | ValueSome view when view.Uri.Parameters.IsThere ->
            let written = String.Concat(";", Alias.parameter, "=", alias)
            let bracketed = message.Bytes[view.Uri.Whole.Start - 1] = '<'B

            if bracketed then
                [ Patch.insert view.Uri.Parameters.End written ]
            else
                // Outside brackets a parameter would be the header's, not the URI's.
                let uri = message.Text view.Uri.Whole
                [ Patch.replace view.Uri.Whole (String.Concat("<", uri, written) + ">") ]
        | ValueSome _
        | ValueNone -> []

    /// The edits that name every Contact of a client's message by the flow that it came on.
    /// A peer's Contact is its own.
    let put (realm: Realm) (flow: Flow) (message: Message) : Edit list =
        if Realm.isPeer realm flow then
            []
        else
            match Message.values HeaderName.Contact message with
            | [] -> []
            | contacts -> List.collect (edit message (Alias.mint realm.Secret flow)) contacts
