// ProxyLaws: what RFC 3261 section 16 asks of a proxy and section 8.2 of whoever answers, each tried on a ledger
// with one request.

module Sip.Properties.ProxyLaws

open System
open Expecto
open Sip
open Sip.Edge
open Sip.Identity
open Sip.Routing
open Sip.Properties.Bench

let private user = "sip:bob@example.test"
let private one = flow 3 Transport.Ws 2
let private two = flow 4 Transport.Wss 3

let private server () =
    Server [ binding two ValueNone 2 ""; binding one ValueNone 1 "" ]

let private line (name: string) (text: string) =
    text.Split "\r\n" |> Array.tryFind (fun one -> one.StartsWith(name + ":"))

let private lines (name: string) (text: string) =
    text.Split "\r\n"
    |> Array.filter (fun one -> one.StartsWith(name + ":"))
    |> List.ofArray

/// The text that a request is answered with at once.
let private said (server: Server) (text: string) =
    server.Say(alice, text) |> List.exactlyOne |> snd

let private asUas =
    testCase "what the server answers itself it answers as RFC 3261 section 8.2 says"
    <| fun () ->
        for method, fields, status, header in
            [
                "OPTIONS", [], 200, Some "Allow"
                "OPTIONS", [ "Require: nonsense" ], 420, Some "Unsupported"
                "PUBLISH", [], 405, Some "Allow"
                "NONSENSE", [], 501, None
                "BYE", [], 481, None
            ] do
            let asked = requestWith fields method "sip:example.test" ""
            let answer = said (server ()) asked
            Expect.stringStarts answer $"SIP/2.0 %d{status} " method

            for name in [ "From"; "Call-ID"; "CSeq" ] do
                Expect.equal (line name answer) (line name asked) name

            Expect.stringContains (line "Via" answer).Value ";branch=z9hG4bK1" "Via"
            Expect.stringStarts (line "To" answer).Value ((line "To" asked).Value + ";tag=") "To"

            match header with
            | Some name -> Expect.isSome (line name answer) name
            | None -> ()

let private merged =
    testCase "a request that comes by two ways is no error"
    <| fun () ->
        let server = server ()
        let asked = request "MESSAGE" user ""
        let other = asked.Replace("branch=z9hG4bK1", "branch=z9hG4bK2")

        for text in [ asked; other ] do
            let sent = server.Say(alice, text)
            Expect.equal (requests sent).Length 2 "it goes on to both phones"
            Expect.isEmpty (statuses sent) "and is not refused"

let private elsewhere =
    testCase "a maddr of ours is ours, any other is not relayed to"
    <| fun () ->
        let ask uri =
            server().Say(alice, request "MESSAGE" uri "")

        let ours = requests (ask (user + ";maddr=example.test"))
        Expect.equal ours.Length 2 "to Bob's phones"
        Expect.isFalse ((snd ours.Head).Contains "maddr") "without the maddr"
        Expect.equal (statuses (ask (user + ";maddr=192.0.2.7"))) [ 403 ] "elsewhere"

let private nobody =
    testCase "for a user that is none 404 is answered, for one who is away 480"
    <| fun () ->
        let server = server ()

        server.Take(Input.Enrolled(Subscriber.enroll "example.test" "carol" "secret"))
        |> ignore

        let heard user =
            statuses (server.Say(alice, request "MESSAGE" ("sip:" + user + "@example.test") ""))

        Expect.equal (heard "carol") [ 480 ] "away"
        Expect.equal (heard "dave") [ 404 ] "nobody"

let private bare =
    testCase "a contact's headers and method do not get into a Request-URI"
    <| fun () ->
        let bound = binding one ValueNone 1 ""

        let uri =
            match bound.Contact.Uri with
            | Uri.Sip uri ->
                Uri.Sip
                    { uri with
                        Parameters =
                            [
                                { Name = "x"; Value = ValueSome "1" }
                                {
                                    Name = "method"
                                    Value = ValueSome "BYE"
                                }
                            ]
                        Headers = [ { Name = "Subject"; Value = "x" } ]
                    }
            | Uri.Tel _
            | Uri.Other _ -> bound.Contact.Uri

        let contact = { bound.Contact with Uri = uri }
        let server = Server [ { bound with Contact = contact } ]

        let sent =
            requests (server.Say(alice, request "MESSAGE" user "")) |> List.exactlyOne

        Expect.stringStarts (snd sent) "MESSAGE sip:bob@1.invalid;x=1 SIP/2.0\r\n" "bare"

let private ringsTooLong =
    testCase "timer C is longer than three minutes, starts anew with each 180, and then cancels"
    <| fun () ->
        let server = Server [ binding one ValueNone 1 "" ]

        let asked =
            requests (server.Say(alice, request "INVITE" user "")) |> List.head |> snd

        server.Say(one, answer 180 asked) |> ignore
        Expect.isEmpty (requests (server.Pass 180_000L)) "after three minutes it rings"
        server.Say(one, answer 180 asked) |> ignore
        Expect.isEmpty (requests (server.Pass 180_000L)) "and once more"
        // A 100 says nothing new.
        server.Say(one, answer 100 asked) |> ignore

        match requests (server.Pass 2_000L) with
        | [ hop, text ] ->
            Expect.equal hop (Hop.Flow one) "where it rings"
            Expect.stringStarts text "CANCEL " "it is cancelled"
        | sent -> failtest $"%A{sent}"

let private ownVia =
    testCase "a response with no Via but ours, and a 100, go no further"
    <| fun () ->
        let server = Server [ binding one ValueNone 1 "" ]

        let asked =
            requests (server.Say(alice, request "INVITE" user "")) |> List.head |> snd

        let reply = answer 200 asked
        let vias = lines "Via" reply
        Expect.equal vias.Length 2 "ours and Alice's"
        let alone = reply.Replace(vias[1] + "\r\n", "")
        Expect.isEmpty (server.Say(one, alone)) "it was meant for us"
        Expect.isEmpty (server.Say(one, answer 100 asked)) "100"
        Expect.equal (statuses (server.Say(one, reply))) [ 200 ] "the whole one is passed on"

let private declinedEverywhere =
    testCase "a 6xx cancels what is out and begins nothing more"
    <| fun () ->
        let later =
            { binding two ValueNone 3 "" with
                Quality = 500
            }

        let third = flow 1 Transport.Tcp 4

        let server =
            Server [ later; binding third ValueNone 2 ""; binding one ValueNone 1 "" ]

        let asked = requests (server.Say(alice, request "INVITE" user ""))
        Expect.equal (List.map fst asked) [ Hop.Flow one; Hop.Flow third ] "the first group"
        server.Say(third, answer 180 (snd asked[1])) |> ignore
        let sent = server.Say(one, answer 603 (snd asked[0]))
        Expect.isEmpty (statuses sent) "it is not passed on at once"
        let own = requests sent |> List.map (fun (hop, text) -> hop, (text.Split ' ')[0])
        Expect.containsAll own [ Hop.Flow third, "CANCEL" ] "the other is cancelled"
        let last = server.Say(third, answer 487 (snd asked[1]))
        Expect.equal (statuses last) [ 603 ] "the 6xx is the best"

        Expect.isFalse
            (List.exists (fun (hop, _) -> hop = Hop.Flow two) (sent @ last))
            "nobody else"

let private challenges =
    testCase "the challenges of all branches reach the caller in one response"
    <| fun () ->
        let server = server ()
        let asked = requests (server.Say(alice, request "INVITE" user ""))

        let challenged status field text =
            let lines: string = answer status text
            lines.Replace("Content-Length", field + "\r\nContent-Length")

        let first = "WWW-Authenticate: Digest realm=\"one\", nonce=\"1\""
        let second = "Proxy-Authenticate: Digest realm=\"two\", nonce=\"2\""
        server.Say(one, challenged 401 first (snd asked[0])) |> ignore
        let sent = server.Say(two, challenged 407 second (snd asked[1]))
        Expect.equal (statuses sent) [ 401 ] "the first of the two"
        let text = sent |> List.find (fun (hop, _) -> hop = Hop.Flow alice) |> snd
        Expect.equal (lines "WWW-Authenticate" text) [ first ] "the one"
        Expect.equal (lines "Proxy-Authenticate" text) [ second ] "the other"

let private circled =
    testCase "a request that comes back unchanged is refused with 482"
    <| fun () ->
        let server = server ()
        let away = "sip:bob@192.0.2.9"

        let sent =
            requests (server.Say(alice, request "MESSAGE" away "")) |> List.exactlyOne

        Expect.equal (statuses (server.Say(alice, snd sent))) [ 482 ] "a loop"

let all =
    testList
        "Proxy (RFC 3261 16)"
        [
            asUas
            merged
            elsewhere
            nobody
            bare
            ringsTooLong
            ownVia
            declinedEverywhere
            challenges
            circled
        ]
