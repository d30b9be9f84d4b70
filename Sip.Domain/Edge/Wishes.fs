// Wishes: what an operator asks for, as text.

namespace Sip.Edge

open System
open System.Collections.Generic
open Sip
open Sip.Wire
open Sip.Routing

/// What an operator asks for, as written, and what the shell knows of the machine.
type Wishes =
    {
        /// `transport:address:port`, and `=host[:port]` behind it for another advertised name.
        Listen: IReadOnlyList<string>
        /// Like `Listen`, for TLS from peers that are known by their certificates alone.
        Trunks: IReadOnlyList<string>
        /// The host that listeners beyond loopback are known by; empty for none.
        Advertise: string
        Domains: IReadOnlyList<string>
        /// `transport:host:port` of trunks and neighbouring servers.
        Peers: IReadOnlyList<string>
        /// The addresses of the peers that are named, by name.
        Resolved: IReadOnlyDictionary<string, IReadOnlyList<Address>>
        /// The registrar that this server is the edge of: URIs, hosts, or `transport:host:port`.
        Upstreams: IReadOnlyList<string>
        /// `supported`, `demanded` or `none`: what the registrar makes of Path.
        UpstreamPath: string
        /// Addresses, or ranges of them, that are never called.
        Barred: IReadOnlyList<string>
        /// Addresses, or ranges of them, of balancers that say for whom they connect.
        Balancers: IReadOnlyList<string>
        /// `name=number`: bounds other than the usual, for everybody.
        Limits: IReadOnlyList<string>
        /// Pages that may connect by WebSocket, beside those of this host; `*` for any.
        Origins: IReadOnlyList<string>
        /// The Host names that a handshake may ask for; none means any.
        Hosts: IReadOnlyList<string>
        /// The paths at which there is a WebSocket; none means any.
        Paths: IReadOnlyList<string>
        /// The addresses by which the machine reaches others, at most one a family.
        Outward: IReadOnlyList<Address>
        UnsafeNoAuth: bool
        /// `known` or `anybody`: whose calls and messages reach users.
        Inbound: string
        /// What a user may set going towards users and towards peers: `minute,hour,day,destinations,row`.
        UserStarts: string
        PeerStarts: string
        /// What a user may have going towards users and towards peers: `calls,minutes`.
        UserCalls: string
        PeerCalls: string
        /// `all`, or names with commas: the digest algorithms that are offered.
        Digest: string
        /// Whether a client whose first hop keeps no flow is refused, should it want one kept.
        StrictOutbound: bool
        /// Whether a Path is refused that the client does not know of.
        StrictPath: bool
        /// By whom and for whom tokens are that are taken instead of passwords.
        Tokens: Identity.JwtRules voption
        /// Whether they are taken where anybody can overhear them.
        UnsafeBearer: bool
        /// Where the token stands that a WebSocket handshake has to have: `protocol`, `cookie=NAME`; none wants none.
        HandshakeTokens: IReadOnlyList<string>
        /// Bytes that a message may have.
        MessageBytes: int
        /// 32 random bytes.
        Secret: byte[]
        /// A number that no other run of this process has.
        Epoch: uint64
        /// When the clock of instants began, in Unix time.
        Born: int64<s>
    }

/// Reading the places that wishes name.
[<RequireQualifiedAccess>]
module Written =

    let private tryPort (text: string) =
        match Int32.TryParse text with
        | true, port when port >= 1 && port <= 65535 && String.forall Char.IsAsciiDigit text ->
            ValueSome port
        | _ -> ValueNone

    /// `host:port`, with the host's brackets kept; none without a port.
    let tryHostPort (text: string) : struct (Host * int) voption =
        let colon = text.LastIndexOf ':'

        if colon < 1 then
            ValueNone
        else
            match Host.tryRead (text.Substring(0, colon)), tryPort (text.Substring(colon + 1)) with
            | ValueSome host, ValueSome port -> ValueSome(struct (host, port))
            | ValueSome _, ValueNone
            | ValueNone, _ -> ValueNone

    /// `transport:rest`.
    let tryTransport (text: string) : struct (Transport * string) voption =
        let colon = text.IndexOf ':'

        if colon < 1 then
            ValueNone
        else
            match Transport.tryWord (text.Substring(0, colon)) with
            | ValueSome transport -> ValueSome(struct (transport, text.Substring(colon + 1)))
            | ValueNone -> ValueNone
