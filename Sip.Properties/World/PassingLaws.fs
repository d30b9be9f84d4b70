// PassingLaws: at the edge of a registrar, registrations go there with a way back, and calls come from there down the
// client's flow.

module Sip.Properties.World.PassingLaws

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

/// Registering, and being called.
let passing shards =
    [
        test "a REGISTER goes to the registrar with the flow in its Path, unchallenged" {
            let _, _, hop, asked = registered shards byPath [ here ]
            Expect.equal hop (Hop.Flow home) "the registrar"
            let path = Sheet.first "Path" asked

            Expect.stringContains
                path
                "@edge.example.test:5060;lr;ob>"
                "where the registrar reaches us"

            Expect.stringStarts (Sheet.first "Contact" asked) (contact + ";") "as it came"
            Expect.equal (Sheet.first "Via" asked) (Sheet.first "Via" asked) "ours"
        }

        test "the registrar's challenge and the client's answer to it pass untouched" {
            let edge, browser, _, asked = registered shards byPath [ here ]
            let challenge = "Digest realm=\"example.test\", nonce=\"1\", qop=\"auth\""

            let hop, told =
                one (edge.Says home (answered 401 [ "WWW-Authenticate", challenge ] asked))

            Expect.equal hop (Hop.Flow browser) "the browser"
            Expect.equal (Sheet.first "WWW-Authenticate" told) challenge "as it was written"
            let proof = "Digest username=\"alice\", realm=\"example.test\", response=\"0\""

            let again =
                { register with
                    Fields =
                        [
                            for name, value in register.Fields do
                                if name = "Via" then name, value + "2"
                                elif name = "CSeq" then name, "2 REGISTER"
                                else name, value
                        ]
                        @ [ "Authorization", proof ]
                }

            let _, sent = one (edge.Says browser again)
            Expect.equal (Sheet.first "Authorization" sent) proof "as it was written"
        }

        test
            "an acceptance that the registrar says again, when the client has long been told, goes nowhere" {
            let edge, _, _, asked = registered shards byPath [ here ]
            accepted edge asked |> ignore
            let again = answered 200 [ "Contact", Sheet.first "Contact" asked ] asked
            Expect.isEmpty (edge.Says home again) "nothing comes of it"
            Expect.isEmpty (edge.Says home again) "nor the next time"
        }

        test "a call from the registrar goes down the flow that the Path names" {
            let edge, browser, _, asked = registered shards byPath [ here ]
            accepted edge asked |> ignore

            let call =
                request "INVITE" (Sheet.uri contact) [ "To", "<sip:alice@example.test>" ]
                |> fun sheet ->
                    { sheet with
                        Fields =
                            ("Via", "SIP/2.0/UDP 192.0.2.50:5060;branch=z9hG4bK-in")
                            :: ("Route", Sheet.first "Path" asked)
                            :: List.tail sheet.Fields
                    }

            let hop, sent = one (edge.Says home call)
            Expect.equal hop (Hop.Flow browser) "the browser"
            Expect.equal (Sheet.target sent) (Sheet.uri contact) "its own Contact"
            Expect.equal (Sheet.all "Route" sent) [] "ours is off"

            let forged =
                { call with
                    Fields =
                        call.Fields
                        |> List.map (fun (name, value) ->
                            match name with
                            | "Route" -> name, value.Replace("<sip:", "<sip:A")
                            | "Via" -> name, value + "f"
                            | _ -> name, value)
                }

            Expect.equal (Sheet.status (snd (one (edge.Says home forged)))) 403 "forged"
            edge.Take(Input.Closed browser) |> ignore

            let late =
                { call with
                    Fields =
                        call.Fields
                        |> List.map (fun (name, value) ->
                            if name = "Via" then name, value + "g" else name, value)
                }

            Expect.equal (Sheet.status (snd (one (edge.Says home late)))) 430 "dead"
        }

        test "a registrar without Path is given our Contact, and the client sees its own" {
            let edge, browser, _, asked = registered shards WayBack.ByContact [ here ]
            let ours = Sheet.first "Contact" asked
            Expect.equal (Sheet.all "Path" asked) [] "no Path"
            Expect.stringStarts ours "<sip:q1@edge.example.test:5060;sealed=" "ours"
            Expect.stringContains ours ">;reg-id=1;+sip.instance=" "its parameters stay"
            let _, told = accepted edge asked
            Expect.stringStarts (Sheet.first "Contact" told) (contact + ";reg-id=1") "its own"

            let call =
                request "INVITE" (Sheet.uri ours) [ "To", "<sip:alice@example.test>" ]
                |> fun sheet ->
                    { sheet with
                        Fields =
                            ("Via", "SIP/2.0/UDP 192.0.2.50:5060;branch=z9hG4bK-in")
                            :: List.tail sheet.Fields
                    }

            let hop, sent = one (edge.Says home call)
            Expect.equal hop (Hop.Flow browser) "the browser"
            Expect.equal (Sheet.target sent) (Sheet.uri contact) "its own Contact"

            let forged =
                { call with
                    Start = call.Start.Replace("sealed=A", "sealed=B")
                    Fields =
                        ("Via", "SIP/2.0/UDP 192.0.2.51:5060;branch=z9hG4bK-forged")
                        :: List.tail call.Fields
                }

            let _, refused =
                one (edge.Says (Ground.flow Transport.Udp 0L places[1] 5060) forged)

            Expect.equal (Sheet.status refused) 403 "forged by a stranger"
        }

        test "what is forged in a stand-in is refused to the registrar, too" {
            let edge, _, _, asked = registered shards WayBack.ByContact [ here ]
            let ours = Sheet.uri (Sheet.first "Contact" asked)

            let forged =
                request
                    "INVITE"
                    (ours.Replace("sealed=A", "sealed=B"))
                    [ "To", "<sip:alice@example.test>" ]

            Expect.equal (Sheet.status (snd (one (edge.Says home forged)))) 403 "forged"
        }

        test "a client that has to know Path and does not is told so" {
            let edge = Edge(realm (WayBack.ByPath PathWish.Demanded) [ here ], shards)
            let browser = browser 1L
            edge.Opens browser

            let unaware =
                { register with
                    Fields = register.Fields |> List.filter (fun (name, _) -> name <> "Supported")
                }

            let _, told = one (edge.Says browser unaware)
            Expect.equal (Sheet.status told) 421 "421"
            Expect.equal (Sheet.first "Require" told) "path" "what it lacks"
        }
    ]

/// Who is asserted to whom.
let asserting shards =
    [
        test "who has registered there is asserted to the registrar, and to nobody before" {
            let edge, browser, _, asked = registered shards byPath [ here ]
            let said sheet = Sheet.all "P-Asserted-Identity" sheet

            let claiming =
                { invite with
                    Fields = ("P-Asserted-Identity", "<sip:carol@example.test>") :: invite.Fields
                }

            let _, before = one (edge.Says browser claiming)
            Expect.equal (said before) [] "not yet, and not what it says itself"
            accepted edge asked |> ignore

            let again =
                { claiming with
                    Fields =
                        claiming.Fields
                        |> List.map (fun (name, value) ->
                            if name = "Via" then name, value + "2" else name, value)
                }

            let _, after = one (edge.Says browser again)
            Expect.equal (said after) [ "<sip:alice@example.test>" ] "the user"
        }

        test "who was refused there is not asserted" {
            let edge, browser, _, asked = registered shards byPath [ here ]
            edge.Says home (answered 403 [] asked) |> ignore
            let _, sent = one (edge.Says browser invite)
            Expect.equal (Sheet.all "P-Asserted-Identity" sent) [] "nobody"
        }
    ]
