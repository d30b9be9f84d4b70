// LocatingLaws: the names of the registrar behind an edge are looked up without anybody waiting for it.

module Sip.Properties.World.LocatingLaws

open System
open System.Collections.Generic
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Edge
open Sip.Registrar
open Sip.Routing
open Sip.Transactions
open Sip.Properties
open Sip.Properties.World.Front

/// Looking up the registrar.
let locating shards =
    [
        test "a name is asked for, and the request goes where the answers lead" {
            let edge, browser, trying = waiting shards named
            let told = trying |> List.map (fun (hop, sheet) -> hop, Sheet.status sheet)
            Expect.equal told [ Hop.Flow browser, 100 ] "100 at once"
            Expect.equal edge.Asked [ Question.Naptr "registrar.example" ] "the first question"
            let hop, sent = one (edge.Answers(zone places))
            Expect.equal hop (dial places.Head 5070) "the first server"
            Expect.equal (Sheet.method sent) "INVITE" "the request"
        }

        test "what is known already is not asked again" {
            let edge, browser, _ = waiting shards named
            edge.Answers(zone places) |> ignore

            // Each shard asks for itself, and what a connection brings stays in its own.
            let again =
                { invite with
                    Fields =
                        ("Via", "SIP/2.0/WSS x7.invalid;branch=z9hG4bK-2") :: invite.Fields.Tail
                }

            let hop, _ = one (edge.Says browser again)
            Expect.equal edge.Asked [] "nothing"
            Expect.equal hop (dial places.Head 5070) "the first server"
        }

        test "where a server says 503, or is silent, the next is asked as a new branch" {
            let edge, _, _ = waiting shards named
            let _, first = one (edge.Answers(zone places))
            let first' = Ground.flow Transport.Udp 0L places.Head 5070

            let onward =
                edge.Says first' (answered 503 [] first)
                |> List.filter (fun (_, sheet) ->
                    Sheet.isRequest sheet && Sheet.method sheet = "INVITE")

            let hop, second = one onward
            Expect.equal hop (dial places[1] 5071) "the second server"
            Expect.notEqual (Sheet.branch second) (Sheet.branch first) "a new branch"

            let later =
                edge.Passes 40_000L
                |> List.filter (fun (hop, sheet) ->
                    hop = dial places[2] 5072 && Sheet.method sheet = "INVITE")

            Expect.isNonEmpty later "the third server"
        }

        test "any other answer is the answer" {
            let edge, browser, _ = waiting shards named
            let _, first = one (edge.Answers(zone places))

            let told =
                edge.Says (Ground.flow Transport.Udp 0L places.Head 5070) (answered 404 [] first)
                |> List.filter (fun (hop, _) -> hop = Hop.Flow browser)

            Expect.equal (Sheet.status (snd (one told))) 404 "404"
        }

        test "who cancels before it is known where to go has 487, and nothing goes anywhere" {
            let edge, browser, _ = waiting shards named

            let cancel =
                { invite with
                    Start = invite.Start.Replace("INVITE", "CANCEL")
                    Fields =
                        invite.Fields
                        |> List.map (fun (name, value) ->
                            name, value.Replace("1 INVITE", "1 CANCEL"))
                }

            let told = edge.Says browser cancel |> List.map (snd >> Sheet.status)
            Expect.equal told [ 200; 487 ] "both are answered"
            Expect.equal (edge.Answers(zone places)) [] "nothing is sent"
        }

        test "nothing waits longer than a second" {
            let edge, browser, _ = waiting shards named
            Expect.equal (edge.Passes 999L) [] "not yet"
            let hop, told = one (edge.Passes 2L)
            Expect.equal (hop, Sheet.status told) (Hop.Flow browser, 504) "504"
            Expect.equal (edge.Answers(zone places)) [] "too late"
            Expect.equal edge.Held 0 "nothing is left"
        }

        test "a request that comes again while it waits waits once" {
            let edge, browser, _ = waiting shards named
            Expect.equal (edge.Says browser invite) [] "absorbed"
            Expect.equal (edge.Answers(zone places)).Length 2 "100 and the request"
        }

        test "whose connection goes is not waited for" {
            let edge, browser, _ = waiting shards named
            edge.Take(Input.Closed browser) |> ignore
            Expect.equal edge.Held 0 "nothing is left"
            Expect.equal (edge.Answers(zone places)) [] "nothing is sent"
        }

        test "the second upstream is asked where the first is nobody" {
            let edge, _, _ = waiting shards [ "sip:nobody.example"; "sip:registrar.example" ]
            let hop, _ = one (edge.Answers(zone places))
            Expect.equal hop (dial places.Head 5070) "the second"
        }

        test "a name that leads into a barred range is refused" {
            let edge, browser, _ = waiting shards named
            let hop, told = one (edge.Answers(zone [ v4 0x0A000001u ]))
            Expect.equal (hop, Sheet.status told) (Hop.Flow browser, 403) "10.0.0.0/8"
        }

        test "who answers to the registrar's name is a peer" {
            let edge, browser, _ = waiting shards named
            edge.Answers(zone places) |> ignore
            let _, asked = one (edge.Says browser register @ edge.Answers(zone places))
            let from = Ground.flow Transport.Udp 0L places.Head 5070
            edge.Says from (answered 200 [] asked) |> ignore

            let call =
                request "INVITE" (Sheet.uri contact) [ "To", "<sip:alice@example.test>" ]
                |> fun sheet ->
                    { sheet with
                        Fields =
                            ("Via", "SIP/2.0/UDP 192.0.2.50:5070;branch=z9hG4bK-in")
                            :: ("Route", Sheet.first "Path" asked)
                            :: ("P-Asserted-Identity", "<sip:dave@example.net>")
                            :: List.tail sheet.Fields
                    }

            let hop, sent = one (edge.Says from call)
            Expect.equal hop (Hop.Flow browser) "the browser"
            Expect.equal (Sheet.all "P-Asserted-Identity" sent) [] "which is told nothing"
        }

        test "who answers to the registrar's name is a peer to whatever shard it speaks" {
            let edge, _, _ = waiting shards named
            edge.Answers(zone places) |> ignore
            let from = Ground.flow Transport.Udp 0L places.Head 5070
            let said = "<sip:dave@example.net>"

            for number in 1..12 do
                let call =
                    request
                        "INVITE"
                        "sip:carol@192.0.2.50:5070"
                        [ "To", "<sip:carol@example.test>"; "P-Asserted-Identity", said ]
                    |> fun sheet ->
                        { sheet with
                            Fields =
                                [
                                    for name, value in sheet.Fields do
                                        match name with
                                        | "Via" ->
                                            name,
                                            $"SIP/2.0/UDP 192.0.2.50:5070;branch=z9hG4bK-%d{number}"
                                        | "Call-ID" -> name, value + string number
                                        | _ -> name, value
                                ]
                        }

                let hop, sent = one (edge.Says from call)
                Expect.equal hop (dial places.Head 5070) "to a peer"
                Expect.equal (Sheet.all "P-Asserted-Identity" sent) [ said ] "what a peer has said"
        }
    ]
