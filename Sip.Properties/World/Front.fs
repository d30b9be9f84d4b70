// Front: a server in front of somebody else's registrar, the registrar and a browser, for the laws about that.

module Sip.Properties.World.Front

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

/// An IPv4 address.
let v4 number = Address.ofV4 number

/// 192.0.2.50, which the realm's listeners reach, and two more.
let places = [ v4 0xC0000232u; v4 0xC0000233u; v4 0xC0000234u ]

/// A server's URI.
let server (text: string) : SipUri =
    match Wire.Lexical.read Wire.GrammarUri.uri text with
    | Ok(Uri.Sip uri) -> uri
    | other -> failtest $"%A{other}"

/// The realm of an edge.
let realm (back: WayBack) (servers: string list) : Realm =
    { Ground.realm with
        Home =
            ValueSome
                {
                    Servers = List.map server servers
                    Back = back
                }
        Barred = [ (Cidr.tryRead "10.0.0.0/8").Value ]
    }

/// The registrar knows Path.
let byPath = WayBack.ByPath PathWish.WhereSupported
/// Where the registrar is.
let here = "sip:192.0.2.50:5060"

/// A browser's flow.
let browser number =
    Ground.flow Transport.Wss number (v4 0xCB007107u) (40000 + int number)

/// The registrar's flow.
let home = Ground.flow Transport.Udp 0L places.Head 5060

/// A server, its time, and what it has asked and sent.
type Edge(realm: Realm, shards: int) =
    let ledger = Together(realm, Policy.standard, shards)
    let mutable now = 1000L
    let asked = List<Question>()

    let take input : (Hop * Sheet) list =
        [
            for effect in ledger.Take(Ground.at now, input) do
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

    member _.Now = now
    member _.Held = ledger.Held

/// A browser's request.
let request method uri (more: (string * string) list) : Sheet =
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

/// What a browser calls itself.
let contact = "<sip:q1@x7.invalid;transport=ws>"

/// Its REGISTER.
let register =
    request
        "REGISTER"
        "sip:example.test"
        [
            "To", "<sip:alice@example.test>"
            "Contact", contact + ";reg-id=1;+sip.instance=\"<urn:uuid:1>\""
            "Supported", "path, outbound"
        ]

/// Its INVITE.
let invite =
    request "INVITE" "sip:bob@example.test" [ "To", "<sip:bob@example.test>"; "Contact", contact ]

/// The only message of these.
let one (sent: (Hop * Sheet) list) : Hop * Sheet =
    match
        sent
        |> List.filter (fun (_, sheet) -> not (sheet.Start.StartsWith "SIP/2.0 100"))
    with
    | [ only ] -> only
    | other -> failtest $"not one message: %A{other}"

/// What is answered to a request.
let answered status (more: (string * string) list) (asked: Sheet) =
    Sheet.respond status "h" more asked

/// An edge to which a browser has just registered at the registrar behind it.
let registered shards back servers =
    let edge = Edge(realm back servers, shards)
    let browser = browser 1L
    edge.Opens browser
    let hop, asked = one (edge.Says browser register)
    edge, browser, hop, asked

/// The registrar binds it.
let accepted (edge: Edge) (asked: Sheet) =
    answered 200 [ "Contact", Sheet.first "Contact" asked + ";expires=600" ] asked
    |> edge.Says home
    |> one

/// A call to there.
let dial address port : Hop =
    match Realm.datagram Ground.realm { Address = address; Port = port } with
    | ValueSome flow -> Hop.Flow flow
    | ValueNone -> failtest "no listener"

/// What the domain name system says of the registrar.
let zone (servers: Address list) (question: Question) : Answer =
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
let waiting shards servers =
    let edge = Edge(realm byPath servers, shards)
    let browser = browser 1L
    edge.Opens browser
    let trying = edge.Says browser invite
    edge, browser, trying

/// The registrar by its name.
let named = [ "sip:registrar.example" ]
