// Shards: a message for a connection of another shard is handed over to it.

module Sip.Live.Shards

open System
open System.Threading
open System.Threading.Tasks
open Expecto
open Sip
open Sip.Server.Reactor

/// The shard that a connection lives in, as its number tells.
let private shardOf (flow: Flow) = int (flow.Connection >>> 20) &&& 0xFF

/// Opens connections until each of two shards has one.
let private oneEach (conductor: Teller) (port: int) =
    task {
        let open' = [| ValueNone; ValueNone |]

        while open'[0].IsNone || open'[1].IsNone do
            let! client = Client.connect Transport.Ws port

            match! conductor.Next() with
            | Told.Opened flow -> open'[shardOf flow] <- ValueSome(struct (client, flow))
            | other -> failtest (string other)

        return struct (open'[0].Value, open'[1].Value)
    }

let private handOver =
    testCaseTask "a hundred messages each way between the connections of two shards arrive in order"
    <| fun () ->
        task {
            let ports = Ports.take 4
            let towards = System.Collections.Concurrent.ConcurrentDictionary<Flow, Flow>()

            let conductor =
                Teller(fun flow bytes shard ->
                    let other = towards[flow]
                    shard.Send(&other, bytes.Span))

            let server = Reactors.serving [ Reactors.certificate [ "localhost" ] ]

            let! edge = Reactors.start ports TimeProvider.System [ conductor; conductor ] server

            let! struct (struct (left, ofLeft), struct (right, ofRight)) =
                oneEach conductor ports[2]

            towards[ofLeft] <- ofRight
            towards[ofRight] <- ofLeft

            let sent (client: Client) (mark: string) =
                task {
                    for i in 1..100 do
                        do! Client.send client (mark + string i)
                }

            let received (client: Client) (mark: string) =
                task {
                    for i in 1..100 do
                        let! came = Client.receive client
                        Expect.equal came (Came.Message(mark + string i)) "the next one"
                }

            do!
                Task.WhenAll(
                    sent left "to the right " :> Task,
                    sent right "to the left ",
                    received right "to the right ",
                    received left "to the left "
                )

            do! edge.StopAsync()
        }

let private taken =
    testCaseTask "a second server cannot take a port that shards share"
    <| fun () ->
        task {
            let ports = Ports.take 4
            let conductor () = Teller(fun _ _ _ -> ())
            let server = Reactors.serving [ Reactors.certificate [ "localhost" ] ]

            let! edge =
                Reactors.start ports TimeProvider.System [ conductor (); conductor () ] server

            let! second =
                task {
                    try
                        let! _ =
                            Reactors.start
                                ports
                                TimeProvider.System
                                [ conductor (); conductor () ]
                                server

                        return ""
                    with :? IO.IOException as busy ->
                        return busy.Message
                }

            Expect.stringContains second "in use" "it is refused"
            do! edge.StopAsync()
        }

let all = testList "Shards" [ handOver; taken ]
