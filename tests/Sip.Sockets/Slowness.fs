// Slowness: who is silent, slow or deaf holds a connection for seconds only, in real time and over every
// transport. All cases wait at once, and each for the end of its connection.

module Sip.Sockets.Slowness

open System
open System.Diagnostics
open System.IO
open System.Net
open System.Net.Sockets
open System.Threading
open System.Threading.Tasks
open Expecto

/// Waits until the server ends the connection, and says how many seconds have passed since before it was opened.
let private ended (clock: Stopwatch) (stream: Stream) : Task<float> =
    task {
        use deadline = new CancellationTokenSource(TimeSpan.FromSeconds 40.)

        try
            do! stream.CopyToAsync(Stream.Null, deadline.Token)
        with :? IOException ->
            ()

        return clock.Elapsed.TotalSeconds
    }

let private within (earliest: float) (latest: float) (took: float) =
    Expect.isGreaterThan took earliest "not before its time"
    Expect.isLessThan took latest "in time"

/// The transport without what is above TCP.
let private bare (lab: Laboratory) transport : Task<Stream> =
    task {
        let! struct (stream, _) = Line.stream false (Laboratory.place lab transport)
        return stream
    }

let private below (lab: Laboratory) transport : Task<Stream> =
    task {
        let isSecure = transport = "tls" || transport = "wss"
        let! struct (stream, _) = Line.stream isSecure (Laboratory.place lab transport)
        return stream
    }

let private above (lab: Laboratory) transport : Task<Stream> =
    task {
        if transport = "ws" || transport = "wss" then
            let! socket = RawSocket.connect lab transport
            return socket.Stream
        else
            return! below lab transport
    }

/// A case: how it begins, what is written, and how many seconds the server gives.
let private slow (lab: Laboratory) name transport enter (bytes: byte[]) (seconds: float) =
    $"{name} is given up after {seconds} s, on {transport}",
    fun () ->
        task {
            let clock = Stopwatch.StartNew()
            let! (stream: Stream) = enter lab transport
            use stream = stream
            do! stream.WriteAsync(bytes, Waiting.deadline ())
            do! stream.FlushAsync(Waiting.deadline ())
            let! took = ended clock stream
            // A busy machine may be late, but no machine may be early.
            within (seconds - 0.1) (seconds + 10.) took
        }

let private half (bytes: byte[]) = bytes[.. bytes.Length / 2]

let private trickle (lab: Laboratory) transport =
    $"a byte every second buys no time, on {transport}",
    fun () ->
        task {
            let clock = Stopwatch.StartNew()
            let! stream = above lab transport
            use stream = stream
            let message = RawSocket.options lab "slow"

            let bytes =
                if transport = "ws" || transport = "wss" then
                    WebSocketClient.frame 0x81 message
                else
                    message

            use timer = new PeriodicTimer(TimeSpan.FromSeconds 1.)

            let write =
                task {
                    try
                        for octet in bytes do
                            let one = [| octet |]
                            do! stream.WriteAsync(one, Waiting.deadline ())
                            let! _ = timer.WaitForNextTickAsync()
                            ()
                    with
                    | :? IOException
                    | :? ObjectDisposedException -> ()
                }

            let! took = ended clock stream
            within 4.9 15. took
            timer.Dispose()
            stream.Dispose()
            do! write
        }

/// Asks for more than the sockets hold and less than the queue takes, and reads nothing of it.
let private deaf (lab: Laboratory) =
    "who reads nothing of what waits is given up after 10 s",
    fun () ->
        task {
            use socket =
                new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)

            socket.ReceiveBufferSize <- 4096
            do! socket.ConnectAsync(Laboratory.place lab "tcp")
            use stream = new NetworkStream(socket)

            let question =
                Said.text (RawSocket.options lab "deaf")
                |> _.Replace("branch=", "x=" + String('x', 7000) + ";branch=")
                |> Said.bytes

            for _ in 1..80 do
                do! stream.WriteAsync(question, Waiting.deadline ())

            let clock = Stopwatch.StartNew()
            do! lab.Server.Says "closed: it reads too slowly"
            within 7. 20. clock.Elapsed.TotalSeconds
        }

let private unannounced (lab: Laboratory) transport =
    $"a balancer that says half a PROXY header is given up after 5 s, on {transport}",
    fun () ->
        task {
            let clock = Stopwatch.StartNew()

            use socket =
                new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)

            socket.Bind(IPEndPoint(Balancing.balancer, 0))
            do! socket.ConnectAsync(Laboratory.place lab transport)
            use stream = new NetworkStream(socket)
            do! stream.WriteAsync("PROXY TCP4 203."B, Waiting.deadline ())
            let! took = ended clock stream
            within 4.9 15. took
        }

let private cases (lab: Laboratory) (balanced: Laboratory) : (string * (unit -> Task<unit>)) list =
    [
        deaf balanced

        for transport in [ "tcp"; "wss" ] do
            unannounced balanced transport

        let message = RawSocket.options lab "half"
        let framed = WebSocketClient.frame 0x81 message

        for transport in [ "tcp"; "tls" ] do
            slow lab "half a message" transport below (half message) 5.

        for transport in [ "ws"; "wss" ] do
            let head =
                WebSocketClient.head (WebSocketClient.polite (Laboratory.place lab transport))

            slow lab "half a handshake" transport below (half head) 5.
            slow lab "half a frame" transport above (half framed) 5.

            slow
                lab
                "half a message in fragments"
                transport
                above
                (WebSocketClient.frame 0x01 message)
                5.

            slow lab "an open WebSocket without a word" transport above [||] 10.

        for transport in [ "tls"; "wss" ] do
            slow lab "no handshake for TLS" transport bare [||] 5.
            slow lab "half a record of TLS" transport bare [| 0x16uy; 3uy; 1uy |] 5.

        slow lab "silence" "tcp" below [||] 10.
        slow lab "silence" "tls" below [||] 10.
        slow lab "silence" "ws" below [||] 5.
        slow lab "silence" "wss" below [||] 5.

        for transport in [ "tcp"; "tls"; "ws"; "wss" ] do
            trickle lab transport
    ]

/// What is wrong with a case, if anything is.
let private fault (name: string, play: unit -> Task<unit>) : Task<string list> =
    task {
        try
            do! play ()
            return []
        with wrong ->
            return [ $"{name}: {wrong.Message}" ]
    }

let all (lab: Laboratory) (balanced: Laboratory) : Test =
    testCaseTask "who is silent, slow or deaf is given up in time, over every transport"
    <| fun () ->
        task {
            let cases = cases lab balanced
            let! faults = cases |> List.map fault |> Task.WhenAll
            let all = String.Join("; ", List.concat faults)
            Expect.equal all "" $"all {cases.Length} in time"
            use! line = Line.connect "ws" (Laboratory.place lab "ws")
            do! Laboratory.stillAnswers lab line
        }
