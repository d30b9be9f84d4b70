// Hop: where a message goes next: a flow that lives, or an address that may be called
// (RFC 3261 §16.6 step 7, RFC 7118 §3: a WebSocket can be answered on, never called).

namespace Sip.Routing

open System
open System.Collections.Generic
open Sip

/// The next hop. There is no way to write down a call to a WebSocket.
[<RequireQualifiedAccess>]
type Hop =
    | Flow of Flow: Flow
    | Dial of Transport: Dialled * Host: Host * Port: int

/// The transports on which a server may call.
and [<RequireQualifiedAccess; Struct>] Dialled =
    | Udp
    | Tcp
    | Tls

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
        | Hop.Dial(transport, _, _) -> dialled transport

    /// For tables that are keyed by hops.
    let comparer: IEqualityComparer<Hop> =
        { new IEqualityComparer<Hop> with
            member _.GetHashCode hop =
                match hop with
                | Hop.Flow flow -> Flow.comparer.GetHashCode flow
                | Hop.Dial(_, host, port) -> HashCode.Combine(host, port)

            member _.Equals(one, other) =
                match one, other with
                | Hop.Flow flow, Hop.Flow flow' -> Flow.comparer.Equals(flow, flow')
                | Hop.Dial(transport, host, port), Hop.Dial(transport', host', port') ->
                    transport = transport' && port = port' && host = host'
                | (Hop.Flow _ | Hop.Dial _), (Hop.Flow _ | Hop.Dial _) -> false
        }

    /// Whether there is a connection at this hop, or one is made, whose end is told.
    let isConnection (hop: Hop) : bool =
        match hop with
        | Hop.Flow flow -> Flow.isConnection flow
        | Hop.Dial(Dialled.Udp, _, _) -> false
        | Hop.Dial((Dialled.Tcp | Dialled.Tls), _, _) -> true

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

    /// The call that a URI asks for; none for a WebSocket, an unknown transport, and a host that
    /// no call can reach (`.invalid`, multicast, broadcast, the wildcard).
    let ofUri (uri: SipUri) : Hop voption =
        let reachable =
            match uri.Host with
            | Host.Name _ -> not (Host.isInvalid uri.Host)
            | Host.Address address -> not (Address.isUnreachable address)

        match choose uri with
        | ValueSome transport when reachable ->
            let port =
                match uri.Port with
                | ValueSome port -> port
                | ValueNone -> Transport.defaultPort (dialled transport)

            ValueSome(Hop.Dial(transport, uri.Host, port))
        | ValueSome _
        | ValueNone -> ValueNone
