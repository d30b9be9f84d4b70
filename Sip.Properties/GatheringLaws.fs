// GatheringLaws: a shard lets messages gather for a moment, and nobody waits in vain.

module Sip.Properties.GatheringLaws

open Expecto
open FsCheck.FSharp
open Sip.Edge

/// Looks that found so many messages after so many microseconds.
let private looks =
    Gen.zip (Gen.choose (0, 200)) (Gen.choose (0, 100_000))
    |> Gen.listOf
    |> Gen.map (List.map (fun (messages, since) -> messages, int64 since))

let private after (looks: (int * int64) list) =
    looks
    |> List.fold
        (fun gathering (messages, since) -> Gathering.saw messages since gathering)
        Gathering.start

let private steady (every: int64) =
    after (List.replicate 10_000 (1, every))

let all: Test =
    testList
        "Gathering"
        [
            Law.holds "nobody waits longer than two milliseconds" (Arb.fromGen looks) (fun looks ->
                let pause = Gathering.pause (after looks)
                pause >= 0L && pause <= Gathering.longest)

            testCase "a lone message is never waited for"
            <| fun () ->
                Expect.equal (Gathering.pause (steady 4000L)) 0L "one each four milliseconds"

            testCase "after a second of silence nobody is expected"
            <| fun () ->
                let quiet = Gathering.saw 1 1_000_000L (steady 20L)
                Expect.equal (Gathering.pause quiet) 0L "one in a second"

            Law.holds
                "the more come, the shorter the wait"
                (Arb.fromGen (Gen.choose (1, 1800)))
                (fun every ->
                    let pause = Gathering.pause (steady (int64 every))
                    let faster = Gathering.pause (steady (int64 every / 2L + 1L))
                    pause > 0L && faster <= pause)
        ]
