// Nat: what a message and its flow say about address translation between us and its sender: the questions
// that other servers ask as a sum of bits, here a set of findings. Nothing in it decides; who wants a
// client kept alive or its media relayed asks the set.

namespace Sip.Routing

open System
open Sip
open Sip.Wire

/// One finding.
[<RequireQualifiedAccess>]
type Finding =
    /// The Contact has an address of a private network.
    | PrivateContact
    /// The top Via names another host than the source.
    | SentByDiffers
    /// The top Via names an address of a private network.
    | PrivateSentBy
    /// The session description has an address of a private network.
    | PrivateMedia
    /// The top Via names another port than the source's.
    | SourcePortDiffers
    /// The source itself is in a private network.
    | PrivateSource
    /// The message came over a WebSocket.
    | WebSocket
    /// The Contact names another port than the source's.
    | ContactPortDiffers
    /// The session description names another address than the source.
    | MediaDiffers
    /// The request goes elsewhere than its Request-URI says, or to a WebSocket.
    | TargetDiffers

/// What the findings are made from.
type NatFacts =
    {
        Source: Flow
        /// The top Via.
        SentBy: Host * int
        Contact: (Host * int) voption
        /// The addresses of the session description's `c=` lines.
        Media: Address list
        /// Where a request goes, and what its Request-URI says.
        Onward: (Hop * SipUri) voption
    }

/// Finding translation.
[<RequireQualifiedAccess>]
module Nat =

    /// The bit that other servers have for a finding.
    let bit (finding: Finding) : int =
        match finding with
        | Finding.PrivateContact -> 1
        | Finding.SentByDiffers -> 2
        | Finding.PrivateSentBy -> 4
        | Finding.PrivateMedia -> 8
        | Finding.SourcePortDiffers -> 16
        | Finding.PrivateSource -> 32
        | Finding.WebSocket -> 64
        | Finding.ContactPortDiffers -> 128
        | Finding.MediaDiffers -> 256
        | Finding.TargetDiffers -> 512

    let private isPrivate (host: Host) =
        match host with
        | Host.Address address -> Cidr.isPrivate address
        | Host.Name _ -> false

    let private portOf (uri: SipUri) =
        match uri.Port, Uri.said uri, uri.Scheme with
        | ValueSome port, _, _ -> port
        | ValueNone, Said.Exactly transport, _ -> Transport.defaultPort transport
        | ValueNone, Said.WebSocket, _ -> Transport.defaultPort Transport.Ws
        | ValueNone, (Said.Nothing | Said.Unheard _), Scheme.Sips ->
            Transport.defaultPort Transport.Tls
        | ValueNone, (Said.Nothing | Said.Unheard _), Scheme.Sip ->
            Transport.defaultPort Transport.Udp

    let private differs (hop: Hop) (uri: SipUri) =
        match hop with
        | Hop.Flow flow ->
            Transport.isWebSocket flow.Transport
            || uri.Host <> Host.Address flow.Remote.Address
            || portOf uri <> flow.Remote.Port
        | Hop.Dial there -> uri.Host <> there.Domain || portOf uri <> there.Port

    let private fromContact (source: Endpoint) contact =
        match contact with
        | ValueNone -> []
        | ValueSome(host, port) ->
            [
                if isPrivate host then
                    Finding.PrivateContact
                if port <> source.Port then
                    Finding.ContactPortDiffers
            ]

    let private fromVia (source: Endpoint) (host, port) =
        [
            if host <> Host.Address source.Address then
                Finding.SentByDiffers
            if isPrivate host then
                Finding.PrivateSentBy
            if port <> source.Port then
                Finding.SourcePortDiffers
        ]

    let private fromMedia (source: Endpoint) (media: Address list) =
        [
            if List.exists Cidr.isPrivate media then
                Finding.PrivateMedia
            if List.exists (fun address -> address <> source.Address) media then
                Finding.MediaDiffers
        ]

    let private fromSource (flow: Flow) =
        [
            if Cidr.isPrivate flow.Remote.Address then
                Finding.PrivateSource
            if Transport.isWebSocket flow.Transport then
                Finding.WebSocket
        ]

    let private fromTarget onward =
        match onward with
        | ValueSome(hop, uri) when differs hop uri -> [ Finding.TargetDiffers ]
        | ValueSome _
        | ValueNone -> []

    /// Everything that is found.
    let findings (facts: NatFacts) : Set<Finding> =
        let source = facts.Source.Remote

        fromContact source facts.Contact
        @ fromVia source facts.SentBy
        @ fromMedia source facts.Media
        @ fromSource facts.Source
        @ fromTarget facts.Onward
        |> Set.ofList

    // connection-field = "c=" nettype SP addrtype SP connection-address, perhaps with /ttl (RFC 8866)
    let private mediaAddress (line: string) : Address option =
        match line.TrimEnd('\r').Split ' ' with
        | [| "c=IN"; ("IP4" | "IP6"); written |] ->
            let address = written.Split('/')[0]

            Address.tryV4 address
            |> ValueOption.orElse (Address.tryV6 address)
            |> ValueOption.toOption
        | _ -> None

    /// The addresses that the `c=` lines of a session description name.
    let media (description: string) : Address list =
        description.Split '\n'
        |> List.ofArray
        |> List.choose mediaAddress
        |> List.distinct

    let private contactOf (message: Message) =
        AddressView.toSip message.Bytes (Message.firstValue HeaderName.Contact message)
        |> ValueOption.map (fun uri -> uri.Host, portOf uri)

    let private sentBy (message: Message) : (Host * int) voption =
        match Message.topVia message with
        | ValueNone -> ValueNone
        | ValueSome view ->
            ViaView.toVia message.Bytes view
            |> ValueOption.map (fun via ->
                let usual =
                    match Transport.tryWord via.Transport with
                    | ValueSome transport -> Transport.defaultPort transport
                    | ValueNone -> Transport.defaultPort Transport.Udp

                via.Host, ValueOption.defaultValue usual via.Port)

    /// What a message that came on a flow says; reading has made sure that it has a Via.
    let facts (source: Flow) (onward: (Hop * SipUri) voption) (message: Message) : NatFacts =
        {
            Source = source
            SentBy =
                sentBy message
                |> ValueOption.defaultValue (Host.Address source.Remote.Address, source.Remote.Port)
            Contact = contactOf message
            Media = media (message.Text message.Body)
            Onward = onward
        }

    /// Whether something between us and the sender of a datagram has given it another address: the way back is
    /// there only as long as that remembers it. The same as finding that the top Via names another host or
    /// port than the source, and makes nothing. HOT for registrations.
    let isTranslated (source: Endpoint) (message: Message) : bool =
        match Message.topVia message with
        | ValueNone -> false
        | ValueSome via ->
            let port =
                if via.Port >= 0 then
                    via.Port
                else
                    Transport.defaultPort Transport.Udp

            match HostView.address (message.Slice via.Host) with
            | ValueSome address -> address <> source.Address || port <> source.Port
            | ValueNone -> true
