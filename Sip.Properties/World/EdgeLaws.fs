// EdgeLaws: the server in front of somebody else's registrar: registrations go there with a way back, calls
// come from there down the client's flow, and names are looked up without anybody waiting for it.

module Sip.Properties.World.EdgeLaws

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

let private at milliseconds = Instant.FromMilliseconds milliseconds
let private v4 number = Address.ofV4 number

/// 192.0.2.50, which the realm's listeners reach, and two more.
let private places = [ v4 0xC0000232u; v4 0xC0000233u; v4 0xC0000234u ]

let private server (text: string) : SipUri =
    match Wire.Lexical.read Wire.GrammarUri.uri text with
    | Ok(Uri.Sip uri) -> uri
    | other -> failtest $"%A{other}"

let private realm (back: WayBack) (servers: string list) : Realm =
    { RoutingLaws.realm with
        Home =
            ValueSome
                {
                    Servers = List.map server servers
                    Back = back
                }
        Barred = [ (Cidr.tryRead "10.0.0.0/8").Value ]
    }

let private byPath = WayBack.ByPath PathWish.WhereSupported
let private here = "sip:192.0.2.50:5060"

let private flow (transport: Transport) (number: int64) (address: Address) port : Flow =
    let listener =
        RoutingLaws.realm.Listeners |> Array.find (fun one -> one.Transport = transport)

    {
        Listener = listener.Id
        Transport = transport
        Connection = if transport = Transport.Udp then 0L else number
        Remote = { Address = address; Port = port }
    }

let private browser number =
    flow Transport.Wss number (v4 0xCB007107u) (40000 + int number)

let private home = flow Transport.Udp 0L places.Head 5060

/// A server, its time, and what it has asked and sent.
type private Edge(realm: Realm, shards: int) =
    let ledger = Together(realm, Policy.standard, shards)
    let mutable now = 1000L
    let asked = List<Question>()

    let take input : (Hop * Sheet) list =
        [
            for effect in ledger.Take(at now, input) do
                match effect with
                | Effect.Send(hop, bytes) -> hop, Sheet.read (Text.ofBytes bytes.Span)
                | Effect.Ask question -> asked.Add question
                | Effect.Hand _
                | Effect.Tell _
                | Effect.Note _ -> ()
        ]

    member _.Take input = take input

    member _.Says (from: Flow) (sheet: Sheet) =
        take (Input.Arrived(from, ReadOnlyMemory(Text.toBytes (Sheet.print sheet))))

    member _.Opens flow = take (Input.Opened flow) |> ignore

    /// Every question that is open is answered from a table.
    member _.Answers(table: Question -> Answer) =
        [
            while asked.Count > 0 do
                let question = asked[0]
                asked.RemoveAll(fun one -> one = question) |> ignore
                yield! take (Input.Answered(question, table question, 60L<s>))
        ]

    member _.Asked = List.ofSeq asked

    /// So much later, and all that is due by then.
    member _.Passes(milliseconds: int64) =
        let until = now + milliseconds

        [
            while ledger.Wake.Milliseconds <= until do
                now <- max now ledger.Wake.Milliseconds
                yield! take Input.Tick

            now <- until
        ]

    member _.Held = ledger.Held

let private request method uri (more: (string * string) list) : Sheet =
    {
        Start = String.concat " " [ method; uri; "SIP/2.0" ]
        Fields =
            [
                "Via", "SIP/2.0/WSS x7.invalid;branch=z9hG4bK-" + method
                "Max-Forwards", "70"
                "From", "<sip:alice@example.test>;tag=a"
                "Call-ID", "c-" + method
                "CSeq", "1 " + method
            ]
            @ more
            @ [ "Content-Length", "0" ]
        Body = ""
    }

let private contact = "<sip:q1@x7.invalid;transport=ws>"

let private register =
    request
        "REGISTER"
        "sip:example.test"
        [
            "To", "<sip:alice@example.test>"
            "Contact", contact + ";reg-id=1;+sip.instance=\"<urn:uuid:1>\""
            "Supported", "path, outbound"
        ]

let private invite =
    request "INVITE" "sip:bob@example.test" [ "To", "<sip:bob@example.test>"; "Contact", contact ]

let private one (sent: (Hop * Sheet) list) : Hop * Sheet =
    match
        sent
        |> List.filter (fun (_, sheet) -> not (sheet.Start.StartsWith "SIP/2.0 100"))
    with
    | [ only ] -> only
    | other -> failtest $"not one message: %A{other}"

let private answered status (more: (string * string) list) (asked: Sheet) =
    Sheet.respond status "h" more asked

/// An edge to which a browser has just registered at the registrar behind it.
let private registered shards back servers =
    let edge = Edge(realm back servers, shards)
    let browser = browser 1L
    edge.Opens browser
    let hop, asked = one (edge.Says browser register)
    edge, browser, hop, asked

let private accepted (edge: Edge) (asked: Sheet) =
    answered 200 [ "Contact", Sheet.first "Contact" asked + ";expires=600" ] asked
    |> edge.Says home
    |> one

let private passing shards =
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

            let _, refused = one (edge.Says (flow Transport.Udp 0L places[1] 5060) forged)

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

let private asserting shards =
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

let private dial address port : Hop =
    match Realm.datagram RoutingLaws.realm { Address = address; Port = port } with
    | ValueSome flow -> Hop.Flow flow
    | ValueNone -> failtest "no listener"

let private zone (servers: Address list) (question: Question) : Answer =
    match question with
    | Question.Srv "_sip._udp.registrar.example" ->
        servers
        |> List.mapi (fun i _ ->
            {
                Priority = i
                Weight = 1
                Port = 5070 + i
                Target = "s" + string i + ".example"
            })
        |> Answer.Srv
    | Question.A name when name.StartsWith "s" && name.EndsWith ".example" ->
        Answer.Addresses [ servers[int (name.Substring(1, 1))] ]
    | Question.Naptr _
    | Question.Srv _
    | Question.A _
    | Question.Aaaa _ -> Answer.NoSuchName

/// An edge whose registrar has a name, and a browser's INVITE that waits for it.
let private waiting shards servers =
    let edge = Edge(realm byPath servers, shards)
    let browser = browser 1L
    edge.Opens browser
    let trying = edge.Says browser invite
    edge, browser, trying

let private named = [ "sip:registrar.example" ]

let private locating shards =
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
            let first' = flow Transport.Udp 0L places.Head 5070

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
                edge.Says (flow Transport.Udp 0L places.Head 5070) (answered 404 [] first)
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
            let from = flow Transport.Udp 0L places.Head 5070
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
            let from = flow Transport.Udp 0L places.Head 5070
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

let private asked (sent: (Hop * Sheet) list) =
    sent
    |> List.filter (fun (_, sheet) -> Sheet.isRequest sheet && Sheet.method sheet = "OPTIONS")

/// What the servers that answer say to all that comes within so long.
let private tended (edge: Edge) (answering: Address list) (milliseconds: int64) =
    for _ in 1L .. milliseconds / 100L do
        for hop, sheet in asked (edge.Passes 100L) do
            match hop with
            | Hop.Flow flow when List.contains flow.Remote.Address answering ->
                edge.Says flow (answered 200 [] sheet) |> ignore
            | Hop.Flow _
            | Hop.Dial _ -> ()

let private tending shards =
    [
        test "a server behind us is asked whether it answers, every half minute" {
            let edge, _, _ = waiting shards [ here ]
            let first = asked (edge.Passes 1L)
            Expect.equal (List.map fst first) [ Hop.Flow home ] "at once"
            edge.Says home (answered 200 [] (snd first.Head)) |> ignore
            Expect.equal (asked (edge.Passes 29_000L)) [] "not again"
            Expect.equal (List.map fst (asked (edge.Passes 1_100L))) [ Hop.Flow home ] "again"
        }

        test "who does not answer is tried last, until it answers again" {
            let edge, browser, _ = waiting shards named
            edge.Answers(zone places) |> ignore
            tended edge places.Tail 10_000L

            let next number =
                edge.Says
                    browser
                    { invite with
                        Fields =
                            ("Via", $"SIP/2.0/WSS x7.invalid;branch=z9hG4bK-n%d{number}")
                            :: List.tail invite.Fields
                    }
                |> one
                |> fst

            Expect.equal (next 1) (dial places[1] 5071) "the first is silent"
            tended edge places 10_000L
            Expect.equal (next 2) (dial places.Head 5070) "the first again"
        }

        test "a response from elsewhere keeps no server alive" {
            let edge, browser, _ = waiting shards named
            edge.Answers(zone places) |> ignore

            for hop, sheet in asked (edge.Passes 1L) do
                if hop = dial places.Head 5070 then
                    edge.Says (flow Transport.Udp 0L (v4 0xCB007109u) 5070) (answered 200 [] sheet)
                    |> ignore

            tended edge places.Tail 10_000L

            let again =
                { invite with
                    Fields =
                        ("Via", "SIP/2.0/WSS x7.invalid;branch=z9hG4bK-2") :: invite.Fields.Tail
                }

            let hop, _ = one (edge.Says browser again)
            Expect.equal hop (dial places[1] 5071) "the first is silent"
        }
    ]

let private events =
    Gen.listOf (
        Gen.zip
            (Gen.choose (0, 9000))
            (Gen.elements
                [
                    PulseEvent.Tick
                    PulseEvent.Tick
                    PulseEvent.Unsendable
                    PulseEvent.Failed
                    PulseEvent.Answered
                        {
                            Status = Status.ok
                            Bytes = ReadOnlyMemory.Empty
                        }
                    PulseEvent.Answered
                        {
                            Status = Status.serviceUnavailable
                            Bytes = ReadOnlyMemory.Empty
                        }
                ])
    )
    |> Arb.fromGen

let private pulse =
    Law.holds
        "whatever happens a server is asked again within half a minute, and only its answer makes it alive"
        events
    <| fun events ->
        let step (now, pulse, fine) (pause, event) =
            let now = now + int64 pause

            let struct (next, _) =
                Pulse.step Timing.usual Delivery.Unreliable (at now) event pulse

            let isAnswer =
                match event with
                | PulseEvent.Answered response -> response.Status = Status.ok
                | PulseEvent.Tick
                | PulseEvent.Unsendable
                | PulseEvent.Failed -> false

            let revived =
                Pulse.condition pulse = Condition.Silent
                && Pulse.condition next = Condition.Alive

            now,
            next,
            fine
            && (Pulse.wake next).Milliseconds <= now + 30_000L
            && (isAnswer || not revived)

        let _, _, fine = List.fold step (1000L, Pulse.fresh (at 1000L), true) events
        fine

/// The cuts and floods that may come while names are looked up.
let private scripts =
    Gen.listOf (
        Gen.frequency
            [
                4, Gen.map (fun n -> "ask " + string n) (Gen.choose (1, 20))
                2, Gen.map (fun n -> "cut " + string n) (Gen.choose (1, 3))
                2, Gen.constant "answer"
                1, Gen.constant "fail"
                2, Gen.map (fun n -> "wait " + string (100 * n)) (Gen.choose (1, 9))
            ]
    )

let private total =
    Law.holds
        "whatever happens meanwhile, nothing that waited is left in the end"
        (Arb.fromGen (Gen.zip (Gen.choose (1, 3)) scripts))
    <| fun (shards, script) ->
        let edge = Edge(realm byPath named, shards)
        let live = HashSet<int64>()

        let connect number =
            if live.Add number then
                edge.Opens(browser number)

        for deed in script do
            let number = Int64.Parse((deed + " 0").Split(' ')[1])

            match deed.Split(' ')[0] with
            | "ask" ->
                connect (number % 3L + 1L)

                let sheet =
                    { invite with
                        Fields =
                            ("Via", $"SIP/2.0/WSS x7.invalid;branch=z9hG4bK-%d{number}")
                            :: List.tail invite.Fields
                    }

                edge.Says (browser (number % 3L + 1L)) sheet |> ignore
            | "cut" when live.Remove number -> edge.Take(Input.Closed(browser number)) |> ignore
            | "answer" -> edge.Answers(zone places) |> ignore
            | "fail" -> edge.Answers(fun _ -> Answer.Failed) |> ignore
            | "wait" -> edge.Passes number |> ignore
            | _ -> ()

        edge.Passes 400_000L |> ignore

        for number in live do
            edge.Take(Input.Closed(browser number)) |> ignore

        edge.Held = 0

let private examples shards =
    passing shards @ asserting shards @ locating shards @ tending shards

/// Every law and example.
let all: Test =
    testList
        "Edge in front of a registrar"
        [
            yield! examples 1
            for shards in 2..3 do
                testList (String.Concat("of ", string shards, " shards")) (examples shards)
            pulse
            total
        ]
