// WelcomeLaws: where anybody may call: whom a stranger reaches, and what they learn.

module Sip.Properties.World.WelcomeLaws

open System
open Expecto
open Sip
open Sip.Edge
open Sip.Routing
open Sip.Properties
open Sip.Properties.World.Strangers

let private welcome =
    testCase
        "where anybody may call, a stranger's calls and messages on connections reach users, and nothing else of theirs reaches anybody"
    <| fun () ->
        let ledger = welcoming ()
        let mutable number = 0

        for method in methods do
            for dest in [ ""; ";tag=guess" ] do
                for from in strangers do
                    for way in ways do
                        number <- number + 1
                        let uri, routes = way
                        let message = foreign (text method uri number dest routes)
                        let effects = take ledger 1L from message

                        let mayGo =
                            (method = "INVITE" || method = "MESSAGE")
                            && dest = ""
                            && Flow.isConnection from
                            && uri.Contains "bob@example.test"

                        let isPlain = uri = "sip:bob@example.test" && routes.IsEmpty
                        let goes = relayed from effects

                        if goes && not (mayGo || isExempt method dest from way) then
                            failtest $"%A{from.Transport}\n%s{message}\n%A{effects}"

                        if mayGo && isPlain then
                            Expect.isTrue goes "a call"

                        for hop, _ in Sends.texts effects do
                            if mayGo then
                                Expect.contains [ Hop.Flow from; Hop.Flow phone ] hop "nobody else"

let private caller =
    strangers |> List.find (fun one -> one.Transport = Transport.Tls)

let private wholeCall =
    testCase "the call of a stranger is a whole one: it is acknowledged, and either side ends it"
    <| fun () ->
        let ledger = welcoming ()

        let invite =
            (foreign (text "INVITE" "sip:bob@example.test" 1 "" []))
                .Replace("SIP/2.0/UDP", "SIP/2.0/TLS")

        let ringing = take ledger 1L caller invite |> sheetsTo phone |> List.exactlyOne

        let answer =
            Sheet.respond 200 "b" [ "Contact", "<sip:q@x.invalid>" ] ringing |> Sheet.print

        let answered = take ledger 2L phone answer |> sheetsTo caller |> List.exactlyOne
        Expect.equal (Sheet.status answered) 200 "answered"

        let inDialog method number (uri: string) from dest routes via =
            String.Join(
                "\r\n",
                [
                    method + " " + uri + " SIP/2.0"
                    "Via: SIP/2.0/" + via + " 203.0.113.240:41000;branch=z9hG4bKd" + string number
                    "Max-Forwards: 70"
                    "From: " + from
                    "To: " + dest
                    "Call-ID: 1"
                    "CSeq: " + string number + " " + method
                ]
                @ List.map (fun route -> "Route: " + route) routes
                @ [ "Content-Length: 0"; ""; "" ]
            )

        let from, dest = Sheet.first "From" answered, Sheet.first "To" answered
        let theirs = List.rev (Sheet.all "Record-Route" answered)

        let toBob method number =
            let uri = Sheet.uri (Sheet.first "Contact" answered)
            let sent = inDialog method number uri from dest theirs "TLS"
            take ledger 3L caller sent |> sheetsTo phone |> List.map Sheet.method

        let ours = Sheet.all "Record-Route" ringing

        let toEve method number =
            let uri = Sheet.uri (Sheet.first "Contact" ringing)
            let sent = inDialog method number uri dest from ours "UDP"
            take ledger 4L phone sent |> sheetsTo caller |> List.map Sheet.method

        Expect.equal (toBob "ACK" 1) [ "ACK" ] "acknowledged"
        Expect.equal (toBob "BYE" 2) [ "BYE" ] "hung up there"
        Expect.equal (toEve "BYE" 3) [ "BYE" ] "or here"

let private untold =
    testCase "a stranger cannot tell a user who is away from one that there is not"
    <| fun () ->
        let said uri =
            let ledger = welcoming ()
            let one = Identity.Subscriber.enroll "example.test" "carol" "secret"
            ledger.Take(Ground.at 0L, Input.Enrolled one) |> ignore
            let message = foreign (text "INVITE" uri 1 "" [])
            take ledger 1L caller message |> Sends.texts |> List.exactlyOne

        let away = said "sip:carol@example.test"
        Expect.equal (Sheet.status (Sheet.read (snd away))) 480 "away"
        Expect.equal (said "sip:nobod@example.test") away "nobody"

let private counted =
    testCase "strangers are counted by where they are, whatever they call themselves"
    <| fun () ->
        let other =
            { caller with
                Connection = 77L
                Remote =
                    {
                        Address = Address.ofV4 0xCB0071F1u
                        Port = 41000
                    }
            }

        let statuses (ledger: Ledger) method from count first =
            [
                for number in first .. first + count - 1 do
                    take ledger 1L from (foreign (text method "sip:bob@example.test" number "" []))
                    |> sheetsTo from
                    |> List.map Sheet.status
                    |> List.tryLast
            ]

        let opened () =
            let ledger = welcoming ()
            ledger.Take(Ground.at 0L, Input.Opened other) |> ignore
            ledger

        for method, most in [ "INVITE", 64; "MESSAGE", 250 ] do
            let ledger = opened ()
            let all = statuses ledger method caller (most + 1) 1
            let went = List.truncate most all
            Expect.isFalse (List.contains (Some 503) went) "so many"
            Expect.equal (List.last all) (Some 503) "and no more"
            let others = statuses ledger method other 1 1000
            Expect.isFalse (List.contains (Some 503) others) "somebody else of the same name"

/// Every law.
let all: Test =
    testList "Policy (RFC 3261 22, 26)" [ welcome; wholeCall; untold; counted ]
