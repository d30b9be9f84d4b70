// Harm: what one client does ends its own connection at most, and nobody else's.

module Sip.Live.Harm

open System
open System.IO
open System.Net
open System.Net.Sockets
open System.Threading.Tasks
open Expecto
open Sip

let private name transport (what: string) =
    String.Concat(Transport.inVia transport, ": ", what)

/// Sends questions with long answers and reads none, until the server ends it.
let private neverRead (client: Client) : Task =
    task {
        let mutable sent = 0

        try
            while sent < 100_000 do
                do! Client.send client (Requests.largeOptions client.Transport)
                sent <- sent + 1
        with
        | :? IOException
        | :? OperationCanceledException -> ()

        Expect.isLessThan sent 100_000 "a client that reads nothing is disconnected"
    }

let private brokenHead transport =
    (Requests.options transport (Requests.fresh ()))
        .Replace("Content-Length: 0", "Content-Length: none", StringComparison.Ordinal)

/// What one stream transport of a server does to one who misbehaves, and to the others.
let streams (served: unit -> Served) transport =
    let connect () =
        Client.connect transport (served().Port transport)

    [
        testCaseTask (name transport "who never reads is disconnected, and nobody else notices")
        <| fun () ->
            task {
                use! slow = connect ()
                use! other = connect ()
                let slowness = neverRead slow
                let mutable fine = true

                while fine && not slowness.IsCompleted do
                    let! alive = Client.answers other
                    fine <- alive

                Expect.isTrue fine "the other is answered all the time"
                do! slowness
                let! alive = Client.answers other
                Expect.isTrue alive "and afterwards"
            }

        testCaseTask (name transport "who goes away in the middle of a message harms nobody")
        <| fun () ->
            task {
                use! other = connect ()

                for _ in 1..50 do
                    use! client = connect ()
                    let all = Client.wrap client (Requests.options transport (Requests.fresh ()))
                    do! Client.sendBytes client (Array.truncate (all.Length / 2) all)

                let! alive = Client.answers other
                Expect.isTrue alive "the other is answered"
            }
    ]

/// A length that cannot be read is answered 400 before the connection ends.
let broken (served: unit -> Served) transport =
    testCaseTask (
        name transport "a length that cannot be read is answered 400, and the stream ends"
    )
    <| fun () ->
        task {
            use! other = Client.connect transport (served().Port transport)
            use! client = Client.connect transport (served().Port transport)
            do! Client.send client (brokenHead transport)

            match! Client.receive client with
            | Came.Message answer -> Expect.stringStarts answer "SIP/2.0 400 " "the answer"
            | Came.Close _
            | Came.End -> failtest "no answer"

            let! last = Client.receive client
            Expect.equal last Came.End "the stream ends"
            let! alive = Client.answers other
            Expect.isTrue alive "the other is answered"
        }

/// A message over the limit ends a WebSocket with 1009.
let tooLarge (served: unit -> Served) transport =
    testCaseTask (name transport "a message over the limit ends the WebSocket with 1009")
    <| fun () ->
        task {
            use! client = Client.connect transport (served().Port transport)

            try
                do! Client.send client (String('x', 70_000))
            with :? IOException ->
                ()

            let! last = Client.drain client
            Expect.equal last (Came.Close 1009) "the last word"
        }

/// Whoever does not speak TLS where TLS is spoken is disconnected.
let noTls (served: unit -> Served) =
    testCaseTask "TLS: who does not speak TLS is disconnected, and nobody else notices"
    <| fun () ->
        task {
            use! other = Client.connect Transport.Tls (served().Port Transport.Tls)

            use socket =
                new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)

            do! socket.ConnectAsync(IPEndPoint(IPAddress.Loopback, served().Port Transport.Tls))

            use client =
                {
                    Transport = Transport.Tcp
                    Socket = socket
                    Stream = new NetworkStream(socket, false)
                    Left = [||]
                }

            do! Client.send client (Requests.options Transport.Tls (Requests.fresh ()))
            use stream = new MemoryStream()
            do! client.Stream.CopyToAsync(stream).WaitAsync(Client.patience)
            let! alive = Client.answers other
            Expect.isTrue alive "the other is answered"
        }
