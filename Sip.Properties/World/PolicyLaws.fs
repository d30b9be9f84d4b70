// PolicyLaws: who may do what at a server that is open to the internet: without a proof nothing goes on, whatever
// the method, the transport and the place named; a called party asks nobody for a password; and what has a source
// that may be made up gets no more than it sent.

module Sip.Properties.World.PolicyLaws

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

let private flow (transport: Transport) (address: uint32) (port: int) : Flow =
    Ground.flow transport (int64 port) (Address.ofV4 address) port

let private trunk = flow Transport.Udp 0xC0000264u 5060
let private phone = flow Transport.Udp 0xCB007105u 5062

let private transports =
    [ Transport.Udp; Transport.Tcp; Transport.Tls; Transport.Ws; Transport.Wss ]

let private strangers =
    transports
    |> List.mapi (fun i transport -> flow transport 0xCB0071F0u (41000 + i))

let private binding (contact: SipUri) (on: Flow) (quality: int) : Binding =
    {
        Contact = NameAddr.ofUri (Uri.Sip contact)
        CallId = "r" + string quality
        CSeq = 1u
        Expires = at 3_600_000L
        Quality = quality
        Flow = on
        Path = []
        Instance = ValueNone
        RegId = ValueNone
    }

let private ledgerOf (realm: Realm) (bindings: (string * Binding) list) : Ledger =
    let ledger = Ledger(realm, Timing.usual, Policy.standard)

    for stranger in strangers do
        if Flow.isConnection stranger then
            ledger.Take(at 0L, Input.Opened stranger) |> ignore

    for aor, binding in bindings do
        ledger.Take(at 0L, Input.Restored(aor, binding)) |> ignore

    ledger

let private ledgerWith = ledgerOf Ground.realm

let private bob =
    [
        "bob@example.test", binding (Uri.ofUser "q" (Host.Name "x.invalid")) phone 1000
    ]

let private ledger () = ledgerWith bob

/// Where users may be called by anybody.
let private welcoming () =
    ledgerOf
        { Ground.realm with
            Inbound = Inbound.Anybody
        }
        bob

let private take (ledger: Ledger) (time: int64) (from: Flow) (text: string) : Effect list =
    List.ofSeq (ledger.Take(at time, Input.Arrived(from, ReadOnlyMemory(Text.toBytes text))))

let private text method uri (number: int) dest (more: string list) =
    String.Join(
        "\r\n",
        [
            String.concat " " [ method; uri; "SIP/2.0" ]
            "Via: SIP/2.0/UDP 203.0.113.240:41000;branch=z9hG4bK" + string number
            "Max-Forwards: 70"
            "From: <sip:alice@example.test>;tag=i"
            "To: <sip:bob@example.test>" + dest
            "Call-ID: " + string number
            "CSeq: 1 " + method
            "Contact: <sip:evil@203.0.113.240:41000>"
        ]
        @ more
        @ [ "Content-Length: 0"; ""; "" ]
    )

/// The same from somebody who is no user of ours and does not say so.
let private foreign (message: string) =
    message.Replace("<sip:alice@example.test>", "<sip:eve@elsewhere.example>")

let private methods =
    [
        "INVITE"
        "ACK"
        "BYE"
        "CANCEL"
        "OPTIONS"
        "REGISTER"
        "PRACK"
        "SUBSCRIBE"
        "NOTIFY"
        "PUBLISH"
        "INFO"
        "REFER"
        "MESSAGE"
        "UPDATE"
    ]
    @ List.init 200 (fun number -> "NOVEL-" + string number)

/// A Request-URI and the Routes, of every kind that leads somewhere.
let private ways =
    [
        "sip:bob@example.test", []
        "sip:bob@example.test;maddr=192.0.2.9", []
        "sip:bob@example.test;alias=AAAA", []
        "sip:bob@example.test;alias=203.0.113.5~5062~1", []
        "sip:+15551234@trunk.example.net", []
        "sip:+15551234@192.0.2.100:5060", []
        "sip:x@203.0.113.77", []
        "sip:x@203.0.113.77;transport=tcp", []
        "sip:x@elsewhere.example", []
        "sip:x@127.0.0.1:9", []
        "sip:x@[::1]:5060", []
        "sip:x@[::ffff:127.0.0.1]:9", []
        "sip:x@0.0.0.0", []
        "sip:q@x.invalid;transport=ws", []
        "sips:bob@example.test", []
        "sip:bob@example.test", [ "Route: <sip:203.0.113.77;lr>" ]
        "sip:bob@example.test", [ "Route: <sip:192.0.2.100:5060;lr>" ]
        "sip:bob@example.test", [ "Route: <sip:elsewhere.example;lr>" ]
        "sip:bob@example.test", [ "Route: <sip:AAAA@edge.example.test:5060;lr;ob>" ]
        "sip:bob@elsewhere.example", [ "Route: <sip:edge.example.test:5060;lr>" ]
    ]

/// An ACK to a configured trunk cannot be challenged and is let through where no connection tells who sends it.
let private isExempt method dest (from: Flow) (uri: string, routes: string list) =
    let leadsToTrunk =
        uri.Contains "trunk.example.net"
        || uri.Contains "192.0.2.100"
        || List.exists (fun (route: string) -> route.Contains "192.0.2.100") routes

    method = "ACK" && dest <> "" && from.Transport = Transport.Udp && leadsToTrunk

let private relayed (from: Flow) (effects: Effect list) =
    effects
    |> List.exists (fun effect ->
        match effect with
        | Effect.Send(Hop.Flow there, bytes) ->
            there <> from || not (bytes.Span.StartsWith "SIP/2.0 "B)
        | Effect.Send(Hop.Dial _, _)
        | Effect.Ask _ -> true
        | Effect.Hand _
        | Effect.Tell _
        | Effect.Note _ -> false)

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

            Expect.equal (ledger.Take(at 100_000L, Input.Tick).Count) 0 "nothing comes later"
            Expect.equal ledger.Pending 0 "nothing is under way"

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

let private sheetsTo (flow: Flow) (effects: Effect list) =
    Sends.texts effects
    |> List.filter (fun (hop, _) -> hop = Hop.Flow flow)
    |> List.map (snd >> Sheet.read)

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
            ledger.Take(at 0L, Input.Enrolled one) |> ignore
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
            ledger.Take(at 0L, Input.Opened other) |> ignore
            ledger

        for method, most in [ "INVITE", 64; "MESSAGE", 250 ] do
            let ledger = opened ()
            let all = statuses ledger method caller (most + 1) 1
            let went = List.truncate most all
            Expect.isFalse (List.contains (Some 503) went) "so many"
            Expect.equal (List.last all) (Some 503) "and no more"
            let others = statuses ledger method other 1 1000
            Expect.isFalse (List.contains (Some 503) others) "somebody else of the same name"

let private challenged =
    testCase "a challenge from whoever was called reaches no caller: 403 goes back, without a realm"
    <| fun () ->
        for status, header in [ 401, "WWW-Authenticate"; 407, "Proxy-Authenticate" ] do
            for method in [ "INVITE"; "BYE"; "MESSAGE"; "NOVEL" ] do
                let ledger = ledger ()
                let message = text method "sip:bob@example.test" 1 "" []
                let asked = Sends.texts (take ledger 1L trunk message)

                let called =
                    asked |> List.find (fun (hop, _) -> hop = Hop.Flow phone) |> snd |> Sheet.read

                let leak = [ header, "Digest realm=\"example.test\", nonce=\"1\", qop=\"auth\"" ]
                let answer = Sheet.print (Sheet.respond status "b" leak called)

                let told =
                    Sends.texts (take ledger 2L phone answer)
                    |> List.filter (fun (hop, _) -> hop = Hop.Flow trunk)
                    |> List.map (snd >> Sheet.read)

                Expect.equal (List.map Sheet.status told) [ 403 ] method
                Expect.equal (Sheet.all header told.Head) [] "nothing to answer"

let private sizes =
    gen {
        let! method =
            Gen.elements
                [ "INVITE"; "OPTIONS"; "REGISTER"; "MESSAGE"; "NOVEL"; "CANCEL"; "ACK"; "BYE" ]

        let! uri =
            Gen.elements
                [
                    "sip:bob@example.test"
                    "sip:example.test"
                    "sip:nobody@example.test"
                    "sip:x@203.0.113.77"
                    "tel:1"
                    "sip:bob@example.test;alias=AAAA"
                ]

        let! padding = Gen.choose (0, 900)

        let! more =
            Gen.elements
                [
                    []
                    [ "Require: a" ]
                    [ "Proxy-Require: a" ]
                    [ "CSeq: x" ]
                    [ "Authorization: Digest username=\"bob\"" ]
                    [ "Proxy-Authorization: Digest username=\"bob\"" ]
                ]

        let! port = Gen.choose (1024, 65535)
        return method, uri, padding, more, port
    }

let private reflected =
    let mutable number = 0

    Law.holds
        "a datagram from a source that proves nothing is answered once at most, with at most half as many bytes again, and never again later"
        (Arb.fromGen sizes)
    <| fun (method, uri, padding, more, port) ->
        number <- number + 1
        let ledger = ledger ()
        let victim = flow Transport.Udp 0xCB00714Du port

        let message =
            text method uri number "" (("Subject: " + String('s', padding)) :: more)

        let out =
            [
                for time in [ 1L; 500L ] do
                    yield! Sends.texts (take ledger time victim message)
                yield! Sends.texts (ledger.Take(at 100_000L, Input.Tick))
            ]

        let isShort (_, answer: string) =
            (answer.Length + 28) * 2 <= (message.Length + 28) * 3

        out.Length <= 2
        && List.forall isShort out
        && List.forall (fun (hop, _) -> hop = Hop.Flow victim) out

let private audible =
    testCase
        "a REGISTER as phones write it is challenged, not passed over, from a source that proves nothing"
    <| fun () ->
        let message =
            text
                "REGISTER"
                "sip:example.test"
                1
                ""
                [
                    "User-Agent: Some Phone 1.0"
                    "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, NOTIFY, REFER, MESSAGE"
                    "Supported: path, outbound, gruu"
                    "Expires: 3600"
                ]

        let sent =
            Sends.texts (take (ledger ()) 1L (flow Transport.Udp 0xCB00714Du 5060) message)

        let answer = sent |> List.exactlyOne |> snd |> Sheet.read
        Expect.equal (Sheet.status answer) 401 "asked"
        Expect.isNonEmpty (Sheet.all "WWW-Authenticate" answer) "for a password"

/// A server that sends what it gets back to us, and answers back along the Vias.
let private echo (number: int) (got: Sheet) : Sheet option =
    if Sheet.isRequest got then
        if Sheet.method got = "INVITE" then
            let via = "SIP/2.0/UDP 192.0.2.100:5060;branch=z9hG4bKecho" + string number

            Some
                { got with
                    Fields = ("Via", via) :: got.Fields
                }
        else
            None
    elif Sheet.status got < 200 then
        None
    else
        let at = got.Fields |> List.findIndex (fun (name, _) -> name = "Via")

        Some
            { got with
                Fields = List.removeAt at got.Fields
            }

/// The INVITEs that we send for one to bob that comes; each user is bound to these others at that server, with these
/// qualities.
let private circulated (bound: (string * (string * int) list) list) : int =
    let bindings =
        [
            for user, others in bound do
                for other, quality in others do
                    user + "@example.test",
                    binding (Uri.ofUser other (Host.Name "example.test")) trunk quality
        ]

    let ledger = ledgerWith bindings
    let waiting = Queue<Sheet>()
    let mutable invites = 0
    let mutable rounds = 0

    let say (sheet: Sheet) =
        for hop, sent in Sends.texts (take ledger 1L trunk (Sheet.print sheet)) do
            let sent = Sheet.read sent

            if hop = Hop.Flow trunk then
                if Sheet.isRequest sent && Sheet.method sent = "INVITE" then
                    invites <- invites + 1

                rounds <- rounds + 1
                Option.iter waiting.Enqueue (echo rounds sent)

    let first = text "INVITE" "sip:bob@example.test" 1 "" []

    say (Sheet.read first)

    while waiting.Count > 0 && invites <= 10_000 do
        say (waiting.Dequeue())

    invites

/// Each of so many users bound to all of them, in any order and with any qualities.
let private circles =
    gen {
        let! count = Gen.choose (2, 10)
        let users = "bob" :: List.init (count - 1) (fun i -> "u" + string i)
        let! kinds = Gen.choose (1, 10)

        let others =
            gen {
                let! others = Gen.shuffle users
                let! qualities = Gen.listOfLength count (Gen.choose (1, kinds))
                return List.zip (List.ofArray others) qualities
            }

        let! all = Gen.listOfLength count others
        return List.zip users all
    }

let private loops =
    Law.holds
        "two to ten users who are bound to each other through another server make at most 130 INVITEs of one"
        (Arb.fromGen circles)
    <| fun bound -> circulated bound <= 130

let private forks =
    testCase "users who are bound to each other in circles are forked to before that is seen"
    <| fun () ->
        Expect.isGreaterThan
            (circulated [ for user in [ "bob"; "ann" ] -> user, [ "bob", 1000; "ann", 1000 ] ])
            1
            "more than one"

let private seat (user: string) (index: int) : Seat =
    {
        Index = index
        User = user
        Device =
            {
                User = index
                Link = Link.Udp
                Manner = Manner.RingForever
            }
        SentBy = "203.0.113.5:5062"
        Contact = "sip:q@203.0.113.5:5062"
    }

let private stops =
    testCase "who begins more towards a trunk than the meters allow gets 403, and nobody else does"
    <| fun () ->
        let ledger = ledger ()

        for user in [ "alice"; "carol" ] do
            ledger.Take(
                at 0L,
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
        let alice = Letters(seat "alice" 1)

        let went sent =
            List.exists (fun (hop, _) -> hop = Hop.Flow trunk) sent

        for number in 1..20 do
            Expect.isTrue (went (call alice abroad number)) "a person's"

        let sent = call alice abroad 21
        Expect.isFalse (went sent) "one too many"
        Expect.equal (sent |> List.map (snd >> Sheet.read >> Sheet.status)) [ 403 ] "and told so"
        Expect.isTrue (went (call (Letters(seat "carol" 2)) abroad 22)) "another user"

        Expect.isTrue
            (call alice "sip:bob@example.test" 23
             |> List.exists (fun (hop, _) -> hop = Hop.Flow phone))
            "another kind of destination"

/// Every law.
let all: Test =
    testList
        "Policy (RFC 3261 22, 26)"
        [
            unproven
            welcome
            wholeCall
            untold
            counted
            challenged
            reflected
            audible
            loops
            forks
            stops
        ]
