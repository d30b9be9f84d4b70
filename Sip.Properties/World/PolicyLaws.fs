// PolicyLaws: who may do what at a server that is open to the internet: without a proof nothing goes on, whatever
// the method, the transport and the place named; a called party asks nobody for a password; and a user calls
// abroad no more than they may.

module Sip.Properties.World.PolicyLaws

open Expecto
open Sip
open Sip.Edge
open Sip.Routing
open Sip.Properties
open Sip.Properties.World.Strangers

let private unproven =
    testCase
        "nobody without a proof is relayed anywhere, by 14 methods and 200 invented ones, in and out of dialogs, on every transport, whatever the Request-URI and the Route name"
    <| fun () ->
        // Where anybody may call, whoever says to be one of ours has to prove it still.
        for ledger, named in [ ledger (), id; ledger (), foreign; welcoming (), id ] do
            let mutable number = 0

            for method in methods do
                for dest in [ ""; ";tag=guess" ] do
                    for from in strangers do
                        for way in ways do
                            number <- number + 1
                            let uri, routes = way
                            let message = named (text method uri number dest routes)
                            let effects = take ledger 1L from message

                            if relayed from effects && not (isExempt method dest from way) then
                                failtest $"%A{from.Transport}\n%s{message}\n%A{effects}"

            Expect.equal (ledger.Take(Ground.at 100_000L, Input.Tick).Count) 0 "nothing comes later"
            Expect.equal ledger.Pending 0 "nothing is under way"

let private challenged =
    testCase "a challenge from whoever was called reaches no caller: 403 goes back, without a realm"
    <| fun () ->
        for status, header in [ 401, "WWW-Authenticate"; 407, "Proxy-Authenticate" ] do
            for method in [ "INVITE"; "BYE"; "MESSAGE"; "NOVEL" ] do
                let ledger = ledger ()
                let message = text method "sip:bob@example.test" 1 "" []
                let called = take ledger 1L World.trunk message |> sheetsTo phone |> List.head
                let leak = [ header, "Digest realm=\"example.test\", nonce=\"1\", qop=\"auth\"" ]
                let answer = Sheet.print (Sheet.respond status "b" leak called)

                let told = take ledger 2L phone answer |> sheetsTo World.trunk
                Expect.equal (List.map Sheet.status told) [ 403 ] method
                Expect.equal (Sheet.all header told.Head) [] "nothing to answer"

let private seat = Seat.alone Link.Udp "203.0.113.5:5062" "sip:q@203.0.113.5:5062"

let private stops =
    testCase "who begins more towards a trunk than the meters allow gets 403, and nobody else does"
    <| fun () ->
        let ledger = ledger ()

        for user in [ "alice"; "carol" ] do
            ledger.Take(
                Ground.at 0L,
                Input.Enrolled(Identity.Subscriber.enroll "example.test" user ("secret of " + user))
            )
            |> ignore

        let call (letters: Letters) (uri: string) (number: int) =
            let asked = letters.To("MESSAGE", "bob", "m" + string number)

            let asked =
                { asked with
                    Start = "MESSAGE " + uri + " SIP/2.0"
                }

            let say sheet =
                Sends.texts (take ledger (int64 number) phone (Sheet.print sheet))

            let challenge = say asked |> List.exactlyOne |> snd |> Sheet.read

            match letters.Again(asked, challenge) with
            | Some again -> say again
            | None -> failtest "no challenge"

        let abroad = "sip:+15551234@192.0.2.100:5060"
        let alice = Letters(seat 1 "alice")

        let went sent =
            List.exists (fun (hop, _) -> hop = Hop.Flow World.trunk) sent

        for number in 1..20 do
            Expect.isTrue (went (call alice abroad number)) "a person's"

        let sent = call alice abroad 21
        Expect.isFalse (went sent) "one too many"
        Expect.equal (sent |> List.map (snd >> Sheet.read >> Sheet.status)) [ 403 ] "and told so"
        Expect.isTrue (went (call (Letters(seat 2 "carol")) abroad 22)) "another user"

        Expect.isTrue
            (call alice "sip:bob@example.test" 23
             |> List.exists (fun (hop, _) -> hop = Hop.Flow phone))
            "another kind of destination"

/// Every law.
let all: Test = testList "Policy (RFC 3261 22, 26)" [ unproven; challenged; stops ]
