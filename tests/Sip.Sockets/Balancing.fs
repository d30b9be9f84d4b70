// Balancing: whose word counts about a client's address: a configured balancer's, by the PROXY protocol
// or by a field of the handshake, and nobody else's; and no listener speaks HTTP/2.

module Sip.Sockets.Balancing

open System
open System.IO
open System.Net
open System.Net.Security
open System.Net.Sockets
open System.Security.Authentication
open System.Threading.Tasks
open Expecto

let private balancer = IPAddress.Parse "127.0.1.9"
let private stranger = IPAddress.Loopback
let private streams = [ "tcp"; "tls"; "ws"; "wss" ]
let private isSecure transport = transport = "tls" || transport = "wss"
let private isWebSocket transport = transport = "ws" || transport = "wss"

/// A server that believes one balancer.
let prepare (shell: string) : Task<Laboratory> =
    Laboratory.start shell streams "example.test" [ "--balancer"; string balancer ]

let private signature = "\r\n\r\n\000\r\nQUIT\n"B

let private second (client: byte[]) (port: int) =
    let family = if client.Length = 4 then 0x11uy else 0x21uy
    let here = Array.create client.Length 1uy
    let ports = [| byte (port >>> 8); byte port; 0x13uy; 0xC4uy |]
    let size = byte (2 * client.Length + 4)
    Array.concat [ signature; [| 0x21uy; family; 0uy; size |]; client; here; ports ]

/// Connects from an address, writes what stands before everything else, and shakes hands.
let private enter (lab: Laboratory) transport (from: IPAddress) (pieces: byte[] list) fields =
    task {
        let place = Laboratory.place lab transport

        let socket =
            new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)

        socket.NoDelay <- true
        socket.Bind(IPEndPoint(from, 0))
        do! socket.ConnectAsync place
        let plain = new NetworkStream(socket, true)

        for piece in pieces do
            do! plain.WriteAsync(piece, Waiting.deadline ())

        let! stream =
            if isSecure transport then
                task {
                    let secure = new SslStream(plain, false, fun _ _ _ _ -> true)
                    do! secure.AuthenticateAsClientAsync "localhost"
                    return secure :> Stream
                }
            else
                Task.FromResult(plain :> Stream)

        if isWebSocket transport then
            let head = WebSocketClient.head (WebSocketClient.polite place @ fields)
            do! stream.WriteAsync(head, Waiting.deadline ())

        return stream
    }

let private ask (lab: Laboratory) transport (stream: Stream) : Task =
    task {
        let question = RawSocket.options lab "behind"

        let carried =
            if isWebSocket transport then
                WebSocketClient.frame 0x81 question
            else
                question

        do! stream.WriteAsync(carried, Waiting.deadline ())
        do! stream.FlushAsync(Waiting.deadline ())
    }

/// The Via with which a question comes back: where the server saw it come from.
let private seen (lab: Laboratory) transport (from: IPAddress) pieces fields : Task<string> =
    task {
        let! stream = enter lab transport from pieces fields
        use stream = stream

        if isWebSocket transport then
            let! said = WebSocketClient.readHead stream
            Expect.stringStarts said "HTTP/1.1 101 " "opened"

        do! ask lab transport stream

        let! answer =
            if isWebSocket transport then
                task {
                    let! frame = WebSocketClient.read stream
                    return frame.Payload
                }
            else
                task {
                    let! head = WebSocketClient.readHead stream
                    return Said.bytes head
                }

        return Said.one "Via" (Said.read answer)
    }

let private seenAs lab transport name from pieces fields (address: string) (port: int) =
    testCaseTask $"{name} is seen as {address}, on {transport}"
    <| fun () ->
        task {
            let! via = seen lab transport from pieces fields
            Expect.stringContains via $"received={address}" "the address"

            if port > 0 then
                Expect.stringContains via $"rport={port}" "and the port"
        }

let private first = "PROXY TCP4 203.0.113.7 192.0.2.1 4711 5060\r\n"B
let private v6 = (IPAddress.Parse "2001:db8::7").GetAddressBytes()

let private announced lab transport =
    let is = seenAs lab transport

    [
        is "a client behind version 1" balancer [ first ] [] "203.0.113.7" 4711
        is
            "a client behind version 2"
            balancer
            [ second [| 203uy; 0uy; 113uy; 8uy |] 4712 ]
            []
            "203.0.113.8"
            4712
        is "a client of IPv6 behind version 2" balancer [ second v6 4713 ] [] "2001:db8::7" 4713
        is
            "a client behind a header in pieces"
            balancer
            (List.ofArray (Array.map Array.singleton first))
            []
            "203.0.113.7"
            4711
        is
            "a balancer that speaks for itself"
            balancer
            [ "PROXY UNKNOWN\r\n"B ]
            []
            (string balancer)
            0
        is "a balancer that announces nobody" balancer [] [] (string balancer) 0
        is "anybody else" stranger [] [] (string stranger) 0
    ]

let private forwarded lab transport =
    let is = seenAs lab transport

    [
        is
            "a client behind X-Forwarded-For"
            balancer
            []
            [ "X-Forwarded-For: 198.51.100.1, 203.0.113.9" ]
            "203.0.113.9"
            0
        is
            "a client behind Forwarded"
            balancer
            []
            [ "Forwarded: for=\"[2001:db8::9]:4714\";proto=https" ]
            "2001:db8::9"
            4714
        is
            "a stranger with X-Forwarded-For"
            stranger
            []
            [ "X-Forwarded-For: 203.0.113.9" ]
            (string stranger)
            0
        is
            "a stranger with Forwarded"
            stranger
            []
            [ "Forwarded: for=203.0.113.9" ]
            (string stranger)
            0
        testCaseTask $"a balancer that names nobody readable gets 400, on {transport}"
        <| fun () ->
            task {
                let! stream = enter lab transport balancer [] [ "X-Forwarded-For: unknown" ]
                use stream = stream
                let! said = WebSocketClient.readAll stream
                Expect.stringStarts said "HTTP/1.1 400 " "refused"
            }
    ]

/// What the far end says until it ends the connection, in whatever way.
let private ends (stream: Stream) : Task<string> =
    task {
        try
            return! WebSocketClient.readAll stream
        with :? IOException ->
            return ""
    }

let private turnedAway (lab: Laboratory) transport (from: IPAddress) (prefix: byte[]) : Task<unit> =
    task {
        use socket =
            new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)

        socket.Bind(IPEndPoint(from, 0))
        do! socket.ConnectAsync(Laboratory.place lab transport)
        use plain = new NetworkStream(socket)

        let behind =
            if isWebSocket transport then
                WebSocketClient.head (WebSocketClient.polite (Laboratory.place lab transport))
            else
                RawSocket.options lab "spoof"

        let bytes = Array.append prefix behind
        do! plain.WriteAsync(bytes, Waiting.deadline ())
        let! said = ends plain
        Expect.isFalse (said.Contains "SIP/2.0 " || said.Contains "HTTP/1.1 101") said
    }

let private spoofed = 5_000

/// The prefixes differ in address, port and version, and some are bent.
let private prefix (number: int) : byte[] =
    let address = [| 10uy; byte (number >>> 8); byte number; 7uy |]
    let port = 1024 + number
    let text = IPAddress address

    match number % 5 with
    | 0 -> Said.bytes $"PROXY TCP4 {text} 192.0.2.1 {port} 5060\r\n"
    | 1 -> second address port
    | 2 -> Said.bytes $"PROXY TCP6 2001:db8::{number:x} ::1 {port} 5060\r\n"
    | 3 -> Array.append (Said.bytes "PROXY TCP4 ") (Array.create (number % 300) '1'B)
    | _ -> Array.concat [ signature; [| 0x21uy; 0x11uy; byte number; byte number |]; address ]

let private spoofTest shells lab transport =
    let each = spoofed / shells / streams.Length

    testCaseTask $"{each} spoofed PROXY prefixes of strangers are turned away, on {transport}"
    <| fun () ->
        task {
            for number in 1..each do
                do! turnedAway lab transport stranger (prefix number)

            let! via = seen lab transport stranger [] []
            Expect.stringContains via $"received={stranger}" "and the server lives"
        }

let private malformed lab transport =
    testCaseTask $"a balancer whose header is none is turned away, on {transport}"
    <| fun () ->
        task {
            for prefix in
                [
                    "PROXY TCP4 1.2.3.4 1.2.3.4 1 99999\r\n"B
                    "PROXY TCP4 1.2.3.4\r\n"B
                    Array.append "PROXY TCP4 "B (Array.create 200 '1'B)
                    Array.concat [ signature; [| 0x21uy; 0x11uy; 0xFFuy; 0xFFuy |] ]
                    Array.concat [ signature; [| 0x31uy; 0x11uy; 0uy; 12uy |]; Array.create 12 1uy ]
                    Array.concat [ signature; [| 0x21uy; 0x12uy; 0uy; 12uy |]; Array.create 12 1uy ]
                ] do
                do! turnedAway lab transport balancer prefix
        }

let private protocol (lab: Laboratory) transport (offers: SslApplicationProtocol list) =
    testCaseTask $"HTTP/2 is not negotiated among {offers.Length}, on {transport}"
    <| fun () ->
        task {
            use socket =
                new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)

            do! socket.ConnectAsync(Laboratory.place lab transport)
            use secure = new SslStream(new NetworkStream(socket), false, fun _ _ _ _ -> true)

            let options =
                SslClientAuthenticationOptions(
                    TargetHost = "localhost",
                    ApplicationProtocols = ResizeArray offers
                )

            let! spoken =
                task {
                    try
                        do! secure.AuthenticateAsClientAsync(options, Waiting.deadline ())
                        return string secure.NegotiatedApplicationProtocol
                    with
                    | :? AuthenticationException
                    | :? IOException -> return "none"
                }

            Expect.notEqual spoken "h2" "no HTTP/2"
        }

let all (shells: int) (lab: Laboratory) : Test =
    testList
        "Balancers"
        [
            for transport in streams do
                yield! announced lab transport
                malformed lab transport
                spoofTest shells lab transport

            for transport in [ "ws"; "wss" ] do
                yield! forwarded lab transport

            for transport in [ "tls"; "wss" ] do
                protocol lab transport [ SslApplicationProtocol.Http2 ]

                protocol
                    lab
                    transport
                    [ SslApplicationProtocol.Http2; SslApplicationProtocol.Http11 ]
        ]
