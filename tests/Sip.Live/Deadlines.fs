// Deadlines: what the wheel of a shard brings about when time passes, by a clock that the test moves.

module Sip.Live.Deadlines

open System
open System.Net
open System.Net.Sockets
open System.Threading.Tasks
open Expecto
open Sip
open Sip.Wire
open Sip.Server.Reactor

let private lab () =
    task {
        let hands = Hands()
        let ports = Ports.take 4
        let conductor = Teller(fun flow bytes shard -> shard.Send(&flow, bytes.Span))
        let server = Reactors.serving [ Reactors.certificate [ "localhost" ] ]
        let! edge = Reactors.start ports hands [ conductor ] server
        return struct (hands, ports, conductor, edge)
    }

/// Moves the clock on and has the shard look at it.
let private pass (hands: Hands) (edge: ReactorEdge) (by: int64<ms>) : Task =
    task {
        hands.Move by
        // A question makes it look; the answer to a second says that it has looked.
        let! _ = edge.CountAsync()
        let! _ = edge.CountAsync()
        ()
    }

let private silent transport place (limit: int64<ms>) =
    testCaseTask (
        String.Concat(Transport.inVia transport, ": who says nothing is disconnected in time")
    )
    <| fun () ->
        task {
            let! struct (hands, ports, _, edge) = lab ()

            use socket =
                new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)

            do! socket.ConnectAsync(IPEndPoint(IPAddress.Loopback, List.item place ports))
            let mutable there = 0

            while there = 0 do
                let! counts = edge.CountAsync()
                there <- counts.Connections

            do! pass hands edge (limit - 200L<ms>)
            let! early = edge.CountAsync()
            Expect.equal early.Connections 1 "not yet"
            do! pass hands edge 300L<ms>

            let! count =
                socket.ReceiveAsync(Memory(Array.zeroCreate<byte> 16)).AsTask().WaitAsync
                    Client.patience

            Expect.equal count 0 "disconnected"
            socket.Dispose()
            do! edge.StopAsync()
        }

let private pings =
    testCaseTask "WS: a ping is sent in time, and who does not answer it is disconnected"
    <| fun () ->
        task {
            let! struct (hands, ports, conductor, edge) = lab ()
            use! client = Client.connect Transport.Ws ports[2]
            do! Client.send client "hello"
            let! echoed = Client.receive client
            Expect.equal echoed (Came.Message "hello") "it is open"
            do! pass hands edge 30_100L<ms>
            let! ping = Client.receive client
            Expect.equal ping (Came.Message "ping") "a ping"
            do! pass hands edge 15_100L<ms>
            let! last = Client.receive client
            Expect.equal last Came.End "disconnected"
            client.Socket.Dispose()

            match! conductor.Next() with
            | Told.Opened flow ->
                let! _ = conductor.Next()
                let! closed = conductor.Next()
                Expect.equal closed (Told.Closed flow) "the conductor knows"
            | other -> failtest (string other)

            do! edge.StopAsync()
        }

let all =
    testList
        "Deadlines"
        [
            silent Transport.Tcp 0 Patience.firstMessage
            silent Transport.Tls 1 Patience.securing
            silent Transport.Ws 2 Patience.handshake
            silent Transport.Wss 3 Patience.securing
            pings
        ]
