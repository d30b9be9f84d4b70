// Stopping: a server that is told to go says goodbye and goes.

module Sip.Live.Stopping

open System
open System.Diagnostics
open Expecto
open Sip

/// SIGTERM ends WebSockets with 1001, streams with their end, and the process with 0.
let all (shell: Shell) =
    testCaseTask (
        String.Concat(Served.word shell, ": a server that is told to go says goodbye and goes")
    )
    <| fun () ->
        task {
            use! served = Served.start shell
            use! ws = Client.connect Transport.Ws (served.Port Transport.Ws)
            use! wss = Client.connect Transport.Wss (served.Port Transport.Wss)
            use! tcp = Client.connect Transport.Tcp (served.Port Transport.Tcp)
            use! tls = Client.connect Transport.Tls (served.Port Transport.Tls)

            for client in [ ws; wss; tcp; tls ] do
                let! alive = Client.answers client
                Expect.isTrue alive "it serves"

            use kill = Process.Start("kill", [ "-TERM"; string served.Process.Id ])

            for client in [ ws; wss ] do
                let! last = Client.drain client
                Expect.equal last (Came.Close 1001) "a WebSocket's last word"
                (client :> IDisposable).Dispose()

            for client in [ tcp; tls ] do
                let! last = Client.drain client
                Expect.equal last Came.End "a stream's end"
                (client :> IDisposable).Dispose()

            do! served.Process.WaitForExitAsync().WaitAsync Client.patience
            Expect.equal served.Process.ExitCode 0 "the exit status"
        }
