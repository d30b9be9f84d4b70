// Realm: who we are: the domains we serve, the addresses we listen on and are known by, the peers
// we trust. Built once at start, immutable afterwards; every routing decision takes it as an argument.

namespace Sip.Routing

open System
open Sip
open Sip.Wire
open Sip.Identity

/// Who may connect to a listener.
[<RequireQualifiedAccess; Struct>]
type Admits =
    | Anybody
    /// Whoever shows a certificate that names a configured peer (RFC 5922 §7.4); all others are turned away
    /// before they have said anything.
    | CertifiedPeers

/// One listening address and the name by which others reach it.
type Listener =
    {
        Id: ListenerId
        Transport: Transport
        Bound: Endpoint
        AdvertisedHost: Host
        AdvertisedPort: int
        Admits: Admits
    }

/// By what a peer is known.
[<RequireQualifiedAccess; Struct>]
type PeerProof =
    /// By the address that its messages come from.
    | Address
    /// By its certificate alone.
    | Certificate

/// A trunk or neighbouring server: its requests are not challenged and calls may be sent to it.
type Peer =
    {
        Transport: Dialled
        Host: Host
        Port: int
        /// The addresses that it is called at, and that its requests come from.
        Addresses: Address list
        Proof: PeerProof
    }

/// Who may use the server.
[<RequireQualifiedAccess>]
type Admittance =
    /// Requests of strangers are challenged, and nothing is relayed to addresses not configured.
    | Authenticated
    /// Anybody may register as anybody and be relayed anywhere: for a laboratory only.
    | UnsafeOpen

/// Whose calls and messages reach users of ours.
[<RequireQualifiedAccess; Struct>]
type Inbound =
    /// Those of users who have proven themselves, and of configured peers.
    | Known
    /// Those of strangers as well, who name themselves as none of ours and come by a connection.
    | Anybody

/// Who we are.
type Realm =
    {
        /// The domains whose users are ours; the first is the digest realm.
        Domains: string list
        Listeners: Listener[]
        Peers: Peer list
        /// The registrar that this server is the edge of, if it is one.
        Home: Home voption
        /// Addresses that are never called, whatever a name resolves to.
        Barred: Cidr list
        Admittance: Admittance
        Inbound: Inbound
        /// How much a user may set going before they are stopped.
        Metering: Metering
        /// Where a token of an issuer is taken instead of a password.
        Bearing: Bearing
        /// The digest algorithms that are offered.
        Algorithms: Algorithm list
        Limits: Limits
        /// 32 random bytes; everything we must recognise later is derived from them.
        Secret: byte[]
        /// The number of this node among those that share the secret.
        Node: uint32
        /// A number that no other run of this node's process has.
        Epoch: uint64
        /// When the clock of instants began, in Unix time.
        Born: int64<s>
    }

/// Asking who we are.
[<RequireQualifiedAccess>]
module Realm =

    /// The name that challenges carry.
    let name (realm: Realm) : string = List.head realm.Domains

    /// The second of Unix time that an instant is in.
    let unixTime (realm: Realm) (now: Instant) : int64<s> =
        realm.Born + now.Milliseconds / 1000L * 1L<s>

    /// The instant at which a second of Unix time begins, as far as it is still to come.
    let instantOf (realm: Realm) (now: Instant) (second: int64<s>) : Instant =
        now.After(max 0L<s> (second - unixTime realm now) * 1000L<ms / s>)

    /// The listener of a flow.
    let listener (realm: Realm) (ListenerId index) : Listener = realm.Listeners[index]

    let private answersTo (host: Host) (port: int) (listener: Listener) =
        (host = listener.AdvertisedHost && port = listener.AdvertisedPort)
        || (host = Host.Address listener.Bound.Address && port = listener.Bound.Port)

    let private isDomain (realm: Realm) (host: Host) =
        match host with
        | Host.Name name -> List.contains name realm.Domains
        | Host.Address _ -> List.contains (Host.print host) realm.Domains

    /// Whether a URI names this server: one of its domains, or one of its addresses with its port.
    /// A port that is not written is any port of ours.
    let owns (realm: Realm) (uri: SipUri) : bool =
        let byAddress =
            match uri.Port with
            | ValueSome port -> Array.exists (answersTo uri.Host port) realm.Listeners
            | ValueNone ->
                realm.Listeners
                |> Array.exists (fun listener ->
                    uri.Host = listener.AdvertisedHost
                    || uri.Host = Host.Address listener.Bound.Address)

        byAddress || isDomain realm uri.Host

    /// Whether a Via's sent-by is one that we write.
    let wroteSentBy (realm: Realm) (host: Host) (port: int voption) : bool =
        realm.Listeners
        |> Array.exists (fun listener ->
            host = listener.AdvertisedHost
            && ValueOption.defaultValue (Transport.defaultPort listener.Transport) port =
                listener.AdvertisedPort)

    let private isHome (realm: Realm) (host: Host) =
        match realm.Home with
        | ValueSome home -> home.Servers |> List.exists (fun server -> server.Host = host)
        | ValueNone -> false

    /// The addresses that peers were configured with.
    let peerAddresses (realm: Realm) : Address list =
        let home =
            match realm.Home with
            | ValueSome home -> home.Servers |> List.map _.Host
            | ValueNone -> []

        [
            for peer in realm.Peers do
                yield! peer.Addresses
            for host in home do
                match host with
                | Host.Address address -> address
                | Host.Name _ -> ()
        ]

    /// Whether a message came from a configured peer, or from the registrar behind us.
    let isPeer (realm: Realm) (flow: Flow) : bool =
        let address = flow.Remote.Address

        let isAtPeers (peer: Peer) =
            peer.Proof = PeerProof.Address && List.contains address peer.Addresses

        (listener realm flow.Listener).Admits = Admits.CertifiedPeers
        || isHome realm (Host.Address address)
        || List.exists isAtPeers realm.Peers

    let private isAt (host: Host) (port: int) (peer: Peer) =
        peer.Port = port
        && (peer.Host = host
            || List.exists (fun address -> Host.Address address = host) peer.Addresses)

    /// Whether a call to this hop leads to a configured peer, or to the registrar behind us.
    let leadsToPeer (realm: Realm) (hop: Hop) : bool =
        match hop with
        | Hop.Flow flow -> isPeer realm flow
        | Hop.Dial there ->
            isHome realm (Host.Address there.Address)
            || List.exists (isAt (Host.Address there.Address) there.Port) realm.Peers

    let private named (realm: Realm) (uri: SipUri) : Peer voption =
        let isNamed (peer: Peer) =
            isAt uri.Host (Hop.port peer.Transport uri) peer

        List.tryFind isNamed realm.Peers |> ValueOption.ofOption

    /// Whether a URI names a configured peer, or the registrar behind us, by its name.
    let namesPeer (realm: Realm) (uri: SipUri) : bool =
        isHome realm uri.Host || (named realm uri).IsSome

    /// The call to the peer that a URI names, at the address that the peer had at the start.
    let peerOf (realm: Realm) (uri: SipUri) : Hop voption =
        match named realm uri with
        | ValueSome peer when not peer.Addresses.IsEmpty ->
            {
                Transport = peer.Transport
                Address = peer.Addresses.Head
                Port = peer.Port
                Domain = peer.Host
            }
            |> Hop.Dial
            |> ValueSome
        | ValueSome _
        | ValueNone -> ValueNone

    let private speaks (transport: Transport) (address: Address) (listener: Listener) =
        listener.Transport = transport
        && (Address.isV4 address = Address.isV4 listener.Bound.Address
            || Address.isUnspecified listener.Bound.Address)

    // A TLS connection to a peer is opened to the name that its certificate then has to bear.
    let private admits (realm: Realm) (there: Destination) : Admits =
        let isCertified (peer: Peer) =
            peer.Proof = PeerProof.Certificate
            && peer.Host = there.Domain
            && peer.Port = there.Port

        if there.Transport = Dialled.Tls && List.exists isCertified realm.Peers then
            Admits.CertifiedPeers
        else
            Admits.Anybody

    /// The listener that a message to this hop names in Via and Record-Route; none where no
    /// listener speaks that transport. One for certified peers is named to those alone.
    let towards (realm: Realm) (hop: Hop) : Listener voption =
        match hop with
        | Hop.Flow flow -> ValueSome(listener realm flow.Listener)
        | Hop.Dial there ->
            let wanted = admits realm there

            let fits (listener: Listener) =
                listener.Admits = wanted
                && speaks (Hop.dialled there.Transport) there.Address listener

            match Array.tryFind fits realm.Listeners with
            | Some found -> ValueSome found
            | None -> ValueNone

    /// Whether a certificate names a peer that is known by its certificate.
    let isCertified (realm: Realm) (certificate: Certificate) : bool =
        realm.Peers
        |> List.exists (fun peer ->
            peer.Proof = PeerProof.Certificate && SipDomain.bears peer.Host certificate)

    /// The datagram flow to a remote end; none where no listener speaks UDP to it.
    let datagram (realm: Realm) (remote: Endpoint) : Flow voption =
        match Array.tryFind (speaks Transport.Udp remote.Address) realm.Listeners with
        | Some listener ->
            ValueSome
                {
                    Listener = listener.Id
                    Transport = Transport.Udp
                    Connection = 0L
                    Remote = remote
                }
        | None -> ValueNone

    /// The URI of a listener, as it stands in Record-Route and Path.
    let routeUri (listener: Listener) (parameters: Parameters) : SipUri =
        let transport: Parameters =
            match listener.Transport with
            | Transport.Udp -> []
            | Transport.Tcp
            | Transport.Tls
            | Transport.Ws
            | Transport.Wss ->
                [
                    {
                        Name = "transport"
                        Value = ValueSome(Transport.inUri listener.Transport)
                    }
                ]

        {
            Scheme = Scheme.Sip
            User = ValueNone
            Password = ValueNone
            Host = listener.AdvertisedHost
            Port = ValueSome listener.AdvertisedPort
            Parameters = transport @ parameters
            Headers = []
        }
