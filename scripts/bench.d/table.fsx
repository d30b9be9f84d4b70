// The results of scripts/bench as BENCHMARKS.md: medians of the runs in a folder, and ours divided by Kamailio's.
// dotnet fsi table.fsx FOLDER

open System
open System.Diagnostics
open System.Globalization
open System.IO
open System.Text.Json

let folder = fsi.CommandLineArgs[1]

let invariant (format: string) (value: float) =
    if Double.IsNaN value then "?" else value.ToString(format, CultureInfo.InvariantCulture)

let said command (arguments: string) =
    try
        use it =
            Process.Start(ProcessStartInfo(command, arguments, RedirectStandardOutput = true, RedirectStandardError = true))

        let text = it.StandardOutput.ReadToEnd()
        it.WaitForExit()
        text.Trim()
    with :? ComponentModel.Win32Exception ->
        "not here"

let kamailio =
    let first = (said "kamailio" "-v").Split('\n') |> Array.head
    first.Replace("version: ", "")

/// A scenario, what is compared, the path to that in a result, what it is divided by, and the ratio to reach.
let rows =
    [
        for transports, target in [ "udp-udp", 0.4; "ws-ws", 0.4; "wss-wss", 0.45; "ws-udp", 0.4; "udp-ws", 0.4 ] do
            "call-" + transports, "us a call", [ "us_per_operation" ], 1.0, target
        for transport in [ "udp"; "ws" ] do
            "message-" + transport, "us a message", [ "us_per_operation" ], 1.0, 0.4
        for algorithm in [ "md5"; "sha256" ] do
            for transport in [ "udp"; "ws" ] do
                $"register-{algorithm}-{transport}", "us a registration", [ "again"; "us_per_operation" ], 1.0, 0.5
        for transport in [ "udp"; "ws" ] do
            "options-" + transport, "us a request", [ "us_per_operation" ], 1.0, 0.6
        for transport in [ "udp"; "ws" ] do
            "steady-" + transport, "us a call at 500 a second", [ "us_per_operation" ], 1.0, 0.6
        "connect-ws", "us a connection", [ "us_per_link" ], 1.0, 0.7
        "connect-wss", "us a connection", [ "us_per_link" ], 1.0, 0.9
        "memory-ws", "KB a registered connection", [ "bytes_per_registered" ], 1000.0, 0.11
        "memory-wss", "KB a registered connection", [ "bytes_per_registered" ], 1000.0, 0.26
        for transport in [ "udp"; "ws" ] do
            "knee-" + transport, "ms, p99 to 180 at half the knee", [ "half"; "ringing"; "p99_us" ], 1000.0, 1.0
    ]

let results scenario server =
    Directory.GetFiles(folder, $"{scenario}.{server}.*.json")
    |> Array.sort
    |> Array.map (fun file -> JsonDocument.Parse(File.ReadAllText file).RootElement)

let rec at (path: string list) (element: JsonElement) =
    match path with
    | [] when element.ValueKind = JsonValueKind.Number -> element.GetDouble()
    | name :: rest when element.ValueKind = JsonValueKind.Object ->
        match element.TryGetProperty name with
        | true, inner -> at rest inner
        | false, _ -> nan
    | _ -> nan

let median values =
    match values |> Array.filter (Double.IsNaN >> not) |> Array.sort with
    | [||] -> nan
    | sorted -> (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2.0

let counters =
    [ "failed"; "stray"; "misrouted"; "bad_via"; "bad_uri"; "bad_route"; "parse_errors"; "disconnects"; "link_failures" ]

/// Everything in a result that is 0 in a correct run; a search for a knee fails on purpose, so only its half counts.
let rec wrong (element: JsonElement) =
    [
        for property in element.EnumerateObject() do
            if property.Value.ValueKind = JsonValueKind.Object then
                yield! wrong property.Value
            elif List.contains property.Name counters && property.Value.GetDouble() <> 0.0 then
                $"{property.Name} {property.Value.GetDouble()}"
    ]

let wrongs scenario server =
    match results scenario server |> Array.toList |> List.collect wrong |> List.distinct with
    | [] -> "0"
    | found -> String.Join(", ", found)

let row (scenario, what, path, divisor, target) =
    let ours, theirs = results scenario "sip", results scenario "kamailio"

    if ours.Length = 0 then
        None
    else
        let value results = median (Array.map (at path) results) / divisor
        let load results = median (Array.map (fun r -> median [| at [ "generator_percent" ] r; at (path[.. path.Length - 2] @ [ "generator_percent" ]) r |]) results)
        let ratio = value ours / value theirs
        let verdict = if Double.IsNaN ratio then "" elif ratio <= target then "reached" else "missed"
        let seeds = String.Join(" ", ours |> Array.map (at [ "seed" ] >> invariant "0"))
        let number = invariant "0.0"
        let cells =
            [
                scenario
                what
                number (value theirs)
                number (value ours)
                invariant "0.00" ratio
                invariant "0.00" target
                verdict
                wrongs scenario "kamailio"
                wrongs scenario "sip"
                invariant "0" (load ours)
                seeds
            ]

        Some("| " + String.Join(" | ", cells) + " |")

let knees =
    [
        for transport in [ "udp"; "ws" ] do
            let knee server = results ("knee-" + transport) server |> Array.map (at [ "knee" ]) |> median

            if not (Double.IsNaN(knee "sip")) then
                let times = knee "sip" / knee "kamailio"
                let theirs, ours = invariant "0" (knee "kamailio"), invariant "0" (knee "sip")
                $"""| calls a second, {transport} | {theirs} | {ours} | {invariant "0.0" times} |"""
    ]

let growth =
    [
        for kind, words in [ "links", "connections (ws)"; "bindings", "bindings (udp)" ] do
            for file in Directory.GetFiles(folder, $"growth-{kind}-*.sip.1.json") |> Array.sortBy (fun f -> int ((Path.GetFileName f).Split([| '-'; '.' |])[2])) do
                let count = (Path.GetFileName file).Split([| '-'; '.' |])[2]
                let result = JsonDocument.Parse(File.ReadAllText file).RootElement
                $"""| {count} {words} | {invariant "0.00" (at [ "us_per_message" ] result)} | {invariant "0.0" (at [ "request"; "p99_us" ] result / 1000.0)} |"""
    ]

let shards =
    [
        for file in Directory.GetFiles(folder, "growth-shards-*.sip.1.json") |> Array.sort do
            let count = (Path.GetFileName file).Split([| '-'; '.' |])[2]
            let result = JsonDocument.Parse(File.ReadAllText file).RootElement
            $"""| {count} | {invariant "0" (at [ "per_second" ] result)} | {invariant "0.00" (at [ "us_per_message" ] result)} |"""
    ]

let processor =
    File.ReadLines "/proc/cpuinfo"
    |> Seq.tryFind (fun line -> line.StartsWith "model name")
    |> Option.map (fun line -> line.Substring(line.IndexOf ':' + 2))
    |> Option.defaultValue "an unknown processor"

let pieces = Path.Combine(folder, "pieces.txt")

[
    "# Benchmarks"
    ""
    "Written by `scripts/bench`, which repeats everything here from a clone alone (Linux; as root it installs Kamailio)."
    ""
    $"- Machine: {Environment.ProcessorCount} cores, {processor}, Linux {Environment.OSVersion.Version}."
    $"""- Versions: commit {said "git" "rev-parse --short HEAD"}, .NET {said "dotnet" "--version"}, {kamailio}."""
    $"""- When: {DateTime.UtcNow.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}."""
    ""
    "## Against Kamailio"
    ""
    "Both servers are pinned to the same core and run alternately (A B A B A B), `sip load` to another; the figures are"
    "medians of the runs. Kamailio is set up by `scripts/bench.d/kamailio.cfg`: one worker for datagrams and one for"
    "streams, and the allocator `tlsf` (Debian's default, `qm`, is made for debugging and takes half of the time)."
    "Processor time is user and system time of all processes of a server. A call is INVITE, 100, 180, 200, ACK, BYE, 200:"
    "13 messages through the server. *Wrong* sums up what is 0 in a correct run: failed operations, messages that belong"
    "to nothing or came to the wrong user, Via, Request-URI or Route that are not as they must be, unreadable messages,"
    "lost connections. *Generator* is the share of its core that the generator used."
    ""
    "| scenario | what | Kamailio | ours | ratio | to reach | | wrong, Kamailio | wrong, ours | generator % | seeds |"
    "|---|---|---|---|---|---|---|---|---|---|---|"
    yield! List.choose row rows
    if not knees.IsEmpty then
        ""
        "The knee: the highest rate of calls in the open loop with at most 0.1 % failed and a p99 to 180 of at most 100 ms."
        ""
        "| | Kamailio | ours | times |"
        "|---|---|---|---|"
        yield! knees
    if not growth.IsEmpty then
        ""
        "## How it grows"
        ""
        "The cost of MESSAGE through our server, by how much else it remembers."
        ""
        "| with | us a message | p99, ms |"
        "|---|---|---|"
        yield! growth
    if not shards.IsEmpty then
        ""
        "## Shards"
        ""
        "Calls between browsers (ws), as many as go. One shard has a core of its own and the generator another. Two shards have both cores"
        "of this machine and share them with the generator, so that the second row is no measure of what a second core of their own would give."
        ""
        "| shards | calls a second | us a message |"
        "|---|---|---|"
        yield! shards
    if File.Exists pieces then
        ""
        "## The pieces"
        ""
        "```"
        (File.ReadAllText pieces).TrimEnd()
        "```"
    for part in [ "where-it-goes.md"; "cross-check.md" ] do
        ""
        (File.ReadAllText(Path.Combine(__SOURCE_DIRECTORY__, part))).TrimEnd()
]
|> String.concat "\n"
|> Console.Out.WriteLine
