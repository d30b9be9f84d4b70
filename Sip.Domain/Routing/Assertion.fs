// Assertion: who a client is, said to peers and to nobody else (RFC 3325 §5, §9.1): what a client says about
// itself comes off, what we know is put on towards a peer, and what a peer says stays among peers.
// Remote-Party-ID, which came before it and which trunks still believe, is what P-Asserted-Identity is; Diversion
// (RFC 5806) and History-Info (RFC 7044) say whom a call was for before, which trunks bill and clients make up.
// HOT: for what goes between clients five fields are looked for and nothing is made.

namespace Sip.Routing

open System
open Sip
open Sip.Wire
open Sip.Registrar

/// Somebody who has registered, and the line that says so.
type Asserted = { Aor: Aor; Line: byte[] }

/// Saying who clients are.
[<RequireQualifiedAccess>]
module Assertion =

    /// The assertion for an address of record, as the user wrote it.
    let ofUri (uri: SipUri) : Asserted =
        let plain =
            Uri.Sip
                { uri with
                    Password = ValueNone
                    Parameters = []
                    Headers = []
                }

        {
            Aor = Aor.ofSip uri
            Line =
                Text.toBytes (
                    String.Concat(
                        "P-Asserted-Identity: ",
                        NameAddr.print (NameAddr.ofUri plain),
                        "\r\n"
                    )
                )
        }

    let private strip (edits: Edits) (message: Message) (name: HeaderName) =
        let mutable field = Message.field name message

        while field.Line.IsThere do
            Patch.remove edits field.Line

            field <-
                if field.Next >= 0 then
                    message.Fields[field.Next]
                else
                    Message.nowhere

    let private stripAsserted (edits: Edits) (message: Message) =
        strip edits message HeaderName.PAssertedIdentity
        strip edits message HeaderName.RemotePartyId

    // §9.2: a user with several names says by P-Preferred-Identity which is meant; else From does.
    let private named (message: Message) (name: HeaderName) : Aor voption =
        match AddressView.read message.Bytes (Message.firstValue name message) with
        | ValueSome view -> UriView.toUri message.Bytes view.Uri |> ValueOption.bind Aor.ofUri
        | ValueNone -> ValueNone

    let private meant (message: Message) (several: Asserted list) : Asserted =
        let byName name =
            let aor = named message name
            several |> List.tryFind (fun one -> ValueSome one.Aor = aor)

        [ HeaderName.PPreferredIdentity; HeaderName.From ]
        |> List.tryPick byName
        |> Option.defaultValue several.Head

    // §9.1: the table of methods.
    let private mayCarry (method: Method) =
        match method with
        | Method.Ack
        | Method.Cancel
        | Method.Register -> false
        | Method.Invite
        | Method.Bye
        | Method.Options
        | Method.Message
        | Method.Subscribe
        | Method.Notify
        | Method.Refer
        | Method.Update
        | Method.Info
        | Method.Prack
        | Method.Publish
        | Method.Other -> true

    let private add (edits: Edits) (message: Message) (known: Asserted list) =
        let method = Method.ofBytes (message.Slice(Message.methodName message))

        if mayCarry method then
            let line =
                (if known.Tail.IsEmpty then
                     known.Head
                 else
                     meant message known)
                    .Line

            Patch.insert edits (Patch.endOfHead message) (ReadOnlySpan line)

    /// Makes the edits to a message from somebody of the one standing to somebody of the other, when
    /// these users have registered over the connection that it came by.
    let put
        (edits: Edits)
        (from: Standing)
        (towards: Standing)
        (known: Asserted list)
        (message: Message)
        : unit =
        match from, towards with
        | Standing.Peer, Standing.Peer -> ()
        | Standing.Peer, Standing.Client -> stripAsserted edits message
        | Standing.Client, Standing.Client
        | Standing.Client, Standing.Peer ->
            stripAsserted edits message
            strip edits message HeaderName.PPreferredIdentity
            strip edits message HeaderName.Diversion
            strip edits message HeaderName.HistoryInfo

            if towards = Standing.Peer && not known.IsEmpty then
                add edits message known
