// BalancerLaws: who is behind a balancer is known, and nobody but a balancer says it.

module Sip.Properties.BalancerLaws

open System
open System.Buffers.Binary
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Edge

let private range text = (Cidr.tryRead text).Value
let private balancers = [ range "10.0.0.0/8"; range "2001:db8:1::/48" ]

let private balancer: Endpoint =
    {
        Address = (Address.tryV4 "10.0.0.1").Value
        Port = 4711
    }

let private v4 =
    Gen.choose (0x20000000, Int32.MaxValue) |> Gen.map (uint32 >> Address.ofV4)

let private v6: Gen<Address> =
    Gen.choose (1, Int32.MaxValue)
    |> Gen.map (fun low ->
        {
            High = 0x20010db800020000UL
            Low = uint64 low
        })

let private endpoint: Gen<Endpoint> =
    Gen.map2
        (fun address port -> { Address = address; Port = port })
        (Gen.oneof [ v4; v6 ])
        (Gen.choose (1, 65535))

let private first (client: Endpoint) =
    let family = if Address.isV4 client.Address then "TCP4" else "TCP6"

    let here =
        if Address.isV4 client.Address then
            "192.0.2.1"
        else
            "2001:db8::1"

    Text.toBytes $"PROXY {family} {Address.print client.Address} {here} {client.Port} 5060\r\n"

let private signature = "\r\n\r\n\000\r\nQUIT\n"B

let private second (command: int) (client: Endpoint) (additions: byte[]) =
    let isV4 = Address.isV4 client.Address
    let body = Array.zeroCreate<byte>(if isV4 then 12 else 36)

    if isV4 then
        BinaryPrimitives.WriteUInt32BigEndian(Span body, uint32 client.Address.Low)
        BinaryPrimitives.WriteUInt16BigEndian(Span(body, 8, 2), uint16 client.Port)
    else
        BinaryPrimitives.WriteUInt64BigEndian(Span body, client.Address.High)
        BinaryPrimitives.WriteUInt64BigEndian(Span(body, 8, 8), client.Address.Low)
        BinaryPrimitives.WriteUInt16BigEndian(Span(body, 32, 2), uint16 client.Port)

    let size = body.Length + additions.Length
    let family = if isV4 then 0x11 else 0x21
    let head = [| byte command; byte family; byte (size >>> 8); byte size |]
    Array.concat [ signature; head; body; additions ]

let private octets = Gen.choose (0, 255) |> Gen.map byte |> Gen.arrayOf

let private headers =
    gen {
        let! client = endpoint
        let! additions = octets
        let! bytes = Gen.elements [ first client; second 0x21 client additions ]
        return client, bytes
    }

let private read (bytes: byte[]) = ProxyHeader.read (ReadOnlySpan bytes)

let private round =
    Law.holds
        "a PROXY header of either version names its client, whatever follows, and is incomplete until then"
        (Arb.fromGen (Gen.zip headers octets))
        (fun ((client, bytes), behind) ->
            let isIncomplete count =
                read (Array.truncate count bytes) = Announcement.Incomplete

            read (Array.append bytes behind) = Announcement.Client(client, bytes.Length)
            && Seq.forall isIncomplete (seq { 0 .. bytes.Length - 1 }))

let private bent =
    gen {
        let! _, bytes = headers
        let! at = Gen.choose (0, bytes.Length - 1)
        let! octet = Gen.choose (0, 255)
        let! noise = octets

        return!
            Gen.elements [ Array.updateAt at (byte octet) bytes; Array.truncate at bytes; noise ]
    }

let private total =
    Law.holds
        "any bytes at all announce somebody, nobody or nothing yet, within the limit"
        (Arb.fromGen bent)
        (fun bytes ->
            match read bytes with
            | Announcement.Client(_, length)
            | Announcement.Itself length ->
                length > 0 && length <= bytes.Length && length <= ProxyHeader.maximum
            | Announcement.Incomplete -> bytes.Length < ProxyHeader.maximum
            | Announcement.Absent
            | Announcement.Malformed _ -> true)

/// Every PROXY header, in order or not, that a stranger may begin with.
let private spoofs =
    gen {
        let! client, bytes = headers
        let! bent = bent

        return!
            Gen.elements
                [
                    bytes
                    second 0x20 client [||]
                    "PROXY UNKNOWN\r\n"B
                    "PROXY TCP4 1.2.3.4 1.2.3.4 99999 1\r\n"B
                    Array.append "PROXY TCP4 "B (Array.create 200 '1'B)
                    Array.concat [ signature; [| 0x21uy; 0x11uy; 0xFFuy; 0xFFuy |] ]
                    Array.append signature bent[..3]
                ]
    }

let private handshake (fields: string list) =
    let lines =
        [
            "GET / HTTP/1.1"
            "Host: a"
            "Upgrade: websocket"
            "Connection: Upgrade"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
            "Sec-WebSocket-Protocol: sip"
            "Sec-WebSocket-Version: 13"
        ]

    Text.toBytes (String.Join("\r\n", lines @ fields) + "\r\n\r\n")

let private stranger =
    Law.holds
        "a stranger who begins with a PROXY header is disconnected, whatever is behind it"
        (Arb.fromGen (
            Gen.zip spoofs (Gen.elements [ Serving.Sip; Serving.WebSocket; Serving.Either ])
        ))
        (fun (spoof, serving) ->
            let rules: StreamRules =
                {
                    Serving = serving
                    Limits = Limits.usual
                    Handshake = Handshake.anything
                }

            let now = Instant.FromMilliseconds 0L
            let sip = "OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n"B
            let bytes = Array.concat [ spoof; sip; handshake [] ]

            let rec ends state (bytes: byte[]) =
                let step = Stream.receive rules now state (Span bytes)

                match step.Event with
                | StreamEvent.CloseAfter -> true
                // What looks like a keep-alive may be answered as one.
                | StreamEvent.Write -> ends step.State bytes[step.Consumed ..]
                | StreamEvent.NeedMore
                | StreamEvent.Message
                | StreamEvent.Assembled
                | StreamEvent.Upgraded
                | StreamEvent.Broken
                | StreamEvent.TooLarge -> false

            ends (Stream.accepted rules now) bytes)

let private node (endpoint: Endpoint) =
    let text = Address.print endpoint.Address

    if Address.isV4 endpoint.Address then
        [ text; $"{text}:{endpoint.Port}" ]
    else
        [ text; $"[{text}]"; $"[{text}]:{endpoint.Port}" ]
    |> Gen.elements

let private near =
    Gen.elements [ "10.1.2.3"; "10.9.9.9:80"; "[2001:db8:1::5]"; "[2001:db8:1::5]:443" ]

let private forged =
    Gen.elements
        [
            "unknown"
            "1.1.1.1"
            "_hidden"
            "10.1.1.1"
            "\""
            "127.0.0.1"
            "x y"
            "for=10.0.0.1"
        ]

let private chains =
    gen {
        let! lies = Gen.listOf forged
        let! client = endpoint
        let! said = node client
        let! between = Gen.listOf near
        let! isForwarded = Gen.elements [ true; false ]

        let field =
            if isForwarded then
                let pair text = $"proto=https;for=\"{text}\""
                "Forwarded: " + String.Join(", ", lies @ List.map pair (said :: between))
            else
                "X-Forwarded-For: " + String.Join(", ", lies @ (said :: between))

        return client, handshake [ field ]
    }

let private nearest =
    Law.holds
        "the last of a chain that is no balancer is the client, whatever was forged before it"
        (Arb.fromGen chains)
        (fun (client, head) ->
            match Balancers.behind balancers balancer (ReadOnlySpan head) with
            | Behind.Client said ->
                said.Address = client.Address
                && (said.Port = client.Port || said.Port = balancer.Port)
            | Behind.Nobody
            | Behind.Unreadable _ -> false)

let private examples: (string * string list * Behind) list =
    let unreadable = Behind.Unreadable ""

    [
        "no field names nobody", [], Behind.Nobody
        "balancers alone name nobody", [ "X-Forwarded-For: 10.0.0.1, 10.0.0.2" ], Behind.Nobody
        "both fields are not believed",
        [ "X-Forwarded-For: 1.2.3.4"; "Forwarded: for=1.2.3.4" ],
        unreadable
        "no address is not believed", [ "X-Forwarded-For: 1.2.3.4, unknown" ], unreadable
        "an octal address is not believed", [ "X-Forwarded-For: 010.0.0.1" ], unreadable
        "a port beyond 65535 is not believed", [ "X-Forwarded-For: 1.2.3.4:65536" ], unreadable
        "a Forwarded without for is not believed", [ "Forwarded: proto=https" ], unreadable
        "two clients in one element are not believed",
        [ "Forwarded: for=1.2.3.4;for=5.6.7.8" ],
        unreadable
    ]

let private exampleTest (name: string, fields, expected) =
    test name {
        match Balancers.behind balancers balancer (ReadOnlySpan(handshake fields)), expected with
        | Behind.Unreadable _, Behind.Unreadable _ -> ()
        | found, expected -> Expect.equal found expected name
    }

let all =
    testList "Balancers" [ round; total; stranger; nearest; yield! List.map exampleTest examples ]
