// Main: `--quick [part of a name]` measures the pieces with a stopwatch, `--short` does each once to see that it still
// can be done, and nothing at all hands over to BenchmarkDotNet.

module Main

open System
open System.Diagnostics
open BenchmarkDotNet.Attributes
open BenchmarkDotNet.Configs
open BenchmarkDotNet.Jobs
open BenchmarkDotNet.Running
open BenchmarkDotNet.Toolchains.InProcess.Emit
open Sip

/// One piece of work under BenchmarkDotNet.
[<MemoryDiagnoser>]
type Pieces() =
    let mutable work = ignore

    member _.Names = Sip.Benchmarks.Work.pieces |> List.map fst

    [<ParamsSource "Names">]
    member val Piece = "" with get, set

    [<GlobalSetup>]
    member this.Find() =
        work <-
            Sip.Benchmarks.Work.pieces
            |> List.find (fun (name, _) -> name = this.Piece)
            |> snd

    [<Benchmark>]
    member _.Do() = work ()

let private batch (work: unit -> unit) : float =
    let rounds = 200
    let watch = Stopwatch.StartNew()

    for _ in 1..rounds do
        work ()

    watch.Elapsed.TotalNanoseconds / float rounds

/// The least of many short batches: what the work costs when nobody else is at the machine.
let private measured (work: unit -> unit) =
    // The tiers of the compiler settle in the background meanwhile.
    let warm = Stopwatch.StartNew()

    while warm.ElapsedMilliseconds < 1000L do
        batch work |> ignore

    let time = Seq.init 1000 (fun _ -> batch work) |> Seq.min

    let before = GC.GetAllocatedBytesForCurrentThread()

    for _ in 1..1000 do
        work ()

    struct (time, (GC.GetAllocatedBytesForCurrentThread() - before) / 1000L)

let private quick (part: string) =
    Console.WriteLine "| piece | ns | bytes |"
    Console.WriteLine "|---|---|---|"

    for name, work in Sip.Benchmarks.Work.pieces do
        if name.Contains part then
            let struct (time, bytes) = measured work
            Console.WriteLine $"| {name} | {time:F0} | {bytes} |"

// A transaction lives for 32 s and one begins each millisecond: after 33,000 the tables are full.
let private traffic (part: string) (warm: int) (rounds: int) =
    let line (name: string) (cost: Sip.Properties.Traffic.Cost) =
        let time = TimeSpan.FromSeconds(float cost.Ticks / float Stopwatch.Frequency)
        let each = time.TotalNanoseconds / float cost.Messages
        let bytes = cost.Bytes / int64 cost.Messages
        Console.WriteLine $"| {name}, a message | {each:F0} | {bytes} |"

    for caller, callee in
        [
            Transport.Ws, Transport.Ws
            Transport.Udp, Transport.Udp
            Transport.Ws, Transport.Udp
        ] do
        let name = Transport.inVia caller + " to " + Transport.inVia callee

        if name.Contains part then
            // Once for the tiers of the compiler, once for the figures.
            Sip.Properties.Traffic.measure caller callee 1 warm rounds |> ignore

            let struct (texts, calls) =
                Sip.Properties.Traffic.measure caller callee 1 warm rounds

            line ("MESSAGE " + name) texts
            line ("call " + name) calls

[<EntryPoint>]
let main arguments =
    match List.ofArray arguments with
    | [ "--quick" ] ->
        quick ""
        traffic "" 35000 20000
    | [ "--quick"; part ] ->
        quick part
        traffic part 35000 20000
    | [ "--short" ] ->
        for name, work in Sip.Benchmarks.Work.pieces do
            work ()
            Console.WriteLine name

        traffic "" 10 10
    | _ ->
        let job = Job.ShortRun.WithToolchain InProcessEmitToolchain.Instance
        let config = DefaultConfig.Instance.AddJob job
        BenchmarkRunner.Run<Pieces>(config, arguments) |> ignore

    0
