module Sip.Fuzz.Main

open System
open System.IO
open Expecto
open Sip.Properties

let private kinds: (string * (string -> int -> Bound -> Tally)) list =
    [
        "path", Paths.run "path"
        "guided", Paths.run "guided"
        "agree", Agreement.run
        "forge", Forgery.run
        "sockets", SocketRun.run
        "enumeration", Enumeration.run
        "timing", Timing.run
        "handshakes", Shaking.run
    ]

/// One long run of a kind, kept in the ledger file.
let private campaign kind folder seed count minutes ledger =
    match List.tryFind (fun (name, _) -> name = kind) kinds with
    | None ->
        stderr.WriteLine("no such kind: " + kind)
        1
    | Some(_, run) ->
        let bound =
            {
                Count = int64 count
                Minutes = float minutes
            }

        let tally = run folder (int seed) bound
        Tally.keep ledger tally
        stdout.WriteLine(Tally.print tally)
        if tally.Failures = 0 then 0 else 1

let private replay (file: string) =
    match Paths.faults (Script.load file) with
    | [] ->
        stdout.WriteLine "harmless"
        0
    | faults ->
        for fault in faults do
            stdout.WriteLine fault

        1

[<EntryPoint>]
let main arguments =
    Coverage.start ()

    match List.ofArray arguments with
    | [ "instrument"; folder ] ->
        Instrument.domain folder
        0
    | [ "replay"; file ] -> replay file
    | [ kind; folder; seed; count; minutes; ledger ] ->
        campaign kind folder seed count minutes ledger
    | others -> Closing.run (Array.ofList others) (testList "" [ Short.all; Visit.all ])
