// Branch: branches and tags derived from the secret and the message, never drawn, and how a loop is
// seen (RFC 3261 §16.3 step 4, §16.6 step 8; RFC 5393 §4.2).

namespace Sip.Routing

open System
open Sip
open Sip.Wire

/// Deriving branches and tags.
[<RequireQualifiedAccess>]
module Branch =

    let private cookie = "z9hG4bK"

    let private part (message: Message) (slice: Slice) = (message.Slice slice).ToArray()

    let private all (message: Message) (name: HeaderName) =
        Message.texts name message |> List.map Text.toBytes

    // RFC 5393 §4.2.1: the loop part covers every field that routing depends on.
    let private loopPart (secret: byte[]) (message: Message) : string =
        let uri =
            match message.Start with
            | StartLine.Request(_, _, uri) -> part message uri.Whole
            | StartLine.Response _ -> [||]

        let identity =
            [ HeaderName.From; HeaderName.To ]
            |> List.map (fun name -> part message (Message.tag name message))

        let routing =
            [
                HeaderName.CallId
                HeaderName.CSeq
                HeaderName.Route
                HeaderName.ProxyRequire
            ]
            |> List.collect (all message)

        Seal.text secret "loop" (uri :: identity @ routing)

    /// The branch of the request forwarded for the transaction that this key identifies; each of
    /// its targets has an index of its own.
    let derive (secret: byte[]) (transaction: byte[]) (index: int) (received: Message) : string =
        let unique = Seal.text secret "branch" [ transaction; BitConverter.GetBytes index ]
        String.Concat(String.Concat(cookie, unique, "."), loopPart secret received)

    /// Whether this request has been here before with nothing changed that routing depends on.
    let hasLooped (realm: Realm) (message: Message) : bool =
        let bytes = message.Bytes.ToArray()

        let ours (slice: Slice) =
            match ViaView.read (ReadOnlySpan bytes) slice with
            | ValueSome view ->
                match ViaView.toVia (ReadOnlySpan bytes) view with
                | ValueSome via when Realm.wroteSentBy realm via.Host via.Port -> Via.branch via
                | ValueSome _
                | ValueNone -> ValueNone
            | ValueNone -> ValueNone

        let endings =
            Message.values HeaderName.Via message
            |> List.choose (fun via -> ours via |> ValueOption.toOption)

        match endings with
        | [] -> false
        | _ ->
            let here = String.Concat(".", loopPart realm.Secret message)

            List.exists
                (fun (branch: string) -> branch.EndsWith(here, StringComparison.Ordinal))
                endings

    /// The To tag of our own answers to this request: the same request always gets the same.
    let tag (secret: byte[]) (request: Message) : string =
        let via = Message.firstValue HeaderName.Via request

        Seal.text
            secret
            "tag"
            [ part request via; part request (Message.value HeaderName.CallId request) ]
