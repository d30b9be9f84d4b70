// Hop: where a message goes next: a flow that lives, or an address that may be called
// (RFC 3261 §16.6 step 7, RFC 7118 §3: a WebSocket can be answered on, never called).

namespace Sip.Routing

open System
open System.Collections.Generic
open Sip

/// The transports on which a server may call.
[<RequireQualifiedAccess; Struct>]
type Dialled =
    | Udp
    | Tcp
    | Tls

/// One place to call.
type Destination =
    {
        Transport: Dialled
        Address: Address
        Port: int
        /// The host that a certificate has to name (RFC 5922 §4).
        Domain: Host
    }

/// The next hop. There is no way to write down a call to a WebSocket.
[<RequireQualifiedAccess>]
type Hop =
    | Flow of Flow: Flow
    | Dial of Destination: Destination

/// Where a URI leads as far as it says so itself.
[<RequireQualifiedAccess>]
type Lead =
    | Straight of Hop: Hop
    /// A name: whoever is behind it has to be looked up (RFC 3263).
    | Sought of Uri: SipUri
    | Nowhere

/// Asking hops.
[<RequireQualifiedAccess>]
module Hop =

    /// The transport of a call.
    let dialled (transport: Dialled) : Transport =
        match transport with
        | Dialled.Udp -> Transport.Udp
        | Dialled.Tcp -> Transport.Tcp
        | Dialled.Tls -> Transport.Tls

    /// The transport that a message to this hop travels by.
    let transport (hop: Hop) : Transport =
        match hop with
        | Hop.Flow flow -> flow.Transport
        | Hop.Dial there -> dialled there.Transport

    /// For tables that are keyed by hops.
    let comparer: IEqualityComparer<Hop> =
        { new IEqualityComparer<Hop> with
            member _.GetHashCode hop =
                match hop with
                | Hop.Flow flow -> Flow.comparer.GetHashCode flow
                | Hop.Dial there -> HashCode.Combine(there.Address, there.Port)

            member _.Equals(one, other) =
                match one, other with
                | Hop.Flow flow, Hop.Flow flow' -> Flow.comparer.Equals(flow, flow')
                | Hop.Dial there, Hop.Dial there' -> there = there'
                | (Hop.Flow _ | Hop.Dial _), (Hop.Flow _ | Hop.Dial _) -> false
        }

    /// Whether there is a connection at this hop, or one is made, whose end is told.
    let isConnection (hop: Hop) : bool =
        match hop with
        | Hop.Flow flow -> Flow.isConnection flow
        | Hop.Dial there -> there.Transport <> Dialled.Udp

    // RFC 3263 §4.1: without a transport parameter UDP serves sip and TLS serves sips.
    let private choose (uri: SipUri) : Dialled voption =
        match Uri.said uri, uri.Scheme with
        | (Said.Nothing | Said.Exactly Transport.Tls), Scheme.Sips -> ValueSome Dialled.Tls
        | Said.Nothing, Scheme.Sip -> ValueSome Dialled.Udp
        | Said.Exactly Transport.Udp, Scheme.Sip -> ValueSome Dialled.Udp
        | Said.Exactly Transport.Tcp, Scheme.Sip -> ValueSome Dialled.Tcp
        | Said.Exactly Transport.Tls, Scheme.Sip -> ValueSome Dialled.Tls
        | Said.Exactly Transport.Udp, Scheme.Sips
        | Said.Exactly Transport.Tcp, Scheme.Sips
        | Said.Exactly(Transport.Ws | Transport.Wss), _
        | Said.WebSocket, _
        | Said.Unheard _, _ -> ValueNone

    /// The port that a URI leads to by this transport.
    let port (transport: Dialled) (uri: SipUri) : int =
        match uri.Port with
        | ValueSome port -> port
        | ValueNone -> Transport.defaultPort (dialled transport)

    /// The call that a URI asks for; nowhere for a WebSocket, an unknown transport, and a host that
    /// no call can reach (`.invalid`, multicast, broadcast, the wildcard).
    let ofUri (uri: SipUri) : Lead =
        match choose uri, uri.Host with
        | ValueNone, _ -> Lead.Nowhere
        | ValueSome _, Host.Name _ when Host.isInvalid uri.Host -> Lead.Nowhere
        | ValueSome _, Host.Name _ -> Lead.Sought uri
        | ValueSome _, Host.Address address when Address.isUnreachable address -> Lead.Nowhere
        | ValueSome transport, Host.Address address ->
            {
                Transport = transport
                Address = address
                Port = port transport uri
                Domain = uri.Host
            }
            |> Hop.Dial
            |> Lead.Straight
