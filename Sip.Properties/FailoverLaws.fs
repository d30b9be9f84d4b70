// FailoverLaws: what a ledger does where one way to a place fails: it tries the next before the branch counts
// as failed (RFC 3263 §4.3, RFC 5626 §7), and who waits for a connection that has died waits no longer.

module Sip.Properties.FailoverLaws

open System
open Expecto
open FsCheck.FSharp
open Sip
open Sip.Routing
open Sip.Edge
open Sip.Properties.Bench

/// Two connections of one phone of Bob's, the better one first.
let private flows = [ Bench.flow 3 Transport.Ws 2; Bench.flow 3 Transport.Ws 3 ]

let private registered =
    List.rev flows
    |> List.mapi (fun number flow -> Bench.binding flow (ValueSome "urn:uuid:b0b") (number + 1) "")

/// How the first way may fail.
type private Failure =
    | Says of status: int
    | Dies

let private failures =
    Arb.fromGen (
        Gen.zip
            (Gen.elements [ "INVITE"; "MESSAGE"; "BYE" ])
            (Gen.oneof
                [
                    Gen.constant Dies
                    Gen.map Says (Gen.elements [ 404; 408; 430; 480; 486; 503; 603 ])
                ])
    )

let private fail (bench: Bench.Server) (first: string) failure =
    match failure with
    | Says status -> bench.Say(flows[0], answer status first)
    | Dies -> bench.Take(Input.Closed flows[0])

let private secondFlow =
    Law.holds
        "where a phone's flow fails, its next flow is asked before the caller hears, and where it answers, none is"
        failures
    <| fun (method, failure) ->
        let bench = Bench.Server registered
        let sent = bench.Say(alice, request method "sip:bob@example.test" "")

        match requests sent with
        | [ hop, first ] when hop = Hop.Flow flows[0] ->
            let after = fail bench first failure
            let asked = requests after |> List.filter (fun (_, text) -> text.StartsWith method)
            let isOver = statuses after |> List.exists (fun status -> status >= 300)

            match failure with
            | Dies
            | Says(408 | 430 | 503) ->
                let hops = List.map fst asked

                if hops <> [ Hop.Flow flows[1] ] || isOver then
                    false
                else
                    let last = bench.Say(flows[1], answer 486 (snd asked.Head))
                    statuses last = [ 486 ]
            | Says status -> asked.IsEmpty && statuses after = [ status ]
        | _ -> false

let private silent =
    testCase
        "a flow on which nothing answers is left for the next after 32 s, and the branch is another"
    <| fun () ->
        let bench = Bench.Server registered
        let first = requests (bench.Say(alice, request "INVITE" "sip:bob@example.test" ""))
        let then' = requests (bench.Pass 33_000L)
        Expect.equal (List.map fst first) [ Hop.Flow flows[0] ] "the first"
        Expect.equal (List.map fst then') [ Hop.Flow flows[1] ] "the second"

        let via (text: string) =
            (text.Split "\r\n") |> Array.find _.StartsWith("Via:")

        Expect.notEqual (via (snd first.Head)) (via (snd then'.Head)) "the branch"

let private hungUp =
    testCase "what a caller has called off is not tried elsewhere"
    <| fun () ->
        let bench = Bench.Server registered
        let invite = request "INVITE" "sip:bob@example.test" ""
        let first = requests (bench.Say(alice, invite)) |> List.head |> snd
        bench.Say(flows[0], answer 180 first) |> ignore
        bench.Say(alice, request "CANCEL" "sip:bob@example.test" "") |> ignore
        let after = bench.Take(Input.Closed flows[0])
        Expect.isEmpty (requests after) "nothing goes on"
        Expect.equal (statuses after) [ 480 ] "the caller's end"

let private trunk transport =
    Hop.Dial
        {
            Transport = transport
            Address = Address.ofV4 0xC0000209u
            Port = 5060
            Domain = Host.Address(Address.ofV4 0xC0000209u)
        }

// A datagram leaves by the flow that its listener and the address make.
let private byDatagram (hop: Hop) =
    match hop with
    | Hop.Flow flow ->
        flow.Transport = Transport.Udp
        && flow.Remote.Address = Address.ofV4 0xC0000209u
        && flow.Remote.Port = 5060
    | Hop.Dial _ -> false

let private large =
    testCase "a large request to a UDP hop goes over TCP, and by UDP where that is refused"
    <| fun () ->
        let bench = Bench.Server registered
        let target = "sip:bob@192.0.2.9"
        let sent = requests (bench.Say(alice, request "MESSAGE" target (String('x', 1300))))
        Expect.equal (List.map fst sent) [ trunk Dialled.Tcp ] "large"
        Expect.stringContains (snd sent.Head) "Via: SIP/2.0/TCP " "as its Via says"
        let refused = requests (bench.Take(Input.Severed(trunk Dialled.Tcp)))
        Expect.equal (List.map (fst >> byDatagram) refused) [ true ] "refused"
        Expect.stringContains (snd refused.Head) "Via: SIP/2.0/UDP " "as its Via says"
        let again = requests (bench.Pass 600L)
        Expect.equal (List.map (fst >> byDatagram) again) [ true ] "and stays there"

let private small =
    testCase "a small request to a UDP hop goes by UDP"
    <| fun () ->
        let sent =
            Bench.Server(registered).Say(alice, request "MESSAGE" "sip:bob@192.0.2.9" "x")

        Expect.equal (List.map (fst >> byDatagram) (requests sent)) [ true ] "small"

let private severed =
    testCase "when a connection that was called dies, who waits for it is answered at once"
    <| fun () ->
        for method in [ "INVITE"; "MESSAGE" ] do
            let bench = Bench.Server registered
            let target = "sip:bob@192.0.2.9;transport=tcp"
            let sent = requests (bench.Say(alice, request method target ""))
            Expect.equal (List.map fst sent) [ trunk Dialled.Tcp ] "it is called"
            Expect.isEmpty (bench.Take(Input.Severed(trunk Dialled.Tls))) "another's end is nothing"
            // RFC 3261 §16.9: as if a 503 had come, which is not passed on (§16.7 step 6).
            let after = statuses (bench.Take(Input.Severed(trunk Dialled.Tcp)))
            Expect.equal after [ 500 ] "its own end is"
            Expect.isEmpty (bench.Take(Input.Severed(trunk Dialled.Tcp))) "once"

let all = testList "Failover" [ secondFlow; silent; hungUp; large; small; severed ]
