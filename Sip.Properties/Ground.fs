// Ground: where laws are tried: a realm with a listener for each transport, the flows that lead to it, and who is
// bound there.

module Sip.Properties.Ground

open System
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Registrar
open Sip.Routing

/// So many milliseconds on.
let at milliseconds = Instant.FromMilliseconds milliseconds

/// Every transport that there is.
let transports =
    [ Transport.Udp; Transport.Tcp; Transport.Tls; Transport.Ws; Transport.Wss ]

let private listener index transport port : Listener =
    {
        Id = ListenerId index
        Transport = transport
        Bound =
            {
                Address = Address.ofV4 0x7F000001u
                Port = port
            }
        AdvertisedHost = Host.Name "edge.example.test"
        AdvertisedPort = port
        Admits = Admits.Anybody
    }

/// A realm with a listener for each transport.
let realm: Realm =
    {
        Domains = [ "example.test" ]
        Listeners =
            [|
                listener 0 Transport.Udp 5060
                listener 1 Transport.Tcp 5060
                listener 2 Transport.Tls 5061
                listener 3 Transport.Ws 8080
                listener 4 Transport.Wss 8443
            |]
        Peers =
            [
                {
                    Transport = Dialled.Udp
                    Host = Host.Name "trunk.example.net"
                    Port = 5060
                    Addresses = [ Address.ofV4 0xC0000264u ]
                    Proof = PeerProof.Address
                }
            ]
        Home = ValueNone
        Barred = []
        Metering = Identity.Metering.usual
        Bearing = Identity.Bearing.Nowhere
        Algorithms = Identity.Algorithm.usual
        Admittance = Admittance.Authenticated
        Inbound = Inbound.Known
        Limits = Wire.Limits.usual
        Secret = Array.init 32 byte
        Node = 0u
        Epoch = 1UL
        Born = 1_800_000_000L<s>
    }

/// Who seals for it.
let mint = Mint.ofRealm realm

// A station belongs to one thread, and laws are tried on several.
let private stations =
    new Threading.ThreadLocal<Station>(fun () -> Station.ofRealm realm)

/// The realm made ready.
let station () = stations.Value

/// A flow from there to the listener of that transport; a datagram's is no connection.
let flow (transport: Transport) (connection: int64) (address: Address) (port: int) : Flow =
    let listener = realm.Listeners |> Array.find (fun one -> one.Transport = transport)

    {
        Listener = listener.Id
        Transport = transport
        Connection = if transport = Transport.Udp then 0L else connection
        Remote = { Address = address; Port = port }
    }

let private flows: Gen<Flow> =
    gen {
        let! transport = Gen.elements transports
        let! number = Gen.choose (1, Int32.MaxValue)
        let! address = Gen.choose (1, Int32.MaxValue)
        let! port = Gen.choose (1, 65535)
        return flow transport (int64 number) (Address.ofV4 (uint32 address)) port
    }

/// Any flow.
let oneFlow = Arb.fromGen flows
/// Any two flows.
let twoFlows = Arb.fromGen (Gen.two flows)

/// Somebody whom nobody knows.
let stranger: Flow = flow Transport.Udp 0L (Address.ofV4 0xCB007109u) 5060

/// A binding to this URI over this flow, for an hour.
let binding (contact: SipUri) (flow: Flow) : Binding =
    {
        Contact = NameAddr.ofUri (Uri.Sip contact)
        CallId = "r"
        CSeq = 1u
        Expires = at 3_600_000L
        Quality = 1000
        Flow = flow
        Path = []
        Instance = ValueNone
        RegId = ValueNone
    }
