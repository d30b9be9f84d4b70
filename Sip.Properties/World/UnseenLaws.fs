// UnseenLaws: a request that only looks like one within a dialog carries nobody's name but its sender's, and what
// cannot be challenged takes nobody further (RFC 3261 §22.1, RFC 3262).

module Sip.Properties.World.UnseenLaws

open Expecto
open FsCheck.FSharp
open Sip
open Sip.Routing
open Sip.Properties
open Sip.Properties.World.Proving

let private unseen =
    Law.holds
        "a request within a dialog that we did not see carries nobody's name to a user, whatever its To tag, but that of a sender who was proven"
        (Arb.fromGen (
            Gen.zip
                cases
                (Gen.elements
                    [
                        "sip:alice@example.test"
                        "sip:carol@example.test"
                        "sip:boss@elsewhere.example"
                        "tel:+15551234"
                        "sip:anonymous@anonymous.invalid"
                    ])
        ))
    <| fun ((shards, transport, method, way), name) ->
        let scene = Scene shards
        let stranger = flow transport 9
        scene.Open stranger
        let heard, went = scene.Ask stranger (scene.Request method way name within)
        let isForPeer = not (way.Contains "bob" || way.Contains "alias")
        let proven = scene.AskAs "alice" stranger (scene.Request method way name within)

        let mayGo =
            name.Contains "alice"
            || name.Contains "anonymous"
            || (isForPeer && not (name.Contains "carol"))

        heard = [ 407 ]
        && not went
        && snd proven = mayGo
        && (mayGo || fst proven = [ 403 ])

let private byPeer =
    Law.holds "what a peer sends within a dialog goes on, whatever its From" (Arb.fromGen cases)
    <| fun (shards, _, method, way) ->
        let scene = Scene shards

        scene.Request method way "sip:+15551234@elsewhere.example" within
        |> scene.Ask World.trunk
        |> snd

let private unchallenged =
    Law.holds
        "CANCEL, ACK and PRACK are never challenged, and a PRACK goes on within a dialog only, in the name of a sender who was proven"
        (Arb.fromGen (
            gen {
                let! shards, transport, _, way = cases

                let! uri =
                    Gen.elements
                        [ way; "sip:bob@example.test"; "sip:example.test"; "sip:x@203.0.113.77" ]

                let! method = Gen.elements [ "CANCEL"; "ACK"; "PRACK" ]
                let! dest = Gen.elements [ within; "<sip:bob@example.test>" ]
                let! name = Gen.elements [ "alice"; "carol"; "bob" ]
                let! proven = Gen.elements [ true; false ]
                return shards, transport, method, uri, dest, name, proven
            }
        ))
    <| fun (shards, transport, method, uri, dest, name, proven) ->
        let scene = Scene shards
        let from = flow transport 9
        scene.Open from

        if proven then
            scene.Prove "alice" from

        let heard, went =
            scene.Ask from (scene.Request method uri $"sip:{name}@example.test" dest)

        let isAsked = heard |> List.exists (fun status -> status = 401 || status = 407)
        let isEntitled = proven && name = "alice" && dest = within

        not isAsked
        && match method with
           | "PRACK" -> went = (isEntitled && List.contains uri ways)
           | "CANCEL" -> not went && heard = [ 481 ]
           | _ -> heard = []

/// Every law.
let all: Test =
    testList "Proofs (RFC 3261 22, 26.1.1)" [ unseen; byPeer; unchallenged ]
