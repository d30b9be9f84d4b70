// Setup: an operator's wishes as text become a Realm and the sockets to open, or the whole list of
// what is wrong with them. No wish is corrected in silence, and no address that nobody else can
// reach is ever advertised to the world.

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
        /// The host that listeners beyond loopback are known by; empty for none.
        Advertise: string
        Domains: IReadOnlyList<string>
        /// `transport:host:port` of trunks and neighbouring servers.
        Peers: IReadOnlyList<string>
        /// The addresses of the peers that are named, by name.
        Resolved: IReadOnlyDictionary<string, IReadOnlyList<Address>>
        /// Pages that may connect by WebSocket, beside those of this host; `*` for any.
        Origins: IReadOnlyList<string>
        /// The Host names that a handshake may ask for; none means any.
        Hosts: IReadOnlyList<string>
        /// The paths at which there is a WebSocket; none means any.
        Paths: IReadOnlyList<string>
        /// The addresses by which the machine reaches others, at most one a family.
        Outward: IReadOnlyList<Address>
        UnsafeNoAuth: bool
        /// Bytes that a message may have.
        MessageBytes: int
        /// 32 random bytes.
        Secret: byte[]
    }

/// A socket to open; two listeners that differ in SIP or WebSocket alone share one.
type Opening =
    {
        Bound: Endpoint
        /// The listener for SIP, of which UDP is one.
        Sip: ListenerId voption
        WebSocket: ListenerId voption
        IsDatagram: bool
        IsSecure: bool
        Rules: StreamRules
    }

/// All that the shell needs to begin.
type Setup =
    {
        Realm: Realm
        Openings: IReadOnlyList<Opening>
        /// Whether nobody but this machine can reach the server.
        IsLocal: bool
    }

/// What became of the wishes.
[<RequireQualifiedAccess>]
type Configured =
    | Ready of Setup: Setup
    | Invalid of Problems: IReadOnlyList<string>

/// Turning wishes into a setup.
[<RequireQualifiedAccess>]
module Setup =

    type private Part<'part> = Result<'part, string>

    let private listenForm =
        "say transport:address:port, for example udp:127.0.0.1:5060, tls:[::1]:5061 or "
        + "ws:0.0.0.0:8080=sip.example.com:443"

    let private tryPort (text: string) =
        match Int32.TryParse text with
        | true, port when port >= 1 && port <= 65535 && Seq.forall Char.IsAsciiDigit text ->
            ValueSome port
        | _ -> ValueNone

    /// `host:port`, with the host's brackets kept; none without a port.
    let private tryPlace (text: string) : struct (Host * int) voption =
        let colon = text.LastIndexOf ':'

        if colon < 1 then
            ValueNone
        else
            match Host.tryRead (text.Substring(0, colon)), tryPort (text.Substring(colon + 1)) with
            | ValueSome host, ValueSome port -> ValueSome(struct (host, port))
            | ValueSome _, ValueNone
            | ValueNone, _ -> ValueNone

    /// `transport:rest`.
    let private tryTransport (text: string) : struct (Transport * string) voption =
        let colon = text.IndexOf ':'

        if colon < 1 then
            ValueNone
        else
            match Transport.tryWord (text.Substring(0, colon)) with
            | ValueSome transport -> ValueSome(struct (transport, text.Substring(colon + 1)))
            | ValueNone -> ValueNone

    let private isLoopbackHost (host: Host) =
        match host with
        | Host.Address address -> Address.isLoopback address
        | Host.Name name ->
            name = "localhost" || name.EndsWith(".localhost", StringComparison.Ordinal)

    let private advertised (wishes: Wishes) (bound: Endpoint) (said: string) : Part<Host * int> =
        let asked = if said <> "" then said else wishes.Advertise

        let place =
            match tryPlace asked with
            | ValueSome(struct (host, port)) -> ValueSome(host, port)
            | ValueNone -> Host.tryRead asked |> ValueOption.map (fun host -> host, bound.Port)

        let sameFamily address =
            Address.isV4 address = Address.isV4 bound.Address

        match place with
        | _ when said = "" && Address.isLoopback bound.Address ->
            Ok(Host.Address bound.Address, bound.Port)
        | ValueSome(host, _) when isLoopbackHost host && not (Address.isLoopback bound.Address) ->
            Error(
                "would advertise "
                + Host.print host
                + ", where nobody else can reach it: give --advertise the server's public name"
            )
        | ValueSome(host, port) -> Ok(host, port)
        | ValueNone when asked <> "" ->
            Error(String.Concat("cannot advertise '", asked, "': that is no host or host:port"))
        | ValueNone when not (Address.isUnspecified bound.Address) ->
            Ok(Host.Address bound.Address, bound.Port)
        | ValueNone ->
            match
                wishes.Outward
                |> Seq.tryFind (fun a -> sameFamily a && not (Address.isLoopback a))
            with
            | Some address -> Ok(Host.Address address, bound.Port)
            | None ->
                Error
                    "listens on every address, and none can be found by which others reach this \
                     machine: give --advertise its public name or address"

    let private listener (wishes: Wishes) (index: int) (text: string) : Part<Listener> =
        let wrong reason =
            Error(String.Concat("--listen ", text, ": ", reason))

        let place, said =
            match text.IndexOf '=' with
            | -1 -> text, ""
            | at -> text.Substring(0, at), text.Substring(at + 1)

        match tryTransport place with
        | ValueNone -> wrong listenForm
        | ValueSome(struct (transport, rest)) ->
            match tryPlace rest with
            | ValueSome(struct (Host.Address address, port)) ->
                let bound = { Address = address; Port = port }

                match advertised wishes bound said with
                | Error reason -> wrong reason
                | Ok(host, port) ->
                    Ok
                        {
                            Id = ListenerId index
                            Transport = transport
                            Bound = bound
                            AdvertisedHost = host
                            AdvertisedPort = port
                        }
            | ValueSome(struct (Host.Name _, _)) ->
                wrong "a server listens on an address, not on a name; 0.0.0.0 is every address"
            | ValueNone -> wrong listenForm

    let private dialled (transport: Transport) =
        match transport with
        | Transport.Udp -> ValueSome Dialled.Udp
        | Transport.Tcp -> ValueSome Dialled.Tcp
        | Transport.Tls -> ValueSome Dialled.Tls
        | Transport.Ws
        | Transport.Wss -> ValueNone

    let private peerPlace (text: string) : struct (Dialled * Host * int) voption =
        match tryTransport text with
        | ValueNone -> ValueNone
        | ValueSome(struct (transport, rest)) ->
            match dialled transport, tryPlace rest with
            | ValueSome dialled, ValueSome(struct (host, port)) ->
                ValueSome(struct (dialled, host, port))
            | ValueSome _, ValueNone
            | ValueNone, _ -> ValueNone

    let private peer (wishes: Wishes) (text: string) : Part<Peer> =
        let wrong reason =
            Error(String.Concat("--peer ", text, ": ", reason))

        match peerPlace text with
        | ValueNone -> wrong "say udp, tcp or tls, then :host:port, for example udp:192.0.2.7:5060"
        | ValueSome(struct (transport, host, port)) ->
            let addresses =
                match host with
                | Host.Address address -> [ address ]
                | Host.Name name ->
                    match wishes.Resolved.TryGetValue name with
                    | true, found -> List.ofSeq found
                    | false, _ -> []

            if addresses.IsEmpty then
                wrong "its name has no address: correct the name, or give the address"
            else
                Ok
                    {
                        Transport = transport
                        Host = host
                        Port = port
                        Addresses = addresses
                    }

    /// The names among the peers, whose addresses the shell has to look up first.
    let namesToResolve (peers: IReadOnlyList<string>) : IReadOnlyList<string> =
        [|
            for text in peers do
                match peerPlace text with
                | ValueSome(struct (_, Host.Name name, _)) -> name
                | ValueSome(struct (_, Host.Address _, _))
                | ValueNone -> ()
        |]

    let private domain (text: string) : Part<string> =
        match Host.tryRead text with
        | ValueSome host -> Ok(Host.print host)
        | ValueNone -> Error(String.Concat("--domain ", text, ": that is no host name or address"))

    let private twice (listeners: Listener list) : string list =
        listeners
        |> List.groupBy (fun l -> l.Transport, l.Bound)
        |> List.filter (fun (_, same) -> same.Length > 1)
        |> List.map (fun ((transport, bound), _) ->
            String.Concat(
                "--listen ",
                String.Concat(Transport.inVia(transport).ToLowerInvariant(), ":"),
                Endpoint.print bound,
                ": stands there twice"
            ))

    let private mixed (listeners: Listener list) : string list =
        listeners
        |> List.filter (fun l -> l.Transport <> Transport.Udp)
        |> List.groupBy _.Bound
        |> List.filter (fun (_, same) ->
            List.length (
                List.distinctBy (fun (l: Listener) -> Transport.isSecure l.Transport) same
            )
                >
                1)
        |> List.map (fun (bound, _) ->
            String.Concat(
                "--listen ... ",
                Endpoint.print bound,
                ": one port cannot be both with and without TLS"
            ))

    let private own (listeners: Listener list) : string list =
        match listeners with
        | first :: _ -> [ Host.print first.AdvertisedHost ]
        | [] -> []

    let private rules (wishes: Wishes) limits (sip: bool) (webSocket: bool) : StreamRules =
        {
            Serving =
                match sip, webSocket with
                | true, true -> Serving.Either
                | false, true -> Serving.WebSocket
                | _, false -> Serving.Sip
            Limits = limits
            Handshake =
                {
                    Paths =
                        if wishes.Paths.Count = 0 then
                            Paths.AnyPath
                        else
                            Paths.OnlyPaths(List.ofSeq wishes.Paths)
                    Hosts =
                        if wishes.Hosts.Count = 0 then
                            Hosts.AnyHost
                        else
                            Hosts.OnlyHosts(List.ofSeq wishes.Hosts)
                    Origins =
                        if Seq.contains "*" wishes.Origins then
                            Origins.AnyOrigin
                        else
                            Origins.SameHostOr(List.ofSeq wishes.Origins)
                }
        }

    let private openings (wishes: Wishes) limits (listeners: Listener list) : Opening list =
        let opening (bound, isDatagram) (same: Listener list) =
            let find wanted =
                same
                |> List.tryFind (fun l -> Transport.isWebSocket l.Transport = wanted)
                |> function
                    | Some listener -> ValueSome listener.Id
                    | None -> ValueNone

            let sip = find false
            let webSocket = find true

            {
                Bound = bound
                Sip = sip
                WebSocket = webSocket
                IsDatagram = isDatagram
                IsSecure = List.exists (fun (l: Listener) -> Transport.isSecure l.Transport) same
                Rules = rules wishes limits sip.IsSome webSocket.IsSome
            }

        listeners
        |> List.groupBy (fun l -> l.Bound, l.Transport = Transport.Udp)
        |> List.map (fun (place, same) -> opening place same)

    let private failures (parts: Part<'part> list) : string list =
        parts
        |> List.choose (fun part ->
            match part with
            | Ok _ -> None
            | Error reason -> Some reason)

    let private successes (parts: Part<'part> list) : 'part list =
        parts
        |> List.choose (fun part ->
            match part with
            | Ok value -> Some value
            | Error _ -> None)

    /// The setup that was wished for, or everything that is wrong with the wishes at once.
    let configure (wishes: Wishes) : Configured =
        let listens = List.ofSeq wishes.Listen |> List.mapi (listener wishes)
        let peers = List.ofSeq wishes.Peers |> List.map (peer wishes)
        let domains = List.ofSeq wishes.Domains |> List.map domain
        let listeners = successes listens

        let size =
            if wishes.MessageBytes >= 1024 && wishes.MessageBytes <= 1048576 then
                []
            else
                [ "--message-bytes: say a number from 1024 to 1048576" ]

        let nowhere =
            if wishes.Listen.Count = 0 then
                [ "--listen: the server needs at least one listener; " + listenForm ]
            else
                []

        let problems =
            nowhere
            @ failures listens
            @ twice listeners
            @ mixed listeners
            @ failures peers
            @ failures domains
            @ size

        if problems.IsEmpty then
            let limits =
                { Limits.usual with
                    MessageSize = wishes.MessageBytes * 1<octet>
                }

            Configured.Ready
                {
                    Realm =
                        {
                            Domains =
                                match successes domains with
                                | [] -> own listeners
                                | named -> named
                            Listeners = List.toArray listeners
                            Peers = successes peers
                            Admittance =
                                if wishes.UnsafeNoAuth then
                                    Admittance.UnsafeOpen
                                else
                                    Admittance.Authenticated
                            Limits = limits
                            Secret = wishes.Secret
                        }
                    Openings = List.toArray (openings wishes limits listeners)
                    IsLocal = listeners |> List.forall (fun l -> Address.isLoopback l.Bound.Address)
                }
        else
            Configured.Invalid(List.toArray problems)
