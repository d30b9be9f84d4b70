// Shaking: the kind `handshakes`: TLS handshakes from many addresses at once that never come to an end, each of which costs the
// server its half and the client nothing (row D2), while somebody who is connected asks and asks.

namespace Sip.Fuzz

open System
open System.Collections.Generic
open System.Diagnostics
open System.IO
open System.Net
open System.Net.Security
open System.Net.Sockets
open System.Threading
open System.Threading.Tasks
open Sip.Sockets

/// Flooding with handshakes.
[<RequireQualifiedAccess>]
module Shaking =

    let private addresses = 250
    let private atOnce = 400

    let private tcp () =
        new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)

    /// What a client of TLS says first.
    let private hello () : Task<byte[]> =
        task {
            use listener = tcp ()
            listener.Bind(IPEndPoint(IPAddress.Loopback, 0))
            listener.Listen()
            use client = tcp ()
            do! client.ConnectAsync(nonNull listener.LocalEndPoint)
            use! accepted = listener.AcceptAsync()
            use stream = new SslStream(new NetworkStream(client, false), false)
            let shaking = stream.AuthenticateAsClientAsync "localhost"
            let buffer = Array.zeroCreate<byte> 4096
            let! count = accepted.ReceiveAsync(Memory buffer)
            accepted.Dispose()

            try
                do! shaking
            with :? IOException ->
                ()

            return buffer[.. count - 1]
        }

    /// One after another from one address: says hello, hears what the server makes of it, and goes away.
    let private worker
        (place: IPEndPoint)
        (said: byte[])
        (number: int)
        (stop: CancellationToken)
        (done': unit -> unit)
        =
        task {
            let answer = Array.zeroCreate<byte> 4096

            while not stop.IsCancellationRequested do
                use client = tcp ()
                // Closed at once, without a word and without a trace in the system's tables.
                client.LingerState <- LingerOption(true, 0)
                client.Bind(IPEndPoint(IPAddress.Parse $"127.0.1.{1 + number % addresses}", 0))

                try
                    do! client.ConnectAsync(place, stop).AsTask()
                    let! _ = client.SendAsync(ReadOnlyMemory said, stop).AsTask()
                    let! count = client.ReceiveAsync(Memory answer, stop).AsTask()

                    if count > 0 then
                        done' ()
                with
                | :? SocketException
                | :? OperationCanceledException -> ()
        }

    /// Asks for so long: the milliseconds to each answer.
    let private ask (lab: Laboratory) (line: Line) (seconds: float) : Task<float[]> =
        task {
            let times = List<float>()
            let all = Stopwatch.StartNew()

            while all.Elapsed.TotalSeconds < seconds do
                let one = Stopwatch.StartNew()
                do! Laboratory.stillAnswers lab line
                times.Add one.Elapsed.TotalMilliseconds

            return Array.sort (times.ToArray())
        }

    let private p99 (times: float[]) = times[times.Length * 99 / 100]

    let private measure (seconds: float) =
        task {
            let! lab =
                Laboratory.start "reactor" [ "tls" ] "example.test" (Laboratory.users [ "alice" ])

            let place = Laboratory.place lab "tls"
            use! line = Line.connect "tls" place
            let! said = hello ()
            let! _ = ask lab line 2.
            let! calm = ask lab line (seconds / 2.)
            let mutable shaken = 0L
            use stop = new CancellationTokenSource()

            let workers =
                List.init atOnce (fun number ->
                    worker place said number stop.Token (fun () ->
                        Interlocked.Increment(&shaken) |> ignore)
                    :> Task)

            let! flood = ask lab line seconds
            let count = Interlocked.Read(&shaken)
            stop.Cancel()
            do! Task.WhenAll workers
            let! after = ask lab line 1.
            let! code = lab.Server.Stop()
            return struct (calm, flood, after, count, code)
        }

    /// Runs for so many minutes and says what it came to: an answer that does not come, or comes late, is a failure.
    let run (_: string) (seed: int) (bound: Bound) : Tally =
        let seconds = max 4. (bound.Minutes * 60.)

        let struct (calm, flood, after, count, code) =
            (measure seconds).GetAwaiter().GetResult()

        let rate = float count / seconds

        let failures =
            [
                "the flood is one", rate < 300.
                "a tenth of a second at most", p99 flood > 100.
                "as before afterwards", p99 after > 20. + 2. * p99 calm
                "it stops as it should", code <> 0
            ]
            |> List.filter snd
            |> List.length

        {
            Kind = "handshakes"
            Seed = seed
            Count = count
            Failures = failures
            Remark =
                $"{rate:F0} a second; p99 of an answer {p99 calm:F1} ms before, {p99 flood:F1} during "
                + $"(longest {Array.last flood:F1}), {p99 after:F1} after"
        }
