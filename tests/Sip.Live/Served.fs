// Served: the server as a process of its own, on loopback ports that nobody else has.

namespace Sip.Live

open System
open System.Diagnostics
open System.IO
open System.Net
open System.Net.Sockets
open System.Threading.Tasks
open Sip

/// What moves the server's bytes.
[<RequireQualifiedAccess>]
type Shell =
    | Reactor
    | Portable

/// Ports of loopback that were free a moment ago, for UDP and TCP alike.
[<RequireQualifiedAccess>]
module Ports =

    let private tryBoth () =
        use tcp =
            new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)

        use udp = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp)
        tcp.Bind(IPEndPoint(IPAddress.Loopback, 0))
        let port = (nonNull tcp.LocalEndPoint :?> IPEndPoint).Port

        try
            udp.Bind(IPEndPoint(IPAddress.Loopback, port))
            Some port
        with :? SocketException ->
            None

    /// So many ports.
    let take count : int list =
        Seq.initInfinite (fun _ -> tryBoth ())
        |> Seq.choose id
        |> Seq.distinct
        |> Seq.truncate count
        |> List.ofSeq

/// A running server.
type Served =
    {
        Process: Process
        Ports: int list
    }

    /// The port of a transport.
    member this.Port(transport: Transport) =
        match transport with
        | Transport.Udp
        | Transport.Tcp -> this.Ports[0]
        | Transport.Tls -> this.Ports[1]
        | Transport.Ws -> this.Ports[2]
        | Transport.Wss -> this.Ports[3]

    /// Descriptors that the server holds, but for the assemblies, which the runtime opens and keeps whenever it
    /// comes to need them.
    member this.Descriptors =
        let isAssembly (entry: string) =
            try
                match File.ResolveLinkTarget(entry, false) with
                | null -> false
                | target -> target.FullName.EndsWith(".dll", StringComparison.Ordinal)
            with :? IOException ->
                false

        Directory.GetFileSystemEntries(String.Concat("/proc/", string this.Process.Id, "/fd"))
        |> Array.filter (isAssembly >> not)
        |> Array.length

    interface IDisposable with
        member this.Dispose() =
            if not this.Process.HasExited then
                this.Process.Kill()

            this.Process.Dispose()

/// Starting servers.
[<RequireQualifiedAccess>]
module Served =

    /// Stream transports, over which the same must hold.
    let streams = [ Transport.Tcp; Transport.Tls; Transport.Ws; Transport.Wss ]

    /// How `--shell` calls it.
    let word (shell: Shell) =
        match shell with
        | Shell.Reactor -> "reactor"
        | Shell.Portable -> "portable"

    let private listen transport (port: int) =
        String.Concat("--listen=", transport, ":127.0.0.1:", string port)

    let private arguments shell (ports: int list) more =
        [
            Path.Combine(AppContext.BaseDirectory, "Sip.Server.dll")
            listen "udp" ports[0]
            listen "tcp" ports[0]
            listen "tls" ports[1]
            listen "ws" ports[2]
            listen "wss" ports[3]
            String.Concat("--pages=127.0.0.1:", string ports[4])
            "--domain=sip.test"
            "--unsafe-no-auth"
            "--queue-bytes=65536"
            "--shell=" + word shell
        ]
        @ more

    let private hear (started: Process) (heard: string -> unit) : Task =
        task {
            let mutable isOpen = true

            while isOpen do
                match! started.StandardOutput.ReadLineAsync() with
                | null -> isOpen <- false
                | line -> heard line
        }

    /// A server with these further options that is ready, and whose lines from then on somebody hears.
    let startWith
        (shell: Shell)
        (more: string list)
        (level: string)
        (heard: string -> unit)
        : Task<Served> =
        task {
            let ports = Ports.take 5

            let info =
                ProcessStartInfo(
                    "dotnet",
                    arguments shell ports more,
                    RedirectStandardOutput = true,
                    WorkingDirectory = AppContext.BaseDirectory
                )

            info.Environment["Logging__LogLevel__Sip"] <- level
            let started = nonNull (Process.Start info)
            let mutable isReady = false

            while not isReady do
                match! started.StandardOutput.ReadLineAsync() with
                | null -> raise (IOException "the server did not start")
                | line -> isReady <- line.StartsWith("ready", StringComparison.Ordinal)

            // What it says later must not fill the pipe.
            hear started heard |> ignore
            return { Process = started; Ports = ports }
        }

    /// A server that is ready.
    let start (shell: Shell) : Task<Served> = startWith shell [] "Error" ignore
