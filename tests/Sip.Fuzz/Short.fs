// Short: a little of every kind, with a seed that is always the same, and whatever was found before.

module Sip.Fuzz.Short

open System
open System.IO
open Expecto

let private folder =
    Path.Combine(Path.GetTempPath(), $"sip-fuzz-{Environment.ProcessId}")

let private little (count: int) = { Count = int64 count; Minutes = 5. }

let private kind sentence count (run: string -> int -> Bound -> Tally) =
    testCase sentence
    <| fun () ->
        let tally = run folder 20200614 (little count)
        Expect.equal tally.Failures 0 (Tally.print tally + ", see " + folder)
        Expect.isGreaterThanOrEqual tally.Count (int64 count) "as many as wanted"

let private findings: Test list =
    Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "findings"))
    |> Array.sort
    |> List.ofArray
    |> List.map (fun file ->
        testCase ("what was found stays mended: " + Path.GetFileNameWithoutExtension file)
        <| fun () -> Expect.isEmpty (Paths.faults (Script.load file)) "no fault")

// Both shells, one after the other.
let private besieged (shell: string) : Test =
    testCaseTask
        $"each exhibit over each transport of the {shell} shell, and no canary misses an answer"
    <| fun () ->
        task {
            let! siege = Siege.start shell

            for exhibit in Sip.Museum.Museum.all do
                do! Siege.show siege exhibit

            let! code = Siege.stop siege
            Expect.equal code 0 "the server stops as it should"
        }

/// The short run.
let all: Test =
    testList
        "Fuzz"
        [
            kind
                "whatever comes, what leaves is sound, and nothing throws"
                20_000
                (Paths.run "path")
            kind "the span readers and the grammar agree on damaged texts" 140_000 Agreement.run
            kind "nothing that is forged is accepted" 60_000 Forgery.run
            yield! findings
            yield! List.map besieged [ "reactor"; "portable" ]
            kind "whatever comes over sockets, no canary misses an answer" 2_000 SocketRun.run
        ]
