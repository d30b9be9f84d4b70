// Setup: an operator's wishes as text become a Realm and the sockets to open, or the whole list of
// what is wrong with them. No wish is corrected in silence.

namespace Sip.Edge

open System
open System.Collections.Generic
open Sip
open Sip.Wire
open Sip.Registrar
open Sip.Routing
open Sip.Identity
open Sip.Guarding

/// A socket to open; two listeners that differ in SIP or WebSocket alone share one.
type Opening =
    {
        Bound: Endpoint
        /// The listener for SIP, of which UDP is one.
        Sip: ListenerId voption
        WebSocket: ListenerId voption
        IsDatagram: bool
        IsSecure: bool
        Admits: Admits
        Rules: StreamRules
    }

/// All that the shell needs to begin.
type Setup =
    {
        Realm: Realm
        Policy: Policy
        Bounds: Bounds
        Openings: IReadOnlyList<Opening>
        /// Who may say for whom a connection is.
        Balancers: Cidr list
        /// Whether nobody but this machine can reach the server.
        IsLocal: bool
    }

    /// Whether a connection from there may say for whom it is.
    member this.IsBalancer(address: Address) : bool = Balancers.holds this.Balancers address

    /// For whom a balancer asks, by the head of its WebSocket handshake.
    member this.Behind(balancer: Endpoint, head: ReadOnlySpan<byte>) : Behind =
        Balancers.behind this.Balancers balancer head

/// What became of the wishes.
[<RequireQualifiedAccess>]
type Configured =
    | Ready of Setup: Setup
    | Invalid of Problems: IReadOnlyList<string>

/// Turning wishes into a setup.
[<RequireQualifiedAccess>]
module Setup =

    type private Part<'part> = Result<'part, string>

    let private dialled (transport: Transport) =
        match transport with
        | Transport.Udp -> ValueSome Dialled.Udp
        | Transport.Tcp -> ValueSome Dialled.Tcp
        | Transport.Tls -> ValueSome Dialled.Tls
        | Transport.Ws
        | Transport.Wss -> ValueNone

    let private peerPlace (text: string) : struct (Dialled * Host * int) voption =
        match Written.tryTransport text with
        | ValueNone -> ValueNone
        | ValueSome(struct (transport, rest)) ->
            match dialled transport, Written.tryHostPort rest with
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
                        Proof =
                            match transport, host with
                            | Dialled.Tls, Host.Name _ when wishes.Trunks.Count > 0 ->
                                PeerProof.Certificate
                            | _, _ -> PeerProof.Address
                    }

    // `192.0.2.7`, `registrar.example` or `udp:192.0.2.7:5060`, where no URI is written out.
    let private serverUri (text: string) : SipUri voption =
        let whole =
            match peerPlace text with
            | ValueSome(struct (transport, host, port)) ->
                let word = Transport.inUri (Hop.dialled transport)
                let place = String.Concat(Host.print host, ":", string port)
                String.Concat("sip:", place, ";transport=", word)
            | ValueNone when text.StartsWith("sip", StringComparison.OrdinalIgnoreCase) -> text
            | ValueNone -> String.Concat("sip:", text)

        match Lexical.read GrammarUri.uri whole with
        | Ok(Uri.Sip uri) when uri.User.IsNone && Hop.ofUri uri <> Lead.Nowhere -> ValueSome uri
        | Ok _
        | Error _ -> ValueNone

    let private upstream (text: string) : Part<SipUri> =
        match serverUri text with
        | ValueSome uri -> Ok uri
        | ValueNone ->
            Error(
                String.Concat(
                    "--upstream ",
                    text,
                    ": say a URI, a host or transport:host:port, for example sip:registrar.example"
                )
            )

    let private wayBack (text: string) : Part<WayBack> =
        match text with
        | "supported" -> Ok(WayBack.ByPath PathWish.WhereSupported)
        | "demanded" -> Ok(WayBack.ByPath PathWish.Demanded)
        | "none" -> Ok WayBack.ByContact
        | _ -> Error(String.Concat("--upstream-path ", text, ": say supported, demanded or none"))

    let private inbound (wishes: Wishes) : Part<Inbound> =
        match wishes.Inbound with
        | "known" -> Ok Inbound.Known
        | "anybody" when wishes.Upstreams.Count > 0 ->
            Error
                "--inbound anybody: the registrar behind --upstream decides whose calls reach its users: leave it out"
        | "anybody" -> Ok Inbound.Anybody
        | other -> Error(String.Concat("--inbound ", other, ": say known or anybody"))

    let private algorithms (text: string) : Part<Algorithm list> =
        let named = text.Split ',' |> List.ofArray |> List.map Algorithm.named

        let known =
            named
            |> List.choose (fun name ->
                match name with
                | AlgorithmName.Known algorithm -> Some algorithm
                | AlgorithmName.Unheard _ -> None)

        if text = "all" then
            Ok Algorithm.usual
        elif known.Length = named.Length then
            Ok(List.distinct known)
        else
            Error(
                String.Concat(
                    "--digest ",
                    text,
                    ": say all, or names with commas of md5, sha-256 and sha-512-256"
                )
            )

    // Five numbers, each at least one: a meter that lets nothing pass would be a riddle.
    let private quota (option: string) (text: string) : Part<Quota> =
        let number (word: string) =
            match Int32.TryParse word with
            | true, number when number >= 1 -> ValueSome number
            | _ -> ValueNone

        match text.Split ',' |> Array.map (fun word -> number (word.Trim())) with
        | [| ValueSome minute; ValueSome hour; ValueSome day; ValueSome destinations; ValueSome row |] ->
            Ok
                {
                    Minute = minute * 1<start>
                    Hour = hour * 1<start>
                    Day = day * 1<start>
                    Destinations = destinations
                    Row = row * 1<start>
                }
        | _ ->
            Error(
                String.Concat(
                    option,
                    " ",
                    text,
                    ": say five numbers from 1 on: calls and messages a minute, an hour and a day, different destinations an hour, calls in a row to one; for example 20,120,500,60,40"
                )
            )

    let private lines (option: string) (text: string) : Part<LineQuota> =
        match text.Split ',' |> Array.map Int32.TryParse with
        | [| true, calls; true, minutes |] when calls >= 1 && minutes >= 1 ->
            Ok
                {
                    AtOnce = calls * 1<call>
                    Minutes = minutes * 1<minute>
                }
        | _ ->
            Error(
                String.Concat(
                    option,
                    " ",
                    text,
                    ": say two numbers from 1 on: calls at a time, minutes of talk a day; for example 10,600"
                )
            )

    let private range (option: string) (text: string) : Part<Cidr> =
        match Cidr.tryRead text with
        | ValueSome range -> Ok range
        | ValueNone ->
            let advice = ": say address/bits, for example 10.0.0.0/8"
            Error(String.Concat(option, text, advice))

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
        |> List.map (fun (_, same) ->
            String.Concat(
                Listening.option same.Head.Admits,
                Listening.name same.Head,
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

    // Who connects there is asked for a certificate, before it can be known what it wants.
    let private shared (listeners: Listener list) : string list =
        listeners
        |> List.filter (fun l -> l.Transport <> Transport.Udp)
        |> List.groupBy _.Bound
        |> List.filter (fun (_, same) ->
            List.length (List.distinctBy (fun (l: Listener) -> l.Admits) same) > 1)
        |> List.map (fun (bound, _) ->
            String.Concat(
                "--trunk tls:",
                Endpoint.print bound,
                ": a listener for trunks has a port of its own"
            ))

    let private unmeant (wishes: Wishes) (peers: Peer list) : string list =
        if
            wishes.Trunks.Count = 0
            || List.exists (fun peer -> peer.Proof = PeerProof.Certificate) peers
        then
            []
        else
            [
                "--trunk: nobody is meant: name each peer whose certificate is to be shown, "
                + "for example --peer tls:sip.carrier.example:5061"
            ]

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
                Admits = same.Head.Admits
                Rules = rules wishes limits sip.IsSome webSocket.IsSome
            }

        listeners
        |> List.groupBy (fun l -> l.Bound, l.Transport = Transport.Udp)
        |> List.map (fun (place, same) -> opening place same)

    // One after another, so that each adds to the last; what is wrong is told of each.
    let private caps (texts: string seq) : Caps * string list =
        ((Bound.usual, []), texts)
        ||> Seq.fold (fun (caps, wrong) text ->
            match Bound.read text caps with
            | Ok caps -> caps, wrong
            | Error reason -> caps, wrong @ [ reason ])

    let private policy (wishes: Wishes) (caps: Caps) : Policy =
        { Policy.standard with
            MaxContacts = caps.Usual[Bound.place Bound.ContactsPerUser]
            FlowDenied =
                if wishes.StrictOutbound then
                    FlowDenied.Refuse
                else
                    FlowDenied.BindAddress
            Path =
                if wishes.StrictPath then
                    PathPolicy.Strict
                else
                    PathPolicy.Lenient
        }

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
        let listens =
            [
                for text in wishes.Listen do
                    struct (Admits.Anybody, text)

                for text in wishes.Trunks do
                    struct (Admits.CertifiedPeers, text)
            ]
            |> List.mapi (Listening.listener wishes)

        let peers = List.ofSeq wishes.Peers |> List.map (peer wishes)
        let upstreams = List.ofSeq wishes.Upstreams |> List.map upstream
        let back = wayBack wishes.UpstreamPath
        let algorithms = algorithms wishes.Digest
        let inbound = inbound wishes
        let barred = List.ofSeq wishes.Barred |> List.map (range "--barred ")
        let balancers = List.ofSeq wishes.Balancers |> List.map (range "--balancer ")
        let users = quota "--user-starts" wishes.UserStarts
        let towardsPeers = quota "--peer-starts" wishes.PeerStarts
        let userLines = lines "--user-calls" wishes.UserCalls
        let peerLines = lines "--peer-calls" wishes.PeerCalls
        let domains = List.ofSeq wishes.Domains |> List.map domain
        let caps, outOfBounds = caps wishes.Limits
        let listeners = successes listens

        let size =
            if wishes.MessageBytes >= 1024 && wishes.MessageBytes <= 1048576 then
                []
            else
                [ "--message-bytes: say a number from 1024 to 1048576" ]

        let nowhere =
            if wishes.Listen.Count = 0 then
                [ "--listen: the server needs at least one listener; " + Listening.form ]
            else
                []

        let problems =
            nowhere
            @ failures listens
            @ twice listeners
            @ mixed listeners
            @ shared listeners
            @ failures peers
            @ unmeant wishes (successes peers)
            @ failures upstreams
            @ failures [ back ]
            @ failures [ algorithms ]
            @ failures [ inbound ]
            @ failures barred
            @ failures balancers
            @ failures domains
            @ failures [ users; towardsPeers ]
            @ failures [ userLines; peerLines ]
            @ size
            @ outOfBounds

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
                            Home =
                                match successes upstreams, successes [ back ] with
                                | servers, [ back ] when not servers.IsEmpty ->
                                    ValueSome { Servers = servers; Back = back }
                                | _, _ -> ValueNone
                            Barred = successes barred
                            Admittance =
                                if wishes.UnsafeNoAuth then
                                    Admittance.UnsafeOpen
                                else
                                    Admittance.Authenticated
                            Inbound =
                                match inbound with
                                | Ok inbound -> inbound
                                | Error _ -> Inbound.Known
                            Metering =
                                match users, towardsPeers, userLines, peerLines with
                                | Ok users, Ok peers, Ok userLines, Ok peerLines ->
                                    { Metering.usual with
                                        Users = users
                                        Peers = peers
                                        UserLines = userLines
                                        PeerLines = peerLines
                                    }
                                | _, _, _, _ -> Metering.usual
                            Algorithms = List.concat (successes [ algorithms ])
                            Limits = limits
                            Secret = wishes.Secret
                            Node = 0u
                            Epoch = wishes.Epoch
                            Born = wishes.Born
                        }
                    Policy = policy wishes caps
                    Bounds = Bounds.ofCaps caps
                    Openings = List.toArray (openings wishes limits listeners)
                    Balancers = successes balancers
                    IsLocal = listeners |> List.forall (fun l -> Address.isLoopback l.Bound.Address)
                }
        else
            Configured.Invalid(List.toArray problems)
