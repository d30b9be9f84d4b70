// Descriptors: a connection that ends leaves nothing behind, and who takes its place inherits nothing.

module Sip.Live.Descriptors

open System
open System.IO
open System.Net.Sockets
open System.Threading.Tasks
open Expecto
open Sip

let private name transport (what: string) =
    String.Concat(Transport.inVia transport, ": ", what)

/// Ends our side and waits until the server has ended its own.
let private leave (client: Client) : Task =
    task {
        client.Socket.Shutdown SocketShutdown.Send

        try
            let! _ = Client.drain client
            ()
        with :? IOException ->
            ()
    }

/// Asks until the server holds no more descriptors than before; an answer is the only clock.
let private settled (served: Served) (client: Client) (before: int) (questions: int) : Task<bool> =
    task {
        let mutable asked = 0

        while served.Descriptors > before && asked < questions do
            let! _ = Client.answers client
            asked <- asked + 1

        return served.Descriptors <= before
    }

let private alive (client: Client) =
    task {
        let! alive = Client.answers client
        Expect.isTrue alive "it is answered"
    }

/// Fifty connections at once: each is answered, and leaves.
let private crowd (served: Served) transport (before: int) : Task =
    task {
        let port = served.Port transport
        let! clients = Task.WhenAll(List.init 50 (fun _ -> Client.connect transport port))
        let! alive = Task.WhenAll(Array.map Client.answers clients)
        Expect.allEqual alive true "each is answered"
        Expect.isGreaterThanOrEqual served.Descriptors (before + 50) "they are really open"
        do! Task.WhenAll(Array.map leave clients)

        for client in clients do
            (client :> IDisposable).Dispose()
    }

/// A thousand connections come and go on a server of their own.
let nothingLeft shell transport =
    testCaseTask (name transport "a thousand connections opened and closed leave no descriptor")
    <| fun () ->
        task {
            use! served = Served.start shell
            use! watcher = Client.connect transport (served.Port transport)
            do! alive watcher
            // What the first connections have the runtime open stays open.
            do! crowd served transport 0
            let! _ = settled served watcher 0 1
            let before = served.Descriptors

            for _ in 1..20 do
                do! crowd served transport before

            let! nothingLeft = settled served watcher before 20_000
            Expect.isTrue nothingLeft "no descriptor is left"
        }

/// Who takes the place of a registered connection gets none of the messages that were for it.
let nothingInherited (served: unit -> Served) transport =
    testCaseTask (
        name transport "who takes the place of one that has gone gets none of its messages"
    )
    <| fun () ->
        task {
            let connect () =
                Client.connect transport (served().Port transport)

            use! caller = connect ()

            for _ in 1..20 do
                let user = Requests.fresh ()
                use! gone = connect ()
                do! Client.send gone (Requests.register transport user)
                let! registered = Client.message gone
                Expect.stringStarts registered "SIP/2.0 200 " "registered"
                do! leave gone
                use! heir = connect ()
                let id = Requests.fresh ()
                do! Client.send caller (Requests.message transport user id "for another")
                let! answer = Client.message caller
                Expect.stringStarts answer "SIP/2.0 4" "the user is not there"
                do! alive heir
        }
