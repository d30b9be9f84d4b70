// FailoverLaws: what a ledger does where one way to a place fails: it tries the next before the branch counts
// as failed (RFC 3263 §4.3, RFC 5626 §7), and who waits for a connection that has died waits no longer.

module Sip.Properties.FailoverLaws

open System
open Expecto
open FsCheck.FSharp
open Sip
open Sip.Routing
open Sip.Registrar
open Sip.Transactions
open Sip.Edge

let private at milliseconds = Instant.FromMilliseconds milliseconds

let private flow (listener: int) (transport: Transport) (connection: int) : Flow =
    {
        Listener = ListenerId listener
        Transport = transport
        Connection = if transport = Transport.Udp then 0L else int64 connection
        Remote =
            {
                Address = Address.ofV4 0x7F000001u
                Port = 40000 + connection
            }
    }

let private alice = flow 0 Transport.Udp 1

/// Two connections of one phone of Bob's, the better one first.
let private flows = [ flow 3 Transport.Ws 2; flow 3 Transport.Ws 3 ]

let private binding (number: int) (flow: Flow) : Binding =
    {
        Contact = NameAddr.ofUri (Uri.Sip(Uri.ofUser "bob" (Host.Name "x.invalid")))
        CallId = "r" + string number
        CSeq = 1u
        Expires = at 3_600_000L
        Quality = 1000
        Flow = flow
        Path = []
        Instance = ValueSome "urn:uuid:b0b"
        RegId = ValueSome number
    }

let private request method target body =
    String.Join(
        "\r\n",
        [
            String.Concat(method, " ", target, " SIP/2.0")
            "Via: SIP/2.0/UDP 127.0.0.1:40001;rport;branch=z9hG4bK1"
            "Max-Forwards: 70"
            "From: <sip:alice@example.test>;tag=a"
            "To: <sip:bob@example.test>"
            "Call-ID: 1"
            "CSeq: 1 " + method
            "Contact: <sip:alice@127.0.0.1:40001>"
            "Content-Length: " + string (String.length body)
            ""
            body
        ]
    )

let private answer (status: int) (request: string) =
    let copied =
        request.Split "\r\n"
        |> Array.filter (fun line ->
            line.StartsWith "Via:"
            || line.StartsWith "From:"
            || line.StartsWith "To:"
            || line.StartsWith "Call-ID:"
            || line.StartsWith "CSeq:")
        |> Array.map (fun line -> if line.StartsWith "To:" then line + ";tag=b" else line)

    String.Join("\r\n", Array.append [| $"SIP/2.0 %d{status} Words" |] copied)
    + "\r\nContent-Length: 0\r\n\r\n"

/// A ledger, at which one phone of Bob's is registered over two connections.
type private Bench() =
    let realm =
        { RoutingLaws.realm with
            Admittance = Admittance.UnsafeOpen
        }

    let ledger = Ledger(realm, Timing.usual, Policy.standard)
    let mutable now = 1000L

    let take (input: Input) : (Hop * string) list =
        [
            for effect in ledger.Take(at now, input) do
                match effect with
                | Effect.Send(hop, bytes) -> hop, Text.ofBytes bytes.Span
                | Effect.Note _ -> ()
        ]

    do
        for flow in flows do
            take (Input.Opened flow) |> ignore

        for number, flow in List.indexed (List.rev flows) do
            take (Input.Restored("bob@example.test", binding (number + 1) flow)) |> ignore

    member _.Take(input: Input) = take input

    member _.Say(from: Flow, text: string) =
        take (Input.Arrived(from, ReadOnlyMemory(Text.toBytes text)))

    /// What is sent in so much time.
    member _.Pass(milliseconds: int64) =
        now <- now + milliseconds
        take Input.Tick

    member this.Held = ledger.Held

/// The first request that went to each hop.
let private requests (sent: (Hop * string) list) =
    sent |> List.filter (fun (_, text) -> not (text.StartsWith "SIP/2.0"))

let private statuses (sent: (Hop * string) list) =
    [
        for hop, text in sent do
            if hop = Hop.Flow alice && text.StartsWith "SIP/2.0" then
                int (text.Substring(8, 3))
    ]

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

let private fail (bench: Bench) (first: string) failure =
    match failure with
    | Says status -> bench.Say(flows[0], answer status first)
    | Dies -> bench.Take(Input.Closed flows[0])

let private secondFlow =
    Law.holds
        "where a phone's flow fails, its next flow is asked before the caller hears, and where it answers, none is"
        failures
    <| fun (method, failure) ->
        let bench = Bench()
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
        let bench = Bench()
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
        let bench = Bench()
        let invite = request "INVITE" "sip:bob@example.test" ""
        let first = requests (bench.Say(alice, invite)) |> List.head |> snd
        bench.Say(flows[0], answer 180 first) |> ignore
        bench.Say(alice, request "CANCEL" "sip:bob@example.test" "") |> ignore
        let after = bench.Take(Input.Closed flows[0])
        Expect.isEmpty (requests after) "nothing goes on"
        Expect.equal (statuses after) [ 480 ] "the caller's end"

let private trunk transport =
    Hop.Dial(transport, Host.Name "trunk.example.net", 5060)

let private large =
    testCase "a large request to a UDP hop goes over TCP, and by UDP where that is refused"
    <| fun () ->
        let bench = Bench()
        let target = "sip:bob@trunk.example.net"
        let sent = requests (bench.Say(alice, request "MESSAGE" target (String('x', 1300))))
        Expect.equal (List.map fst sent) [ trunk Dialled.Tcp ] "large"
        Expect.stringContains (snd sent.Head) "Via: SIP/2.0/TCP " "as its Via says"
        let refused = requests (bench.Take(Input.Severed(trunk Dialled.Tcp)))
        Expect.equal (List.map fst refused) [ trunk Dialled.Udp ] "refused"
        Expect.stringContains (snd refused.Head) "Via: SIP/2.0/UDP " "as its Via says"
        let again = requests (bench.Pass 600L)
        Expect.equal (List.map fst again) [ trunk Dialled.Udp ] "and stays there"

let private small =
    testCase "a small request to a UDP hop goes by UDP"
    <| fun () ->
        let sent = Bench().Say(alice, request "MESSAGE" "sip:bob@trunk.example.net" "x")
        Expect.equal (List.map fst (requests sent)) [ trunk Dialled.Udp ] "small"

let private severed =
    testCase "when a connection that was called dies, who waits for it is answered at once"
    <| fun () ->
        for method in [ "INVITE"; "MESSAGE" ] do
            let bench = Bench()
            let target = "sip:bob@trunk.example.net;transport=tcp"
            let sent = requests (bench.Say(alice, request method target ""))
            Expect.equal (List.map fst sent) [ trunk Dialled.Tcp ] "it is called"
            Expect.isEmpty (bench.Take(Input.Severed(trunk Dialled.Tls))) "another's end is nothing"
            // RFC 3261 §16.9: as if a 503 had come, which is not passed on (§16.7 step 6).
            let after = statuses (bench.Take(Input.Severed(trunk Dialled.Tcp)))
            Expect.equal after [ 500 ] "its own end is"
            Expect.isEmpty (bench.Take(Input.Severed(trunk Dialled.Tcp))) "once"

let all = testList "Failover" [ secondFlow; silent; hungUp; large; small; severed ]
