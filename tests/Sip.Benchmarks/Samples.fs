// Samples: the messages of one ordinary call between browsers and phones, and the server between them.

module Sip.Benchmarks.Samples

open System
open Sip
open Sip.Wire
open Sip.Routing

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

/// A server that listens on UDP and on WebSocket.
let realm: Realm =
    {
        Domains = [ "example.test" ]
        Listeners = [| listener 0 Transport.Udp 5060; listener 1 Transport.Ws 8080 |]
        Peers = []
        Home = ValueNone
        Barred = []
        Metering = Sip.Identity.Metering.usual
        Bearing = Sip.Identity.Bearing.Nowhere
        Algorithms = Identity.Algorithm.usual
        Admittance = Admittance.Authenticated
        Inbound = Inbound.Known
        Limits = Limits.usual
        Secret = Array.init 32 byte
        Node = 0u
        Epoch = 1UL
        Born = 1_800_000_000L<s>
    }

let private flow index transport connection : Flow =
    {
        Listener = ListenerId index
        Transport = transport
        Connection = connection
        Remote =
            {
                Address = Address.ofV4 0x7F000001u
                Port = 40000
            }
    }

/// The server made ready.
let station = Station.ofRealm realm

/// The caller's flow.
let caller = flow 1 Transport.Ws 1L

/// The callee's flow.
let callee = flow 1 Transport.Ws 2L

let private body =
    "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
    + "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n"

let private head (start: string) (sequence: string) (more: string) =
    start
    + "\r\nVia: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bKnashds8;rport\r\n"
    + "Max-Forwards: 69\r\nTo: <sip:bob@example.test>\r\n"
    + "From: \"Alice\" <sip:alice@example.test>;tag=1928301774\r\nCall-ID: a84b4c76e66710@df7jal\r\n"
    + "CSeq: "
    + sequence
    + "\r\nContact: <sip:alice@df7jal23ls0d.invalid;transport=ws;ob>\r\n"
    + more

/// An INVITE as a browser sends it.
let invite =
    head
        "INVITE sip:bob@example.test SIP/2.0"
        "314159 INVITE"
        ("Allow: INVITE,ACK,CANCEL,BYE,UPDATE,MESSAGE,OPTIONS,REFER,INFO,NOTIFY\r\n"
         + "Supported: outbound\r\nUser-Agent: JsSIP 3.10\r\nContent-Type: application/sdp\r\nContent-Length: "
         + string body.Length
         + "\r\n\r\n"
         + body)
    |> Text.toBytes

/// A request within the dialog, by the recorded Route.
let bye =
    (head
        "BYE sip:bob@x.invalid;transport=ws SIP/2.0"
        "314160 BYE"
        "Route: <sip:edge.example.test:8080;transport=ws;lr>\r\nContent-Length: 0\r\n\r\n")
        .Replace(
            "sip:bob@x.invalid;transport=ws",
            "sip:bob@x.invalid;transport=ws;alias=" + Alias.mint (Mint.ofRealm realm) callee
        )
        .Replace("To: <sip:bob@example.test>", "To: <sip:bob@example.test>;tag=a6c85cf")
    |> Text.toBytes

/// A message read, which the samples always are.
let read (bytes: byte[]) : Message =
    match Reading.message Limits.usual (ReadOnlySpan bytes) with
    | Arrival.Message message -> message
    | Arrival.Broken(fault, _) -> invalidOp (Fault.words fault)
