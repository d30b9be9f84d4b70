// ProofLaws: whose proof a connection holds, for whom and until when; and that a request which only looks like one
// within a dialog carries nobody's name but its sender's (RFC 3261 §22, §26.1.1, RFC 3262).

module Sip.Properties.World.ProofLaws

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Edge
open Sip.Identity
open Sip.Registrar
open Sip.Routing
open Sip.Properties

let private transports =
    [ Transport.Udp; Transport.Tcp; Transport.Tls; Transport.Ws; Transport.Wss ]

let private flow (transport: Transport) (number: int) : Flow =
    Ground.flow
        transport
        (int64 number)
        (Address.ofV4 (0xCB007100u + uint32 number))
        (41000 + number)

let private instance = "urn:uuid:00000000-0000-1000-8000-000000000001"

let private bindingOn (flow: Flow) : Binding =
    {
        Contact = NameAddr.ofUri (Uri.Sip(Uri.ofUser "q" (Host.Name "x.invalid")))
        CallId = "r"
        CSeq = 1u
        Expires = Instant.FromMilliseconds 36_000_000L
        Quality = 1000
        Flow = flow
        Path = []
        Instance = ValueSome instance
        RegId = ValueNone
    }

let private seat (user: string) (index: int) : Seat =
    {
        Index = index
        User = user
        Device =
            {
                User = 1
                Link = Link.Wss
                Manner = Manner.RingForever
            }
        SentBy = "x7.invalid"
        Contact = "sip:q1@x7.invalid;transport=ws"
    }

/// Where Bob is.
let private phone = flow Transport.Wss 5
let private trunk = World.trunk

/// Request-URIs that lead on within a dialog: along Bob's alias, to his instance, to the trunk by address and by name.
let private ways =
    [
        "sip:q@x.invalid;alias=" + Alias.mint Ground.mint phone
        "sip:bob@example.test;gr=" + instance
        "sip:+15551234@192.0.2.100:5060"
        "sip:+15551234@trunk.example.net"
    ]

/// A server of so many shards at which Bob is registered, and its time.
type private Scene(shards: int) =
    let ledger = Together(Ground.realm, Policy.standard, shards)
    let mutable now = 1000L
    let mutable number = 0
    let pens = System.Collections.Generic.Dictionary<string, Letters>()

    let pen (user: string) =
        match pens.TryGetValue user with
        | true, pen -> pen
        | false, _ ->
            pens[user] <- Letters(seat user pens.Count)
            pens[user]

    let take (input: Input) : (Hop * Sheet) list =
        [
            for effect in ledger.Take(Instant.FromMilliseconds now, input) do
                match effect with
                | Effect.Send(hop, bytes) -> hop, Sheet.read (Text.ofBytes bytes.Span)
                // It is asked where the trunk is: the request goes on.
                | Effect.Ask _ -> Hop.Flow trunk, Sheet.read "ASK x SIP/2.0\r\n\r\n"
                | Effect.Hand _
                | Effect.Tell _
                | Effect.Note _ -> ()
        ]

    do
        for user in Script.users do
            take (Input.Enrolled(Subscriber.enroll "example.test" user ("secret of " + user)))
            |> ignore

        take (Input.Opened phone) |> ignore
        take (Input.Restored("bob@example.test", bindingOn phone)) |> ignore

    member _.Open(flow: Flow) =
        if Flow.isConnection flow then
            take (Input.Opened flow) |> ignore

    /// So much later, whatever was due by then.
    member _.Pass(milliseconds: int64) =
        let until = now + milliseconds

        ledger.Pass(now, until) |> ignore
        now <- until

    member _.Now = now

    member _.Say (from: Flow) (sheet: Sheet) =
        take (Input.Arrived(from, ReadOnlyMemory(Text.toBytes (Sheet.print sheet))))

    /// A request that no other is like.
    member _.Request (method: string) (uri: string) (from: string) (dest: string) : Sheet =
        number <- number + 1

        {
            Start = String.concat " " [ method; uri; "SIP/2.0" ]
            Fields =
                [
                    "Via", "SIP/2.0/WSS x7.invalid;branch=z9hG4bK" + string number
                    "Max-Forwards", "70"
                    "From", $"<{from}>;tag=f"
                    "To", dest
                    "Call-ID", "c" + string number
                    "CSeq", string number + " " + method
                    "Contact", "<sip:q1@x7.invalid;transport=ws>"
                    "Content-Length", "0"
                ]
            Body = ""
        }

    /// What a request leads to: the statuses that its sender hears, and whether it went on.
    member this.Ask (from: Flow) (sheet: Sheet) : int list * bool =
        let sent = this.Say from sheet

        let heard =
            [
                for hop, sheet in sent do
                    if hop = Hop.Flow from && not (Sheet.isRequest sheet) then
                        Sheet.status sheet
            ]

        heard |> List.filter (fun status -> status >= 200),
        List.exists (fun (_, sheet) -> Sheet.isRequest sheet) sent

    /// A request, and once more with this user's password where that is asked for.
    member this.AskAs (user: string) (from: Flow) (sheet: Sheet) : int list * bool =
        let letters = pen user

        let asked =
            this.Say from sheet
            |> List.filter (fun (hop, _) -> hop = Hop.Flow from)
            |> List.tryPick (fun (_, answer) ->
                if
                    Sheet.isRequest answer
                    || Sheet.status answer <> 407 && Sheet.status answer <> 401
                then
                    None
                else
                    letters.Again(sheet, answer))

        match asked with
        | Some again -> this.Ask from again
        | None -> failtest $"no challenge to\n%s{Sheet.print sheet}"

    /// A user proves themselves on a flow, by asking for Bob.
    member this.Prove (user: string) (from: Flow) =
        this.Request
            "MESSAGE"
            "sip:bob@example.test"
            $"sip:{user}@example.test"
            "<sip:bob@example.test>"
        |> this.AskAs user from
        |> fun (_, went) -> Expect.isTrue went "it is proven"

let private within = "<sip:bob@example.test>;tag=guess"

let private methods =
    [ "INVITE"; "BYE"; "MESSAGE"; "INFO"; "UPDATE"; "REFER"; "NOTIFY"; "NOVEL" ]

let private cases =
    gen {
        let! shards = Gen.choose (1, 3)
        let! transport = Gen.elements transports
        let! method = Gen.elements methods
        let! way = Gen.elements ways
        return shards, transport, method, way
    }

let private own =
    Law.holds
        "a request within a dialog goes on unasked in the name of who has proven to be its sender on that connection"
        (Arb.fromGen cases)
    <| fun (shards, transport, method, way) ->
        let scene = Scene shards
        let from = flow transport 9
        scene.Open from
        scene.Prove "alice" from

        let mine =
            [
                "sip:alice@example.test"
                "sips:%61lice@example.test:5061;x=y"
                "sip:alice@edge.example.test"
                "sip:anonymous@anonymous.invalid"
            ]
            |> List.forall (fun name ->
                let heard, went = scene.Ask from (scene.Request method way name within)
                // A datagram proves nothing to a trunk.
                if
                    transport = Transport.Udp && not (way.Contains "bob" || way.Contains "alias")
                then
                    heard = [ 407 ]
                else
                    heard = [] && (went || way.Contains "example.net"))

        mine

let private registered =
    Law.holds
        "whoever is registered on a flow, in an earlier run of the process perhaps, speaks for themselves on it and for nobody else"
        (Arb.fromGen (Gen.zip cases (Gen.elements [ "bob"; "b%6Fb"; "carol" ])))
    <| fun ((shards, _, method, _), name) ->
        let scene = Scene shards

        let heard, went =
            scene.Ask phone (scene.Request method ways.Head $"sip:{name}@example.test" within)

        if name = "carol" then
            heard = [ 407 ] && not went
        else
            heard = [] && went

let private others =
    Law.holds
        "a connection that one user has proven speaks for no other: whoever claims to be another is asked again, and refused who is not"
        (Arb.fromGen (
            Gen.zip
                cases
                (Gen.elements
                    [
                        "sip:carol@example.test"
                        "sip:bob@example.test"
                        "sip:ALICE@example.test"
                        "sip:nobody@edge.example.test"
                    ])
        ))
    <| fun ((shards, transport, method, way), name) ->
        let scene = Scene shards
        let from = flow transport 9
        scene.Open from
        scene.Prove "alice" from
        let first = scene.Ask from (scene.Request method way name within)
        let again = scene.AskAs "alice" from (scene.Request method way name within)
        first = ([ 407 ], false) && again = ([ 403 ], false)

let private unseen =
    Law.holds
        "a request within a dialog that we did not see carries nobody's name to a user, whatever its To tag, but that of a sender who was proven"
        (Arb.fromGen (
            Gen.zip
                cases
                (Gen.elements
                    [
                        "sip:alice@example.test"
                        "sip:carol@example.test"
                        "sip:boss@elsewhere.example"
                        "tel:+15551234"
                        "sip:anonymous@anonymous.invalid"
                    ])
        ))
    <| fun ((shards, transport, method, way), name) ->
        let scene = Scene shards
        let stranger = flow transport 9
        scene.Open stranger
        let heard, went = scene.Ask stranger (scene.Request method way name within)
        let isForPeer = not (way.Contains "bob" || way.Contains "alias")
        let proven = scene.AskAs "alice" stranger (scene.Request method way name within)

        let mayGo =
            name.Contains "alice"
            || name.Contains "anonymous"
            || (isForPeer && not (name.Contains "carol"))

        heard = [ 407 ]
        && not went
        && snd proven = mayGo
        && (mayGo || fst proven = [ 403 ])

let private byPeer =
    Law.holds "what a peer sends within a dialog goes on, whatever its From" (Arb.fromGen cases)
    <| fun (shards, _, method, way) ->
        let scene = Scene shards

        scene.Request method way "sip:+15551234@elsewhere.example" within
        |> scene.Ask trunk
        |> snd

/// A temporary login of Alice's that counts so long.
let private loginOf (scene: Scene) (seconds: int) : Login =
    let now = Realm.unixTime Ground.realm (Instant.FromMilliseconds scene.Now)
    let key = TemporaryKey.Of Ground.realm.Secret
    let login = Temporary.issue key "example.test" "alice" (now + int64 seconds * 1L<s>)

    {
        Username = login.Name
        Ha1 = Ha1.ofPassword Algorithm.Md5 "example.test" login.Name login.Password
    }

/// A request, asked with the login that its challenge wants.
let private sayAs (scene: Scene) (login: Login) (from: Flow) (sheet: Sheet) : (Hop * Sheet) list =
    let challenge =
        scene.Say from sheet
        |> List.filter (fun (hop, _) -> hop = Hop.Flow from)
        |> List.exactlyOne
        |> snd

    let proof =
        (Challenged.answer login (Sheet.method sheet) (Sheet.target sheet) "c" challenge).Value

    let again =
        sheet.Fields
        |> List.map (fun (name, value) -> name, (if name = "Via" then value + "again" else value))

    scene.Say from { sheet with Fields = proof :: again }

let private ends =
    Law.holds
        "a proof ends with the login that gave it, and after an hour in any case"
        (Arb.fromGen (Gen.zip cases (Gen.choose (60, 7200))))
    <| fun ((shards, transport, method, _), seconds) ->
        let scene = Scene shards
        let from = flow transport 9
        scene.Open from

        let proven =
            scene.Request
                "MESSAGE"
                "sip:bob@example.test"
                "sip:alice@example.test"
                "<sip:bob@example.test>"
            |> sayAs scene (loginOf scene seconds) from

        let ask () =
            scene.Ask from (scene.Request method ways.Head "sip:alice@example.test" within)

        let good = min (int64 seconds) 3600L
        scene.Pass(good * 1000L - 2000L)
        let before = ask ()
        scene.Pass 3000L

        List.exists (fun (_, sheet) -> Sheet.isRequest sheet) proven
        && before = ([], true)
        && ask () = ([ 407 ], false)

let private bound =
    Law.holds
        "what is registered with a login that ends is bound no longer than the login"
        (Arb.fromGen (Gen.zip (Gen.elements transports) (Gen.choose (1, 3599))))
    <| fun (transport, seconds) ->
        let scene = Scene 1
        let from = flow transport 9
        scene.Open from

        let asked =
            scene.Request
                "REGISTER"
                "sip:example.test"
                "sip:alice@example.test"
                "<sip:alice@example.test>"

        let answer =
            { asked with
                Fields = ("Expires", "3600") :: asked.Fields
            }
            |> sayAs scene (loginOf scene seconds) from
            |> List.exactlyOne
            |> snd

        let reached () =
            scene.Request
                "MESSAGE"
                "sip:alice@example.test"
                "sip:x@elsewhere.example"
                "<sip:alice@example.test>"
            |> scene.Ask trunk
            |> snd

        let before = reached ()
        scene.Pass(int64 seconds * 1000L)

        Sheet.parameter "expires" (Sheet.first "Contact" answer) = string seconds
        && before
        && not (reached ())

let private unchallenged =
    Law.holds
        "CANCEL, ACK and PRACK are never challenged, and a PRACK goes on within a dialog only, in the name of a sender who was proven"
        (Arb.fromGen (
            gen {
                let! shards, transport, _, way = cases

                let! uri =
                    Gen.elements
                        [ way; "sip:bob@example.test"; "sip:example.test"; "sip:x@203.0.113.77" ]

                let! method = Gen.elements [ "CANCEL"; "ACK"; "PRACK" ]
                let! dest = Gen.elements [ within; "<sip:bob@example.test>" ]
                let! name = Gen.elements [ "alice"; "carol"; "bob" ]
                let! proven = Gen.elements [ true; false ]
                return shards, transport, method, uri, dest, name, proven
            }
        ))
    <| fun (shards, transport, method, uri, dest, name, proven) ->
        let scene = Scene shards
        let from = flow transport 9
        scene.Open from

        if proven then
            scene.Prove "alice" from

        let heard, went =
            scene.Ask from (scene.Request method uri $"sip:{name}@example.test" dest)

        let isAsked = heard |> List.exists (fun status -> status = 401 || status = 407)
        let isEntitled = proven && name = "alice" && dest = within

        not isAsked
        && match method with
           | "PRACK" -> went = (isEntitled && List.contains uri ways)
           | "CANCEL" -> not went && heard = [ 481 ]
           | _ -> heard = []

/// Every law.
let all: Test =
    testList
        "Proofs (RFC 3261 22, 26.1.1)"
        [ own; registered; others; unseen; byPeer; ends; bound; unchallenged ]
