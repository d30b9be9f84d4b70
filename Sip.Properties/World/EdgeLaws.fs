// EdgeLaws: the server in front of somebody else's registrar: what is passed on and to whom, how it is found, and whether it
// answers; of one shard and of several.

module Sip.Properties.World.EdgeLaws

open System
open Expecto

let private examples shards =
    PassingLaws.passing shards
    @ PassingLaws.asserting shards
    @ LocatingLaws.locating shards
    @ TendingLaws.tending shards

/// Every law and example.
let all: Test =
    testList
        "Edge in front of a registrar"
        [
            yield! examples 1
            for shards in 2..3 do
                testList (String.Concat("of ", string shards, " shards")) (examples shards)
            TendingLaws.pulse
            TendingLaws.total
        ]
