// CircleLaws: users who are bound to each other through another server: what goes in circles comes to an end
// (RFC 5393).

module Sip.Properties.World.CircleLaws

open System.Collections.Generic
open Expecto
open FsCheck.FSharp
open Sip
open Sip.Edge
open Sip.Routing
open Sip.Properties
open Sip.Properties.World.Strangers

/// A server that sends what it gets back to us, and answers back along the Vias.
let private echo (number: int) (got: Sheet) : Sheet option =
    if Sheet.isRequest got then
        if Sheet.method got = "INVITE" then
            let via = "SIP/2.0/UDP 192.0.2.100:5060;branch=z9hG4bKecho" + string number

            Some
                { got with
                    Fields = ("Via", via) :: got.Fields
                }
        else
            None
    elif Sheet.status got < 200 then
        None
    else
        let at = got.Fields |> List.findIndex (fun (name, _) -> name = "Via")

        Some
            { got with
                Fields = List.removeAt at got.Fields
            }

/// The INVITEs that we send for one to bob that comes; each user is bound to these others at that server, with these
/// qualities.
let private circulated (bound: (string * (string * int) list) list) : int =
    let bindings =
        [
            for user, others in bound do
                for other, quality in others do
                    user + "@example.test",
                    { Ground.binding (Uri.ofUser other (Host.Name "example.test")) World.trunk with
                        Quality = quality
                    }
        ]

    let ledger = ledgerOf Ground.realm bindings
    let waiting = Queue<Sheet>()
    let mutable invites = 0
    let mutable rounds = 0

    let say (sheet: Sheet) =
        for hop, sent in Sends.texts (take ledger 1L World.trunk (Sheet.print sheet)) do
            let sent = Sheet.read sent

            if hop = Hop.Flow World.trunk then
                if Sheet.isRequest sent && Sheet.method sent = "INVITE" then
                    invites <- invites + 1

                rounds <- rounds + 1
                Option.iter waiting.Enqueue (echo rounds sent)

    let first = text "INVITE" "sip:bob@example.test" 1 "" []

    say (Sheet.read first)

    while waiting.Count > 0 && invites <= 10_000 do
        say (waiting.Dequeue())

    invites

/// Each of so many users bound to all of them, in any order and with any qualities.
let private circles =
    gen {
        let! count = Gen.choose (2, 10)
        let users = "bob" :: List.init (count - 1) (fun i -> "u" + string i)
        let! kinds = Gen.choose (1, 10)

        let others =
            gen {
                let! others = Gen.shuffle users
                let! qualities = Gen.listOfLength count (Gen.choose (1, kinds))
                return List.zip (List.ofArray others) qualities
            }

        let! all = Gen.listOfLength count others
        return List.zip users all
    }

let private loops =
    Law.holds
        "two to ten users who are bound to each other through another server make at most 130 INVITEs of one"
        (Arb.fromGen circles)
    <| fun bound -> circulated bound <= 130

let private forks =
    testCase "users who are bound to each other in circles are forked to before that is seen"
    <| fun () ->
        Expect.isGreaterThan
            (circulated [ for user in [ "bob"; "ann" ] -> user, [ "bob", 1000; "ann", 1000 ] ])
            1
            "more than one"

/// Every law.
let all: Test = testList "Policy (RFC 3261 22, 26)" [ loops; forks ]
