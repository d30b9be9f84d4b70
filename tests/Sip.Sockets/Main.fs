module Sip.Sockets.Main

open System
open System.Threading.Tasks
open Expecto
open Sip.Properties

/// The servers that the tests of one shell share.
type private Bench =
    {
        Shell: string
        Common: Laboratory
        Guarded: Laboratory
        Tight: Laboratory
        Barred: struct (Laboratory * int)
        Balanced: Laboratory
        Visited: Laboratory
        Torture: Torture.Bench
    }

let private prepare (shell: string) : Task<Bench> =
    task {
        let users = Laboratory.users (Calls.users @ Flows.users @ Returns.users)
        let common = Laboratory.start shell Laboratory.transports "example.test" users
        let guarded = Doors.guarded shell
        let tight = Departures.prepare shell
        let barred = Barring.prepare shell
        let balanced = Balancing.prepare shell
        let visited = Visits.prepare shell
        let torture = Torture.prepare shell
        let! common = common
        let! guarded = guarded
        let! tight = tight
        let! barred = barred
        let! balanced = balanced
        let! visited = visited
        let! torture = torture

        return
            {
                Shell = shell
                Common = common
                Guarded = guarded
                Tight = tight
                Barred = barred
                Balanced = balanced
                Visited = visited
                Torture = torture
            }
    }

// The reactor is Linux's; the portable shell serves everywhere, and here too.
let private shells =
    if OperatingSystem.IsLinux() then
        [ "portable"; "reactor" ]
    else
        [ "portable" ]

let private suite (bench: Bench) : Test =
    testList
        bench.Shell
        [
            Calls.all bench.Common
            Flows.all bench.Common
            Returns.all bench.Common
            HostileFrames.all bench.Common
            Streaming.all bench.Common
            Doors.health bench.Common
            Doors.all bench.Shell bench.Guarded
            Departures.all bench.Tight
            Slowness.all bench.Common bench.Balanced
            Barring.all bench.Barred
            Balancing.all shells.Length bench.Balanced
            Visits.all bench.Visited
            Torture.all bench.Torture
        ]

let private labs (bench: Bench) : Laboratory list =
    [
        bench.Common
        bench.Guarded
        bench.Tight
        (let struct (lab, _) = bench.Barred in lab)
        bench.Balanced
        bench.Visited
        bench.Torture.Forwarding
        bench.Torture.Registering
    ]

// Only the reactor has shards.
let private sharding = if OperatingSystem.IsLinux() then [ "reactor" ] else []

[<EntryPoint>]
let main arguments =
    let benches = [ for shell in shells -> (prepare shell).GetAwaiter().GetResult() ]

    let sharded =
        [ for shell in sharding -> (Shards.prepare shell).GetAwaiter().GetResult() ]

    Closing.run
        arguments
        (testList
            "Sockets"
            [
                yield! List.map suite benches
                yield! List.map Shards.all sharded
                Starting.all shells
                Surface.all shells
                Stopping.all shells
                Stopping.last (List.collect labs benches @ sharded)
            ])
