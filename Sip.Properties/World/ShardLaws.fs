// ShardLaws: several ledgers that hear of each other late, and in any order of tellers, are one server.

module Sip.Properties.World.ShardLaws

open System
open Expecto
open Sip
open Sip.Edge
open Sip.Properties

let private answers (run: Run) =
    [
        for phone in run.Phones do
            for one in phone.History do
                let finals = [ for struct (status, _) in one.Finals -> status ]
                phone.Seat.Index, Sheet.method one.Request, Sheet.target one.Request, finals
    ]
    // What is sent within a dialog names a sealed flow, and connections have other numbers.
    |> List.map (fun (phone, method, target, finals) ->
        phone, method, (target.Split ';')[0], List.sort finals)
    |> List.sort

let private differently (run: Run) =
    if run.Script.Shards = 1 then
        []
    else
        let calm = Script.calm run.Script
        let several = answers (World.live calm)
        let alone = answers (World.live { calm with Shards = 1 })

        [
            if several <> alone then
                $"%A{List.except alone several} instead of %A{List.except several alone}"
        ]

let private isLetIn (effects: Effect seq) =
    Sends.texts effects
    |> List.exists (fun (_, text) -> text.StartsWith("SIP/2.0 2", StringComparison.Ordinal))

/// Everything once more; each REGISTER that was let in with its password is also shown to every other shard.
let private replayed (run: Run) =
    let ledgers = World.ledgers run.Script.Shards

    [
        for happening in run.Happenings do
            let accepted =
                ledgers[happening.Shard].Take(happening.At, happening.Input) |> isLetIn

            match Happening.carried happening with
            | Carried.Arrived(flow, bytes)
            | Carried.Handed(flow, bytes) when
                accepted && (Text.ofBytes bytes.Span).Contains "\r\nAuthorization: "
                ->
                for other in 0 .. ledgers.Length - 1 do
                    if
                        other <> happening.Shard
                        && isLetIn (ledgers[other].Take(happening.At, Input.Handed(flow, bytes)))
                    then
                        $"shard %d{other} counts a nonce of shard %d{happening.Shard}"
            | Carried.Arrived _
            | Carried.Handed _
            | Carried.Nothing -> ()
    ]

let private isHanded (run: Run) =
    run.Happenings
    |> List.exists (fun happening ->
        match Happening.carried happening with
        | Carried.Handed _ -> true
        | Carried.Arrived _
        | Carried.Nothing -> false)

/// All laws of several shards.
let all =
    testList
        "Shards"
        [
            Worlds.meet "messages are handed over in many worlds" 30 isHanded
            Worlds.hold
                "in whatever order shards hear of each other, once all is heard they hold the same bindings"
                _.Disputes
            Worlds.hold
                "several shards give a world's phones the answers that one gives"
                differently
            Worlds.hold "what a nonce proved to one shard it proves to no other" replayed
        ]
