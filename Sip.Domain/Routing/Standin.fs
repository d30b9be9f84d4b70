// Standin: our own Contact in place of a client's, for a registrar that knows nothing of Path: it leads to
// us and has, sealed, the client's flow and its own Contact, which it sees again in every answer and every
// request. Nothing is kept for it here.

namespace Sip.Routing

open System
open Sip
open Sip.Wire

/// What a stand-in's seal held.
[<RequireQualifiedAccess>]
type Unsealed =
    | Contact of Flow: FlowText * Written: ReadOnlyMemory<byte>
    /// Ours, but its flow is no more.
    | Gone
    /// Not ours: made up or damaged.
    | Forged
    /// It is no stand-in.
    | Plain

/// Standing in for clients.
[<RequireQualifiedAccess>]
module Standin =
    let private purpose = "contact"
    let private name = "sealed"
    let private nameBytes = Text.toBytes name

    let private keys (station: Station) = Keyring.ofSecret station.Realm.Secret

    // A token of a flow has no space in it.
    let private seal (station: Station) (source: FlowText) (written: ReadOnlySpan<byte>) =
        let content =
            String.Concat(Text.ofBytes (ReadOnlySpan source.Alias), " ", Text.ofBytes written)

        Keyring.close (keys station) purpose (Text.toBytes content)

    /// What stands in a URI for a client.
    let read (station: Station) (all: ReadOnlySpan<byte>) (uri: UriView) : Unsealed =
        let found = UriView.parameter all uri nameBytes

        if not found.Value.IsThere then
            Unsealed.Plain
        else
            match
                Keyring.tryOpen (keys station) purpose (Text.ofBytes (Slice.bytes all found.Value))
            with
            | ValueNone -> Unsealed.Forged
            | ValueSome content ->
                let space = Array.IndexOf(content, ' 'B)

                match station.Flows.Follow(ReadOnlySpan(content, 0, space)) with
                | Followed.Leads flow ->
                    Unsealed.Contact(
                        flow,
                        ReadOnlyMemory(content, space + 1, content.Length - space - 1)
                    )
                | Followed.Elsewhere _
                | Followed.Dead -> Unsealed.Gone
                | Followed.Forged -> Unsealed.Forged

    let private standin
        (station: Station)
        (source: FlowText)
        (leaves: Listener)
        all
        (uri: UriView)
        =
        let user =
            if uri.User.IsThere then
                ValueSome(Text.ofBytes (Slice.bytes all uri.User))
            else
                ValueNone

        let parameter: Parameter =
            {
                Name = name
                Value = ValueSome(seal station source (Slice.bytes all uri.Whole))
            }

        { Realm.routeUri leaves [ parameter ] with
            User = user
        }

    // Each Contact's URI that is a SIP one.
    let private replaceEach (edits: Edits) (message: Message) (instead: UriView -> byte[]) =
        let mutable at = Message.first HeaderName.Contact message

        while at.Value.IsThere do
            match AddressView.read message.Bytes at.Value with
            | ValueSome view ->
                match view.Uri.Kind with
                | UriKind.Sip
                | UriKind.Sips ->
                    match instead view.Uri with
                    | [||] -> ()
                    | uri ->
                        let bare = message.Bytes[view.Uri.Whole.Start - 1] <> '<'B
                        let open', close = if bare then "<", ">" else "", ""
                        Patch.replace edits view.Uri.Whole (ReadOnlySpan(Text.toBytes open'))
                        Patch.put edits (ReadOnlySpan uri)
                        Patch.put edits (ReadOnlySpan(Text.toBytes close))
                | UriKind.Tel
                | UriKind.Other -> ()
            | ValueNone -> ()

            at <- Message.next message at

    /// Makes the edits that put us in a client's place in its REGISTER, which leaves by this listener.
    let put
        (edits: Edits)
        (station: Station)
        (source: FlowText)
        (leaves: Listener)
        (request: Message)
        =
        replaceEach edits request (fun uri ->
            Text.toBytes (Uri.printSip (standin station source leaves request.Bytes uri)))

    /// Makes the edits that give clients their own Contacts back in the answer.
    let restore (edits: Edits) (station: Station) (response: Message) : unit =
        replaceEach edits response (fun uri ->
            match read station response.Bytes uri with
            | Unsealed.Contact(_, written) -> written.ToArray()
            | Unsealed.Gone
            | Unsealed.Forged
            | Unsealed.Plain -> [||])
