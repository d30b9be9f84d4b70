// Placing: where a binding leads: down its flow, by its Path, or nowhere (RFC 3261 §16.5, RFC 3327 §5.3).

namespace Sip.Edge

open System
open Sip
open Sip.Wire
open Sip.Registrar
open Sip.Routing

/// The way of one binding.
[<RequireQualifiedAccess>]
module Placing =

    // §19.1.1, table 1: a Request-URI carries neither headers nor a method.
    let private asRequestUri (uri: SipUri) =
        Uri.Sip
            { uri with
                Headers = []
                Parameters = Parameters.remove "method" uri.Parameters
            }

    // RFC 3327 §5.3: the Path is the way, and its first hop a neighbour that is configured.
    let private byPath (realm: Realm) (path: string list) : Hop voption =
        match List.tryHead path |> ValueOption.ofOption |> ValueOption.bind AddressView.ofText with
        | ValueNone -> ValueNone
        | ValueSome uri ->
            match Hop.ofUri uri with
            | Lead.Straight hop when Realm.leadsToPeer realm hop -> ValueSome hop
            | Lead.Sought uri -> Realm.peerOf realm uri
            | Lead.Straight _
            | Lead.Nowhere -> ValueNone

    // §16.6 step 6: where the Path begins with a strict router, that is asked and the contact is last.
    let private along (contact: Uri) (path: string list) : struct (string * string list) =
        match path with
        | first :: rest ->
            match AddressView.ofText first with
            | ValueSome uri when not (Parameters.has "lr" uri.Parameters) ->
                let last = NameAddr.print (NameAddr.ofUri contact)
                struct (Uri.print (asRequestUri uri), rest @ [ last ])
            | ValueSome _
            | ValueNone -> struct (Uri.print contact, path)
        | [] -> struct (Uri.print contact, path)

    /// The Request-URI of what goes to a binding.
    let heading (binding: Binding) : Heading =
        match binding.Contact.Uri with
        | Uri.Sip uri ->
            Heading.Written(ReadOnlyMemory(Text.toBytes (Uri.print (asRequestUri uri))))
        | Uri.Tel _
        | Uri.Other _ -> Heading.Kept

    /// Where a binding leads: down the flow that it was registered by while that lives, else by its
    /// Path to a peer; nowhere if neither.
    let ofBinding (realm: Realm) (isLive: Flow -> bool) (binding: Binding) : Place voption =
        let hop =
            if isLive binding.Flow then
                ValueSome(Hop.Flow binding.Flow)
            else
                byPath realm binding.Path

        match binding.Contact.Uri, hop with
        | Uri.Sip uri, ValueSome hop ->
            let struct (heading, path) = along (asRequestUri uri) binding.Path

            ValueSome
                {
                    Hop = hop
                    Heading = Heading.Written(ReadOnlyMemory(Text.toBytes heading))
                    Path = ReadOnlyMemory(Text.toBytes (String.Join(", ", path)))
                    Capabilities = Features.terms binding.Contact.Parameters
                    Spare = []
                }
        | Uri.Sip _, ValueNone
        | (Uri.Tel _ | Uri.Other _), _ -> ValueNone
