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
        /// Where the token stands that a WebSocket handshake has to have; nowhere where it needs none.
        TokenPlaces: TokenPlace list
        /// Whether nobody but this machine can reach the server.
        IsLocal: bool
    }

    /// Whether a connection from there may say for whom it is.
    member this.IsBalancer(address: Address) : bool = Balancers.holds this.Balancers address

    /// For whom a balancer asks, by the head of its WebSocket handshake.
    member this.Behind(balancer: Endpoint, head: ReadOnlySpan<byte>) : Behind =
        Balancers.behind this.Balancers balancer head

    /// Who opens a WebSocket with this head of a handshake.
    member this.Visitor(now: Instant, head: ReadOnlySpan<byte>) : Visitor =
        match this.TokenPlaces, this.Realm.Bearing with
        | [], _
        | _ :: _, Bearing.Nowhere -> Visitor.Anybody
        | places, (Bearing.Secured rules | Bearing.UnsafeAnywhere rules) ->
            Visiting.judge places rules (Realm.unixTime this.Realm now) head

/// What became of the wishes.
[<RequireQualifiedAccess>]
type Configured =
    | Ready of Setup: Setup
    | Invalid of Problems: IReadOnlyList<string>

/// Turning wishes into a setup.
[<RequireQualifiedAccess>]
module Setup =

    /// The names among the peers, whose addresses the shell has to look up first.
    let namesToResolve (peers: IReadOnlyList<string>) : IReadOnlyList<string> =
        [|
            for text in peers do
                match Wish.peerPlace text with
                | ValueSome(struct (_, Host.Name name, _)) -> name
                | ValueSome(struct (_, Host.Address _, _))
                | ValueNone -> ()
        |]

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

    let private bearing (wishes: Wishes) : Bearing =
        match wishes.Tokens, wishes.UnsafeBearer with
        | ValueNone, _ -> Bearing.Nowhere
        | ValueSome rules, false -> Bearing.Secured rules
        | ValueSome rules, true -> Bearing.UnsafeAnywhere rules

    // Behind a balancer that ends TLS a token travels in the clear as well: the operator has to say so.
    let private overheard (wishes: Wishes) (listeners: Listener list) : string list =
        if wishes.HandshakeTokens.Count = 0 then
            []
        elif wishes.Tokens.IsNone then
            [
                "--handshake-token: nobody issues tokens: give --jwt-issuer, --jwt-audience and --jwt-keys"
            ]
        elif
            not wishes.UnsafeBearer
            && List.exists (fun (one: Listener) -> one.Transport = Transport.Ws) listeners
        then
            [
                "--handshake-token: on a listener for ws anybody can overhear it: listen on wss, or say --unsafe-bearer"
            ]
        else
            []

    let private untaken (wishes: Wishes) : string list =
        if wishes.UnsafeBearer && wishes.Tokens.IsNone then
            [
                "--unsafe-bearer: there are no tokens to take: give --jwt-issuer, --jwt-audience and --jwt-keys, or leave it out"
            ]
        else
            []

    let private failures (parts: Wish.Part<'part> list) : string list =
        parts
        |> List.choose (fun part ->
            match part with
            | Ok _ -> None
            | Error reason -> Some reason)

    let private successes (parts: Wish.Part<'part> list) : 'part list =
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

        let peers = List.ofSeq wishes.Peers |> List.map (Wish.peer wishes)
        let upstreams = List.ofSeq wishes.Upstreams |> List.map Wish.upstream
        let back = Wish.wayBack wishes.UpstreamPath
        let algorithms = Wish.algorithms wishes.Digest
        let inbound = Wish.inbound wishes
        let barred = List.ofSeq wishes.Barred |> List.map (Wish.range "--barred ")
        let balancers = List.ofSeq wishes.Balancers |> List.map (Wish.range "--balancer ")
        let users = Wish.quota "--user-starts" wishes.UserStarts
        let towardsPeers = Wish.quota "--peer-starts" wishes.PeerStarts
        let userLines = Wish.lines "--user-calls" wishes.UserCalls
        let peerLines = Wish.lines "--peer-calls" wishes.PeerCalls
        let domains = List.ofSeq wishes.Domains |> List.map Wish.domain
        let tokenPlaces = List.ofSeq wishes.HandshakeTokens |> List.map Wish.tokenPlace
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
            @ Listening.twice listeners
            @ Listening.mixed listeners
            @ Listening.shared listeners
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
            @ untaken wishes
            @ failures tokenPlaces
            @ overheard wishes listeners
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
                            Bearing = bearing wishes
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
                    TokenPlaces = successes tokenPlaces
                    IsLocal = listeners |> List.forall (fun l -> Address.isLoopback l.Bound.Address)
                }
        else
            Configured.Invalid(List.toArray problems)
