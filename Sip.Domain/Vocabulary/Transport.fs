// Transport: what a flow *is*, what a Via *names* and what a URI *says* (RFC 3261 §18, RFC 7118 §5).
// Three types with three functions between them: `;transport=ws` in a URI says only "WebSocket",
// and nothing but a live flow tells ws from wss.

namespace Sip

/// What carries the bytes of a flow.
[<RequireQualifiedAccess; Struct>]
type Transport =
    | Udp
    | Tcp
    | Tls
    | Ws
    | Wss

/// The scheme of a SIP URI.
[<RequireQualifiedAccess; Struct>]
type Scheme =
    | Sip
    | Sips

/// What a URI says about transport, before anyone asks which connections are alive.
[<RequireQualifiedAccess>]
type Said =
    | Exactly of Transport: Transport
    | WebSocket
    | Nothing
    | Unheard of Word: string

/// What one transport is like, and its spellings.
[<RequireQualifiedAccess>]
module Transport =

    /// Whether the transport delivers in order without loss, so that nothing is retransmitted.
    let isReliable (transport: Transport) : bool =
        match transport with
        | Transport.Udp -> false
        | Transport.Tcp
        | Transport.Tls
        | Transport.Ws
        | Transport.Wss -> true

    /// Whether the transport is encrypted.
    let isSecure (transport: Transport) : bool =
        match transport with
        | Transport.Tls
        | Transport.Wss -> true
        | Transport.Udp
        | Transport.Tcp
        | Transport.Ws -> false

    /// Whether a server can only be called on this transport, never call (RFC 7118 §3).
    let isWebSocket (transport: Transport) : bool =
        match transport with
        | Transport.Ws
        | Transport.Wss -> true
        | Transport.Udp
        | Transport.Tcp
        | Transport.Tls -> false

    /// The port that is meant when none is written (RFC 3261 §18.1.1, RFC 7118 §5.3).
    let defaultPort (transport: Transport) : int =
        match transport with
        | Transport.Udp
        | Transport.Tcp -> 5060
        | Transport.Tls -> 5061
        | Transport.Ws -> 80
        | Transport.Wss -> 443

    /// The transport as a Via names it.
    let inVia (transport: Transport) : string =
        match transport with
        | Transport.Udp -> "UDP"
        | Transport.Tcp -> "TCP"
        | Transport.Tls -> "TLS"
        | Transport.Ws -> "WS"
        | Transport.Wss -> "WSS"

    /// The transport as a URI spells it: `ws` for both WebSocket transports (RFC 7118 §5.2.4).
    let inUri (transport: Transport) : string =
        match transport with
        | Transport.Udp -> "udp"
        | Transport.Tcp -> "tcp"
        | Transport.Tls -> "tls"
        | Transport.Ws
        | Transport.Wss -> "ws"

    /// The transport that a word in a Via or in a setting names, if any.
    let tryWord (word: string) : Transport voption =
        match word.ToLowerInvariant() with
        | "udp" -> ValueSome Transport.Udp
        | "tcp" -> ValueSome Transport.Tcp
        | "tls" -> ValueSome Transport.Tls
        | "ws" -> ValueSome Transport.Ws
        | "wss" -> ValueSome Transport.Wss
        | _ -> ValueNone

    /// What a URI of this scheme with this transport parameter says.
    let said (scheme: Scheme) (word: string voption) : Said =
        match scheme, word |> ValueOption.map tryWord with
        | _, ValueNone -> Said.Nothing
        | Scheme.Sips, ValueSome(ValueSome(Transport.Ws | Transport.Wss)) ->
            Said.Exactly Transport.Wss
        | Scheme.Sip, ValueSome(ValueSome(Transport.Ws | Transport.Wss)) -> Said.WebSocket
        | Scheme.Sips, ValueSome(ValueSome Transport.Tcp) -> Said.Exactly Transport.Tls
        | _, ValueSome(ValueSome transport) -> Said.Exactly transport
        | _, ValueSome ValueNone -> Said.Unheard(ValueOption.defaultValue "" word)

    /// Whether a flow is what a URI asked for.
    let satisfies (said: Said) (transport: Transport) : bool =
        match said with
        | Said.Exactly wanted -> wanted = transport
        | Said.WebSocket -> isWebSocket transport
        | Said.Nothing -> true
        | Said.Unheard _ -> false
