// Server: the built server as a child process: started with options, awaited until it says `ready`,
// stopped by SIGTERM. None outlives the tests.

namespace Sip.Sockets

open System
open System.Collections.Concurrent
open System.Collections.Generic
open System.Diagnostics
open System.IO
open System.Runtime.InteropServices
open System.Text
open System.Threading.Tasks

module private Native =
    [<DllImport("libc")>]
    extern int kill(int pid, int signal)

/// What a process wrote, and who waits to hear more.
[<Sealed>]
type private Heard() =
    let said = StringBuilder()
    let waiters = List<struct (string * TaskCompletionSource)>()

    /// Takes a line.
    member _.Add(line: string) : unit =
        lock said (fun () ->
            said.AppendLine line |> ignore

            for struct (words, waiter) in waiters do
                if line.Contains words then
                    waiter.TrySetResult() |> ignore)

    /// All lines so far.
    member _.Text: string = lock said (fun () -> said.ToString())

    /// Done when a line has these words.
    member _.Hearing(words: string) : Task =
        lock said (fun () ->
            if said.ToString().Contains words then
                Task.CompletedTask
            else
                let waiter = TaskCompletionSource()
                waiters.Add(struct (words, waiter))
                waiter.Task)

/// A server that said it was ready.
[<Sealed>]
type Server private (child: Process, output: Heard, ready: Task<string>) =

    static let children = ConcurrentDictionary<int, Process>()

    static let rec root (from: DirectoryInfo | null) : string =
        match from with
        | null -> failwith "the tests do not lie within their repository"
        | from when File.Exists(Path.Combine(from.FullName, "Solution.sln")) -> from.FullName
        | from -> root from.Parent

    static let assembly =
        Path.Combine(
            root (DirectoryInfo AppContext.BaseDirectory),
            "Sip.Server/bin/Release/net10.0/Sip.Server.dll"
        )

    static do
        AppDomain.CurrentDomain.ProcessExit.Add(fun _ ->
            for child in children.Values do
                try
                    child.Kill()
                with :? InvalidOperationException ->
                    ())

    static let launch (environment: (string * string) list) (options: string list) : Server =
        let start = ProcessStartInfo("dotnet", assembly :: options)
        start.RedirectStandardOutput <- true
        start.RedirectStandardError <- true

        for name, value in environment do
            start.Environment[name] <- value

        let child = new Process(StartInfo = start)
        let output = Heard()
        let ready = TaskCompletionSource<string>()

        let hear (line: string | null) =
            match line with
            | null -> ()
            | line ->
                output.Add line

                if line.StartsWith("ready ", StringComparison.Ordinal) then
                    ready.TrySetResult line |> ignore

        child.OutputDataReceived.Add(fun said -> hear said.Data)
        child.ErrorDataReceived.Add(fun said -> hear said.Data)
        child.Start() |> ignore
        children[child.Id] <- child
        child.BeginOutputReadLine()
        child.BeginErrorReadLine()
        new Server(child, output, ready.Task)

    /// Where it was built.
    static member Assembly: string = assembly

    /// Everything that it wrote so far.
    member _.Output: string = output.Text

    /// Waits until it has written a line with these words.
    member _.Says(words: string) : Task<unit> =
        Waiting.forEnd $"the server to say '{words}'" (output.Hearing words)

    /// The line that names its listeners.
    member _.Ready: string = ready.Result

    /// Waits for the process to end by itself.
    member this.Exit() : Task<int> =
        task {
            do! Waiting.forEnd "the server to end" (child.WaitForExitAsync())
            children.TryRemove child.Id |> ignore
            return child.ExitCode
        }

    /// Asks it to stop and waits for its exit code.
    member this.Stop() : Task<int> =
        Native.kill (child.Id, 15) |> ignore
        this.Exit()

    interface IDisposable with
        member _.Dispose() =
            if not child.HasExited then
                child.Kill()

            children.TryRemove child.Id |> ignore
            child.Dispose()

    /// Starts with options and waits until it is ready.
    static member StartWith(environment, options: string list) : Task<Server> =
        task {
            let server = launch environment options
            let! first = Task.WhenAny(server.ReadyTask :> Task, server.Exit())

            if not (obj.ReferenceEquals(first, server.ReadyTask)) then
                failwith $"the server did not begin: {server.Output}"

            return server
        }

    static member Start(options: string list) : Task<Server> = Server.StartWith([], options)

    /// Starts with options that it shall refuse: its exit code and all that it wrote.
    static member Refused(environment, options: string list) : Task<struct (int * string)> =
        task {
            use server = launch environment options
            let! first = Task.WhenAny(server.ReadyTask :> Task, server.Exit())

            if obj.ReferenceEquals(first, server.ReadyTask) then
                failwith $"the server began with {options}"

            return struct (server.ExitCode, server.Output)
        }

    member private _.ReadyTask = ready
    member private _.ExitCode = child.ExitCode
