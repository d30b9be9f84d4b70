// Sockets: the same over real sockets, of all five transports, against a running server: whatever is sent, a canary
// on each transport must have every answer.

namespace Sip.Fuzz

open System
open System.Collections.Generic
open System.IO
open System.Net.Sockets
open System.Threading.Tasks
open Sip
open Sip.Sockets
open Sip.Museum

/// A server under attack, and who sees whether it still answers.
type Siege =
    {
        Lab: Laboratory
        Canaries: Map<string, Sockets.Line>
    }

/// Attacking servers.
[<RequireQualifiedAccess>]
module Siege =

    /// A server with its canaries. Loopback is a peer to it: nobody is challenged, and what is sent goes far.
    let start (shell: string) : Task<Siege> =
        task {
            let peers = [ "--peer"; "udp:127.0.0.1:9" ]
            let! lab = Laboratory.start shell Laboratory.transports "example.test" peers
            let canaries = Dictionary<string, Sockets.Line>()

            for transport in Laboratory.transports do
                let! line = Line.connect transport (Laboratory.place lab transport)
                canaries[transport] <- line

            return
                {
                    Lab = lab
                    Canaries = Map [ for pair in canaries -> pair.Key, pair.Value ]
                }
        }

    /// Every canary asks and has its answer.
    let check (siege: Siege) : Task =
        task {
            for pair in siege.Canaries do
                do! Laboratory.stillAnswers siege.Lab pair.Value
        }

    /// Ends the server; its exit code.
    let stop (siege: Siege) : Task<int> =
        task {
            for pair in siege.Canaries do
                (pair.Value :> IDisposable).Dispose()

            return! siege.Lab.Server.Stop()
        }

    // What comes back is read, and of no interest.
    let private drain (stream: Stream) : Task =
        task {
            try
                do! stream.CopyToAsync Stream.Null
            with
            | :? IOException
            | :? ObjectDisposedException -> ()
        }

    let private isWebSocket (transport: string) = transport.StartsWith "ws"

    /// A stream to the server, shaken where it is a WebSocket's.
    let stream (siege: Siege) (transport: string) : Task<Stream> =
        task {
            let place = Laboratory.place siege.Lab transport
            let! struct (stream, _) = Line.stream (transport = "tls" || transport = "wss") place

            if isWebSocket transport then
                do! WebSocketClient.shakeHands stream place

            drain stream |> ignore
            return stream
        }

    /// Writes, to whoever may have closed by now; whether it could.
    let write (stream: Stream) (bytes: byte[]) : Task<bool> =
        task {
            try
                do! stream.WriteAsync(ReadOnlyMemory bytes, Waiting.deadline ())
                do! stream.FlushAsync(Waiting.deadline ())
                return true
            with
            | :? IOException
            | :? ObjectDisposedException -> return false
        }

    let private datagram (siege: Siege) (bytes: byte[]) : Task =
        task {
            use! line = Line.connect "udp" (Laboratory.place siege.Lab "udp")

            // More than a datagram holds cannot even be sent.
            if bytes.Length <= 65507 then
                do! line.Send bytes
        }

    let private once (siege: Siege) (transport: string) (bytes: byte[]) : Task =
        task {
            if transport = "udp" then
                do! datagram siege bytes
            else
                use! stream = stream siege transport
                let! _ = write stream bytes
                ()
        }

    let private mask = [| 1uy; 2uy; 3uy; 4uy |]

    /// An exhibit over every transport that can carry it, after each of which the canaries ask.
    let show (siege: Siege) (exhibit: Exhibit) : Task =
        task {
            for transport in Laboratory.transports do
                let bytes =
                    match exhibit.Carrier with
                    | Carrier.Message text when isWebSocket transport ->
                        ValueSome(Frame.masked 0x81 mask (Text.toBytes text))
                    | Carrier.Message text -> ValueSome(Text.toBytes text)
                    | Carrier.Datagram bytes when transport = "udp" -> ValueSome bytes
                    | Carrier.Stream bytes when transport = "tcp" || transport = "tls" ->
                        ValueSome bytes
                    | Carrier.Frames bytes when isWebSocket transport -> ValueSome bytes
                    | Carrier.Datagram _
                    | Carrier.Stream _
                    | Carrier.Frames _ -> ValueNone

                match bytes with
                | ValueSome bytes ->
                    do! once siege transport bytes
                    do! Laboratory.stillAnswers siege.Lab siege.Canaries[transport]
                | ValueNone -> ()

            do! check siege
        }

/// Fuzzing over sockets: the kind `sockets`.
[<RequireQualifiedAccess>]
module SocketRun =

    let private burst = 25

    let private letter (luck: Luck) (heard: Heard) (transport: string) =
        let sheet = Letters.request luck heard (transport.ToUpperInvariant())

        let sheet =
            if luck.Chance 40 then
                Damage.fields luck heard sheet
            else
                sheet

        let text = Sip.Properties.World.Sheet.print sheet
        Text.toBytes (if luck.Chance 50 then Damage.several luck text else text)

    let private carried (luck: Luck) (transport: string) (bytes: byte[]) =
        if not (transport.StartsWith "ws") then bytes
        elif luck.Chance 5 then Frame.strange luck
        else Frame.message luck bytes

    let private besiege (siege: Siege) (seed: int) (bound: Bound) (save: byte[] list -> unit) =
        task {
            let allowance = Allowance bound
            let luck, heard = Luck seed, Heard()
            let mutable count, missed, connections = 0L, 0, 0
            use! udp = Line.connect "udp" (Laboratory.place siege.Lab "udp")

            while allowance.Lasts count && missed = 0 do
                let transport = luck.Of(List.toArray Laboratory.transports)
                let letters = [ for _ in 1..burst -> letter luck heard transport ]

                try
                    if transport = "udp" then
                        for bytes in letters do
                            if bytes.Length <= 65507 then
                                do! udp.Send bytes
                    else
                        use! stream = Siege.stream siege transport
                        connections <- connections + 1
                        let mutable isOpen = true

                        for bytes in letters do
                            if isOpen then
                                let! written = Siege.write stream (carried luck transport bytes)
                                isOpen <- written

                    count <- count + int64 burst
                    do! Siege.check siege
                with
                | :? SocketException
                | :? IOException
                | Failure _ as fault ->
                    missed <- missed + 1
                    stderr.WriteLine $"after {count} messages over {transport}: {fault.Message}"
                    save letters

            return struct (count, missed, connections, allowance.Seconds)
        }

    /// Runs against a server of its own, saves the burst after which a canary had no answer, and says what it came to.
    let run (folder: string) (seed: int) (bound: Bound) : Tally =
        let save (letters: byte[] list) =
            Directory.CreateDirectory folder |> ignore
            let lines = letters |> List.map Convert.ToHexString
            File.WriteAllLines(Path.Combine(folder, $"sockets-{seed}.txt"), lines)

        let work =
            task {
                let! siege = Siege.start "reactor"
                let! outcome = besiege siege seed bound save
                let! code = Siege.stop siege
                return struct (outcome, code)
            }

        let struct (struct (count, missed, connections, seconds), code) =
            work.GetAwaiter().GetResult()

        {
            Kind = "sockets"
            Seed = seed
            Count = count
            Failures = missed + (if code = 0 then 0 else 1)
            Remark =
                $"{connections} connections, canaries missed {missed}, exit code {code}, {seconds:F0} s"
        }
