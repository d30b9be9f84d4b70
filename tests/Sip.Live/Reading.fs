// Reading: however the bytes of messages are cut or joined on their way, each is answered once.

module Sip.Live.Reading

open System
open System.Net.Sockets
open System.Net
open System.Security.Authentication
open System.Threading.Tasks
open Expecto
open Sip

let private name transport (what: string) =
    String.Concat(Transport.inVia transport, ": ", what)

let private ids count =
    List.init count (fun _ -> Requests.fresh ())

let private allAnswered (client: Client) (asked: string list) : Task =
    task {
        for id in asked do
            match! Client.receive client with
            | Came.Message answer ->
                Expect.isTrue (Requests.isAnswer 200 id answer) "each is answered, in its turn"
            | Came.Close _
            | Came.End -> failtest "the connection ended"
    }

let private joined (client: Client) (asked: string list) =
    asked
    |> List.map (Requests.options client.Transport >> Client.wrap client)
    |> Array.concat

/// What one stream transport of a server does with its bytes.
let streams (served: unit -> Served) transport =
    let connect () =
        Client.connect transport (served().Port transport)

    [
        testCaseTask (name transport "a message that comes byte by byte is answered once")
        <| fun () ->
            task {
                use! client = connect ()
                let asked = ids 2

                for single in joined client asked do
                    do! Client.sendBytes client [| single |]

                do! allAnswered client asked
            }

        testCaseTask (name transport "a hundred messages in one write are answered in order")
        <| fun () ->
            task {
                use! client = connect ()
                let asked = ids 100
                do! Client.sendBytes client (joined client asked)
                do! allAnswered client asked
            }

        testCaseTask (name transport "messages that are cut anywhere are answered in order")
        <| fun () ->
            task {
                use! client = connect ()
                let dice = Random 42
                let asked = ids 50
                let mutable rest = joined client asked
                let reading = allAnswered client asked

                while rest.Length > 0 do
                    let size = min rest.Length (dice.Next(1, 2000))
                    do! Client.sendBytes client (Array.truncate size rest)
                    rest <- Array.skip size rest

                do! reading
            }

        testCaseTask (
            name transport "a keep-alive is answered while a long message waits for its end"
        )
        <| fun () ->
            task {
                use! client = connect ()
                do! Client.send client "\r\n\r\n"
                let! pong = Client.receive client
                Expect.equal pong (Came.Message "\r\n") "the answer to a keep-alive"
                let! alive = Client.answers client
                Expect.isTrue alive "and messages go on"
            }
    ]

let private dribbling (served: unit -> Served) transport versions (words: string) =
    testCaseTask (name transport words)
    <| fun () ->
        task {
            let tls =
                { Client.anyTls with
                    Versions = versions
                }

            use! client =
                Client.connectBy
                    (fun stream -> new Dribble(stream))
                    tls
                    transport
                    (served().Port transport)

            let! alive = Client.answers client
            Expect.isTrue alive "it is answered"
        }

/// How hands are shaken when they are shaken byte by byte.
let handshakes (served: unit -> Served) =
    [
        dribbling served Transport.Ws SslProtocols.None "a handshake that comes byte by byte opens"
        dribbling served Transport.Tls SslProtocols.Tls12 "TLS 1.2 that comes byte by byte opens"
        dribbling served Transport.Wss SslProtocols.Tls13 "TLS 1.3 that comes byte by byte opens"
    ]

/// Datagrams: each is answered to the address that it came from.
let datagrams (served: unit -> Served) =
    testCaseTask "UDP: a hundred datagrams at once are answered, each once"
    <| fun () ->
        task {
            use socket = new UdpClient(IPEndPoint(IPAddress.Loopback, 0))
            socket.Connect(IPAddress.Loopback, served().Port Transport.Udp)
            let asked = ids 100

            for id in asked do
                socket.Send(Text.Encoding.Latin1.GetBytes(Requests.options Transport.Udp id))
                |> ignore

            let mutable missing = asked

            while not missing.IsEmpty do
                let! received = socket.ReceiveAsync().WaitAsync Client.patience
                let answer = Text.Encoding.Latin1.GetString received.Buffer
                let before = missing.Length
                missing <- List.filter (fun id -> not (Requests.isAnswer 200 id answer)) missing

                Expect.equal
                    missing.Length
                    (before - 1)
                    "an answer to one that was still unanswered"
        }
