// EarlyEndLaws: what a caller that understands 199 hears when one of the phones that rang has ended while
// others ring on (RFC 6228 §6).

module Sip.Properties.EarlyEndLaws

open Expecto
open Sip
open Sip.Properties.Bench

let private one = flow 3 Transport.Ws 2
let private two = flow 4 Transport.Wss 3

/// A call of Alice's with these fields at these phones, each of which rings with its own tag.
let private ringing (fields: string list) (phones: Flow list) =
    let server =
        Server(phones |> List.mapi (fun number flow -> binding flow ValueNone (number + 1) ""))

    let sent =
        server.Say(alice, requestWith fields "INVITE" "sip:bob@example.test" "")
        |> requests

    let asked =
        phones
        |> List.map (fun flow ->
            let text =
                sent |> List.find (fun (hop, _) -> hop = Sip.Routing.Hop.Flow flow) |> snd

            server.Say(flow, answerAs ("t" + string flow.Connection) 180 text) |> ignore
            text)

    server, asked

let private supported = "Supported: 100rel, 199"

let private early (sent: (Sip.Routing.Hop * string) list) =
    sent
    |> List.filter (fun (_, text) -> text.StartsWith "SIP/2.0 199 Early Dialog Terminated")

let private told =
    testCase "when one of two phones declines, a caller that supports 199 hears which, and why"
    <| fun () ->
        let server, asked = ringing [ supported ] [ one; two ]
        let sent = server.Say(one, answerAs "t2" 486 asked[0])
        Expect.equal (statuses sent) [ 199 ] "the end of one"
        let text = snd (List.exactlyOne (early sent))
        Expect.stringContains text "To: <sip:bob@example.test>;tag=t2\r\n" "which"
        Expect.stringContains text "Reason: SIP;cause=486" "why"
        Expect.isFalse (text.Contains "Supported:") "without the option tag"
        let last = server.Say(two, answerAs "t3" 486 asked[1])
        Expect.equal (statuses last) [ 486 ] "the end of the other is the end"

let private untold =
    testCase "no 199 is made for who does not support it, requires 100rel, or has one phone only"
    <| fun () ->
        for fields, phones, heard in
            [
                [], [ one; two ], []
                [ supported; "Require: 100rel" ], [ one; two ], []
                [ supported ], [ one ], [ 486 ]
            ] do
            let server, asked = ringing fields phones
            let sent = server.Say(one, answerAs "t2" 486 asked[0])
            Expect.equal (statuses sent) heard $"%A{fields}"

let private passed =
    testCase "a 199 from further down is passed on, and not said again"
    <| fun () ->
        let server, asked = ringing [ supported ] [ one; two ]
        Expect.equal (statuses (server.Say(one, answerAs "t2" 199 asked[0]))) [ 199 ] "passed on"
        Expect.isEmpty (statuses (server.Say(one, answerAs "t2" 486 asked[0]))) "once"

let private answered =
    testCase "after a final response no 199 is sent"
    <| fun () ->
        let server, asked = ringing [ supported ] [ one; two ]
        Expect.equal (statuses (server.Say(two, answerAs "t3" 200 asked[1]))) [ 200 ] "answered"
        Expect.isEmpty (statuses (server.Say(one, answerAs "t2" 487 asked[0]))) "nothing more"

let private timedOut =
    testCase "a phone whose connection breaks while it rings has ended, too"
    <| fun () ->
        let server, _ = ringing [ supported ] [ one; two ]
        let sent = server.Take(Sip.Edge.Input.Closed one)
        Expect.equal (statuses sent) [ 199 ] "the end of one"

let all =
    testList "Early dialogs (RFC 6228)" [ told; untold; passed; answered; timedOut ]
