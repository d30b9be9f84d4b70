// Exhaustion: what becomes of those who are connected, and of those who come, when descriptors or memory run out.

module Sip.Live.Exhaustion

open System
open System.Collections.Generic
open System.Diagnostics
open System.IO
open System.Threading.Tasks
open Expecto
open Sip

/// How many files and sockets the server may have open from now on.
let private limit (served: Served) (descriptors: int) =
    let arguments =
        [
            "--pid"
            string served.Process.Id
            String.Concat("--nofile=", string descriptors, ":")
        ]

    use running = Process.Start("prlimit", arguments)
    running.WaitForExit()
    Expect.equal running.ExitCode 0 "the limit is set"

let private connect (served: Served) =
    Client.connect Transport.Tcp (served.Port Transport.Tcp)

let private isServed (client: Client) : Task<bool> =
    task {
        try
            return! Client.answers client
        with :? IOException ->
            return false
    }

let private alive (client: Client) =
    task {
        let! alive = isServed client
        Expect.isTrue alive "who is connected is served"
    }

/// Connects until one is turned away; who was served.
let private fill (served: Served) : Task<List<Client>> =
    task {
        let inside = List<Client>()
        let mutable isFull = false

        while not isFull && inside.Count < 5_000 do
            let! next = connect served
            let! isIn = isServed next

            if isIn then
                inside.Add next
            else
                (next :> IDisposable).Dispose()
                isFull <- true

        Expect.isTrue isFull "somebody is turned away"
        return inside
    }

/// The time that the server's processor spends until something has happened that takes seconds.
let private spent (served: Served) (until: Task) : Task<float> =
    task {
        served.Process.Refresh()
        let watch = Stopwatch.StartNew()
        let before = served.Process.TotalProcessorTime
        do! until
        served.Process.Refresh()
        let share = (served.Process.TotalProcessorTime - before) / watch.Elapsed
        Expect.isGreaterThan watch.Elapsed.TotalSeconds 1. "it took its time"
        return share
    }

/// A handshake that never comes is waited for five seconds.
let private fiveSeconds (silent: Client) : Task =
    task {
        try
            let! _ = Client.drain silent
            ()
        with :? IOException ->
            ()
    }

let private silent (served: Served) =
    Client.connect Transport.Tcp (served.Port Transport.Tls)

let private descriptors =
    testCaseTask
        "with every descriptor taken that clients may have, the connected are served, nobody is busy, and who comes when some have left is let in"
    <| fun () ->
        task {
            use! served = Served.start Shell.Reactor
            use! canary = connect served
            do! alive canary

            limit
                served
                (Directory.GetFileSystemEntries($"/proc/{served.Process.Id}/fd").Length + 80)

            for _ in 1..5 do
                let! inside = fill served
                Expect.isGreaterThan inside.Count 20 "clients are let in until then"
                do! alive canary

                for client in inside do
                    do! alive client
                    (client :> IDisposable).Dispose()

                let! again = connect served
                let! first = isServed again
                // Those that left may have been seen to after the one that came.
                let! next = if first then Task.FromResult again else connect served
                let! second = if first then Task.FromResult true else isServed next
                Expect.isTrue second "who comes then"
                (again :> IDisposable).Dispose()
                (next :> IDisposable).Dispose()

            // Nobody is busy with those who cannot be let in.
            use! slow = silent served
            let! inside = fill served
            let! share = spent served (fiveSeconds slow)
            Expect.isLessThan share 0.3 "share of a core"
            do! alive canary

            for client in inside do
                do! alive client

            limit served 500
            use! after = connect served
            do! alive after
        }

let private ok (invite: string) =
    let copied =
        invite.Split "\r\n"
        |> Array.filter (fun line ->
            [ "Via:"; "From:"; "Call-ID:"; "CSeq:"; "Record-Route:" ]
            |> List.exists line.StartsWith)

    String.Join(
        "\r\n",
        [
            "SIP/2.0 200 OK"
            yield! copied
            "To: <sip:live@sip.test>;tag=b"
            "Contact: <sip:bob@live.invalid;transport=tcp>"
            "Content-Length: 0"
            ""
            ""
        ]
    )

let private status (answer: string) = answer.Substring(8, 3)

/// Calls somebody who does not answer, with so much to say each time, until a call is refused: how many were not.
let private press (callers: Client list) (body: string) : Task<struct (int * string)> =
    task {
        let mutable calls = 0
        let mutable refused = ""

        for caller in callers do
            let mutable ofCaller = 0

            while refused = "" && ofCaller < 4_000 do
                do!
                    Client.send
                        caller
                        (Requests.invite Transport.Tcp "bob" (Requests.fresh ()) body)

                let! answer = Client.message caller

                if status answer = "100" then
                    ofCaller <- ofCaller + 1
                    calls <- calls + 1
                else
                    refused <- answer

        return struct (calls, refused)
    }

/// Asks until the answer is 200, or has been something else too often.
let private untilServed (client: Client) : Task<bool> =
    task {
        let mutable asked = 1
        let mutable isDone = false

        while not isDone && asked < 500_000 do
            let! served = Client.answers client
            isDone <- served
            asked <- asked + 1

        return isDone
    }

let private memory =
    testCaseTask
        "with its memory used up the server begins nothing and finishes what is under way; with memory again it begins again"
    <| fun () ->
        task {
            use! served = Served.startWith Shell.Reactor [ "--memory-limit=160" ] "Error" ignore

            use! canary = connect served
            do! alive canary
            let! bob = connect served
            do! Client.send bob (Requests.register Transport.Tcp "bob")
            let! _ = Client.message bob
            let! callers = Task.WhenAll(List.init 8 (fun _ -> connect served))
            let first = TaskCompletionSource<string>()

            // Bob reads all and answers nothing.
            let reading: Task =
                task {
                    try
                        while true do
                            let! came = Client.message bob

                            if came.StartsWith("INVITE ", StringComparison.Ordinal) then
                                first.TrySetResult came |> ignore
                    with
                    | :? IOException
                    | :? ObjectDisposedException -> ()
                }

            let! struct (calls, refused) = press (List.ofArray callers) (String('x', 12_000))
            Expect.isGreaterThan calls 500 "calls are begun until then"
            Expect.equal (status refused) "503" refused
            Expect.stringContains refused "\r\nRetry-After: " "when to come back"
            use! next = connect served
            let! isIn = isServed next
            Expect.isFalse isIn "no new connection"
            let! invite = first.Task
            do! Client.send bob (ok invite)
            let! answer = Client.message callers[0]
            Expect.equal (status answer) "200" "a call under way is answered"

            for client in bob :: List.ofArray callers do
                (client :> IDisposable).Dispose()

            do! reading
            let! isBack = untilServed canary
            Expect.isTrue isBack "it is as it was"
            use! after = connect served
            do! alive after
            Expect.isFalse served.Process.HasExited "it lives"
        }

/// Every example.
let all = testList "Exhaustion" [ descriptors; memory ]
