// FarEndLaws: what an alias that only says where a flow ends can reach, and for whom.

module Sip.Properties.World.FarEndLaws

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Edge
open Sip.Routing
open Sip.Properties

/// What became of a request by such an alias.
type private Fate =
    | Reached
    | Gone
    | Forbidden

/// Connections, each with whether it still lives, and one request.
type private Case =
    {
        Connections: (Flow * bool) list
        Source: Flow
        Alias: string
        /// What the alias names, if it names anything.
        There: FarEnd voption
    }

let private at milliseconds = Instant.FromMilliseconds milliseconds

let private listeners =
    [
        Transport.Udp, 0, 1
        Transport.Tcp, 1, 2
        Transport.Tls, 2, 3
        Transport.Ws, 3, 5
        Transport.Wss, 4, 6
    ]

let private addresses = [ "192.0.2.10"; "192.0.2.11"; "[2001:db8::7]" ]

let private ports = [ 40000; 40001 ]

let private flow (transport, listener, _) (host: string) (port: int) (number: int64) : Flow =
    match Host.tryRead host with
    | ValueSome(Host.Address address) ->
        {
            Listener = ListenerId listener
            Transport = transport
            Connection = if transport = Transport.Udp then 0L else number
            Remote = { Address = address; Port = port }
        }
    | ValueSome(Host.Name _)
    | ValueNone -> failtest "an address"

let private farEnd (flow: Flow) : FarEnd =
    {
        Transport = flow.Transport
        Remote = flow.Remote
    }

let private connections =
    gen {
        let! drawn =
            Gen.nonEmptyListOf (
                Gen.zip
                    (Gen.zip (Gen.elements listeners.Tail) (Gen.elements addresses))
                    (Gen.zip (Gen.elements ports) (Gen.elements [ true; true; false ]))
            )

        return
            drawn
            |> List.mapi (fun i ((listener, host), (port, lives)) ->
                flow listener host port (int64 i + 1L), lives)
            |> List.distinctBy (fun (flow, _) -> farEnd flow)
    }

let private sound =
    gen {
        let! (_, _, number) as listener = Gen.elements listeners
        let! host = Gen.elements addresses
        let! port = Gen.elements ports
        let alias = String.Concat(host, "~", string port) + "~" + string number
        return alias, ValueSome(farEnd (flow listener host port 0L))
    }

let private unsound =
    Gen.elements
        [
            "192.0.2.10~40000~4"
            "192.0.2.10~40000~7"
            "192.0.2.10~0~5"
            "192.0.2.10~65536~5"
            "192.0.2.10~40000"
            "192.0.2.10~40000~5~"
            "2001:db8::7~40000~5"
            "example.test~40000~5"
            "224.0.0.1~40000~1"
            "0.0.0.0~40000~1"
            "~~"
        ]
    |> Gen.map (fun alias -> alias, ValueNone)

let private peer: Flow =
    {
        Listener = ListenerId 0
        Transport = Transport.Udp
        Connection = 0L
        Remote =
            {
                Address = List.head Ground.realm.Peers.Head.Addresses
                Port = 5060
            }
    }

let private cases: Arbitrary<Case> =
    gen {
        let! connections = connections
        let! alias, there = Gen.frequency [ 8, sound; 1, unsound ]
        let! stranger = Gen.elements [ "192.0.2.10"; "203.0.113.9" ]
        let stranger = flow listeners.Head stranger 5060 0L
        let! source = Gen.frequency [ 4, Gen.constant peer; 1, Gen.constant stranger ]

        return
            {
                Connections = connections
                Source = source
                Alias = alias
                There = there
            }
    }
    |> fun cases ->
        Arb.fromGenShrink (
            cases,
            fun case ->
                Seq.init case.Connections.Length (fun i ->
                    { case with
                        Connections = List.removeAt i case.Connections
                    })
        )

let private request (alias: string) =
    {
        Start = "INVITE sip:bob@x.invalid;transport=ws;alias=" + alias + " SIP/2.0"
        Fields =
            [
                "Via", "SIP/2.0/UDP 192.0.2.100:5060;branch=z9hG4bK-1"
                "Max-Forwards", "70"
                "From", "<sip:trunk@example.net>;tag=a"
                "To", "<sip:bob@example.test>;tag=b"
                "Call-ID", "1"
                "CSeq", "1 INVITE"
            ]
        Body = ""
    }
    |> Sheet.print
    |> Text.toBytes
    |> ReadOnlyMemory

/// Where copies of the request went, and the final status that its sender heard.
let private outcome (case: Case) : (Hop * string) list =
    let ledger = World.ledger ()

    for connection, _ in case.Connections do
        ledger.Take(at 0L, Input.Opened connection) |> ignore

    for connection, lives in case.Connections do
        if not lives then
            ledger.Take(at 0L, Input.Closed connection) |> ignore

    Sends.texts (ledger.Take(at 1L, Input.Arrived(case.Source, request case.Alias)))
    |> List.map (fun (hop, text) -> hop, text.Split("\r\n")[0])

let private heard (status: string) (case: Case) (sent: (Hop * string) list) =
    sent
    |> List.forall (fun (hop, line) -> hop = Hop.Flow case.Source && line.StartsWith status)

let private copies (sent: (Hop * string) list) =
    sent |> List.filter (fun (_, line) -> line.StartsWith "INVITE ")

/// The flow that the alias may reach: the live connection that ends there, or the datagram flow.
let private wanted (case: Case) : Flow voption =
    match case.There with
    | ValueSome there when there.Transport = Transport.Udp ->
        // The realm's datagram listener is an IPv4 one.
        if Address.isV4 there.Remote.Address then
            ValueSome { peer with Remote = there.Remote }
        else
            ValueNone
    | ValueSome there ->
        case.Connections
        |> List.tryFind (fun (flow, lives) -> lives && farEnd flow = there)
        |> Option.map fst
        |> ValueOption.ofOption
    | ValueNone -> ValueNone

let private judged (case: Case) : Fate voption =
    let sent = outcome case

    match copies sent, wanted case with
    | [], _ when case.Source <> peer || case.There.IsNone ->
        if heard "SIP/2.0 403 " case sent && not sent.IsEmpty then
            ValueSome Forbidden
        else
            ValueNone
    | [], ValueNone when heard "SIP/2.0 430 " case sent && not sent.IsEmpty -> ValueSome Gone
    | [ (Hop.Flow flow, line) ], ValueSome wanted when
        case.Source = peer && flow = wanted && not (line.Contains "alias")
        ->
        ValueSome Reached
    | _, _ -> ValueNone

/// A request with a Route of ours that says where the flow ends, as Kamailio's Path does.
let private routed (received: string) =
    {
        Start = "INVITE sip:bob@x.invalid;transport=ws SIP/2.0"
        Fields =
            [
                "Via", "SIP/2.0/UDP 192.0.2.100:5060;branch=z9hG4bK-2"
                "Route", "<sip:edge.example.test:5060;lr;received=" + received + ">"
                "Max-Forwards", "70"
                "From", "<sip:trunk@example.net>;tag=a"
                "To", "<sip:bob@example.test>"
                "Call-ID", "2"
                "CSeq", "1 INVITE"
            ]
        Body = ""
    }
    |> Sheet.print
    |> Text.toBytes
    |> ReadOnlyMemory

let private byRoute (source: Flow) (received: string) : (Hop * string) list =
    let ledger = World.ledger ()

    ledger.Take(at 0L, Input.Opened(flow listeners[4] "192.0.2.10" 40000 1L))
    |> ignore

    Sends.texts (ledger.Take(at 1L, Input.Arrived(source, routed received)))
    |> List.map (fun (hop, text) -> hop, text.Split("\r\n")[0])
    |> List.filter (fun (_, line) -> not (line.StartsWith "SIP/2.0 100 "))

let private received =
    [
        for name in [ "192.0.2.10~40000~6"; "sip:192.0.2.10:40000%3Btransport%3Dws" ] do
            test
                $"a peer's Route of ours with received=%s{name} leads to the live flow that ends there" {
                let there = flow listeners[4] "192.0.2.10" 40000 1L

                Expect.equal
                    (byRoute peer name)
                    [ Hop.Flow there, "INVITE sip:bob@x.invalid;transport=ws SIP/2.0" ]
                    "the browser"
            }

        test "a received that names no live flow is 430 to a peer, and nothing is opened" {
            for name in [ "192.0.2.10~40001~6"; "sip:192.0.2.11:40000%3Btransport%3Dws" ] do
                match byRoute peer name with
                | [ hop, line ] when hop = Hop.Flow peer ->
                    Expect.stringStarts line "SIP/2.0 430 " name
                | other -> failtest $"%A{other}"
        }

        test "a stranger's received is not read" {
            let stranger = flow listeners.Head "203.0.113.9" 5060 0L

            for hop, line in byRoute stranger "192.0.2.10~40000~6" do
                Expect.equal hop (Hop.Flow stranger) "only the stranger hears"
                Expect.stringStarts line "SIP/2.0 4" "that it is refused"
        }
    ]

let all =
    testList
        "Aliases by far end"
        [
            Law.holdsMeeting
                [ Reached; Gone; Forbidden ]
                "only a peer is followed, only to the live flow that ends there, and none is opened"
                cases
                judged
            yield! received
        ]
