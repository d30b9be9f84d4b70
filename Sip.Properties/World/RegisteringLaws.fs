// RegisteringLaws: what the 200 to a REGISTER says of outbound (RFC 5626 §6), Path (RFC 3327 §5.3), the way
// back (RFC 3608 §6.3) and GRUUs (RFC 5627 §5.2), and when there is none.

module Sip.Properties.World.RegisteringLaws

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Registrar
open Sip.Properties

let private urn = "\"<urn:uuid:00000000-0000-1000-8000-000a95a0e128>\""

/// A client that registers: by what, what it says it knows, and what it says of itself.
type private Client =
    {
        Transport: Transport
        Supported: string list
        Instance: bool
        RegId: bool
        Path: string list
    }

let private path = "<sip:TOKEN@edge.example.net;lr;ob>"

let private clients =
    Arb.fromGen (
        gen {
            let! transport =
                Gen.elements
                    [ Transport.Udp; Transport.Tcp; Transport.Tls; Transport.Ws; Transport.Wss ]

            let! supported = Gen.subListOf [ "outbound"; "gruu"; "path" ]
            let! instance = Gen.elements [ true; true; false ]
            let! regId = Gen.elements [ true; false ]
            let! paths = Gen.frequency [ 3, Gen.constant []; 1, Gen.constant [ path ] ]

            return
                {
                    Transport = transport
                    Supported = supported
                    Instance = instance
                    RegId = regId
                    Path = paths
                }
        }
    )

let private contactOf (client: Client) =
    String.Concat(
        "<sip:alice@x.invalid;transport=ws>",
        (if client.Instance then ";+sip.instance=" + urn else ""),
        (if client.RegId then ";reg-id=1" else "")
    )

let private registerOf (client: Client) =
    Letter.register
        "alice"
        "1@x"
        (contactOf client)
        ([
            if not client.Supported.IsEmpty then
                "Supported", String.Join(", ", client.Supported)
         ]
         @ [ for value in client.Path -> "Path", value ])

let private answerIn (house: House) (flow: Flow) (sheet: Sheet) : Sheet =
    match house.Say(flow, sheet) with
    | [ answer ] when answer.To = flow -> answer.Sheet
    | others -> failtest $"%A{others}"

let private answer (policy: Policy) (client: Client) : Sheet =
    let house = House policy
    answerIn house (house.Open(client.Transport, 5060)) (registerOf client)

let private knows (tag: string) (client: Client) = List.contains tag client.Supported

let private outbound =
    Law.holds
        "a client that knows outbound and has a flow bound is told so, and how often to ping; no other is"
        clients
    <| fun client ->
        let said = answer Policy.standard client

        let timer = if client.Transport = Transport.Udp then "25" else "120"

        if knows "outbound" client && client.Instance && client.RegId then
            Sheet.all "Require" said = [ "outbound" ]
            && Sheet.all "Flow-Timer" said = [ timer ]
        else
            (Sheet.all "Require" said).IsEmpty && (Sheet.all "Flow-Timer" said).IsEmpty

let private way =
    Law.holds
        "the 200 has the Path that the REGISTER came with, and a Service-Route by its listener"
        clients
    <| fun client ->
        let said = answer Policy.standard client

        match Sheet.all "Service-Route" said with
        | [ route ] ->
            Sheet.all "Path" said = client.Path
            && route.EndsWith ";lr>"
            && not (route.Contains ";ob")
            && route.Contains ";transport=" = (client.Transport <> Transport.Udp)
        | _ -> false

let private gruus =
    Law.holds
        "a client that knows gruu and names its instance is given a public and a temporary GRUU; no other is"
        clients
    <| fun client ->
        let contact = Sheet.first "Contact" (answer Policy.standard client)

        let has (name: string) =
            contact.Contains(String.Concat(";", name, "=\"sip:"))

        if knows "gruu" client && client.Instance then
            has "pub-gruu" && has "temp-gruu" && contact.Contains ";gr=urn:uuid:"
        else
            not (contact.Contains "gruu")

let private strictPath =
    Law.holds "a strict registrar refuses a Path that the client does not know of with 420" clients
    <| fun client ->
        let said =
            answer
                { Policy.standard with
                    Path = PathPolicy.Strict
                }
                client

        if client.Path.IsEmpty || knows "path" client then
            Sheet.status said = 200
        else
            Sheet.status said = 420 && Sheet.all "Unsupported" said = [ "path" ]

let private strictOutbound =
    Law.holds
        "a strict registrar answers 439 where the first hop keeps no flow for a client that wants one"
        clients
    <| fun client ->
        let policy =
            { Policy.standard with
                FlowDenied = FlowDenied.Refuse
            }

        let house = House policy
        let edge = house.Open(Transport.Tcp, 5060)

        let behind =
            { client with
                Path = [ "<sip:edge.example.net;lr>" ]
            }

        let status = Sheet.status (answerIn house edge (registerOf behind))
        let wants = knows "outbound" client && client.Instance && client.RegId
        status = (if wants then 439 else 200)

let private circles =
    Law.holds
        "a contact of an instance that leads back to its user or is no SIP URI is refused with 403"
        (Arb.fromGen (
            Gen.elements
                [
                    "<sip:alice@example.test>", 403
                    "<sip:alice@example.test;gr=urn:uuid:1>", 200
                    "<mailto:alice@example.test>", 403
                    "<sip:alice@x.invalid;transport=ws>", 200
                ]
        ))
    <| fun (contact, status) ->
        let house = House()
        let flow = house.Open(Transport.Ws, 5060)
        let contact = String.Concat(contact, ";+sip.instance=", urn)
        Sheet.status (answerIn house flow (Letter.register "alice" "1@x" contact [])) = status

let private recorded =
    Law.holds "a Record-Route in a REGISTER changes nothing and does not come back" clients
    <| fun client ->
        let sheet = registerOf client
        let bare = answer Policy.standard client
        let house = House()
        let flow = house.Open(client.Transport, 5060)

        let said =
            answerIn
                house
                flow
                { sheet with
                    Fields = sheet.Fields @ [ "Record-Route", "<sip:edge.example.net;lr>" ]
                }

        let names (sheet: Sheet) = List.map fst sheet.Fields
        (Sheet.all "Record-Route" said).IsEmpty && names said = names bare

let private demands =
    Law.holds
        "a REGISTER is answered with what its client requires, or with 420 and the name of what is not known"
        (Arb.fromGen (
            Gen.zip
                clients.Generator
                (Gen.elements [ "path"; "outbound"; "gruu"; "100rel"; "frobnicate" ])
        ))
    <| fun (client, tag) ->
        let house = House()
        let flow = house.Open(client.Transport, 5060)
        let sheet = registerOf client

        let said =
            answerIn
                house
                flow
                { sheet with
                    Fields = sheet.Fields @ [ "Require", tag ]
                }

        if List.contains tag [ "path"; "outbound"; "gruu" ] then
            Sheet.status said = 200
        else
            Sheet.status said = 420 && Sheet.all "Unsupported" said = [ tag ]

let private refusals =
    Law.holds
        "no REGISTER gets a 6xx, and one for a user of another domain gets 404"
        (Arb.fromGen (
            gen {
                let! client = clients.Generator
                let! target = Gen.elements [ "example.test"; "example.net"; "nowhere.invalid" ]
                let! contact = Gen.elements [ "*"; "<sip:a@b>;q=7"; "<mailto:a@b>"; "<sip:a@b>" ]
                return client, target, contact
            }
        ))
    <| fun (client, target, contact) ->
        let house = House()
        let flow = house.Open(client.Transport, 5060)

        let sheet =
            Letter.request
                "REGISTER"
                "sip:example.test"
                "alice"
                [ "To", String.Concat("<sip:alice@", target, ">"); "Contact", contact ]

        let status = Sheet.status (answerIn house flow sheet)
        status < 600 && (target = "example.test" || status = 404)

let private firstHop =
    Law.holds
        "a reg-id counts at the first hop, told by the Vias, and behind one that keeps flows, told by ob"
        (Arb.fromGen (
            Gen.zip
                (Gen.elements [ []; [ "<sip:edge.example.net;lr>" ]; [ path ] ])
                (Gen.elements [ true; false ])
        ))
    <| fun (paths, behind) ->
        let client =
            {
                Transport = Transport.Tcp
                Supported = [ "outbound"; "path" ]
                Instance = true
                RegId = true
                Path = paths
            }

        let sheet = registerOf client

        let vias =
            if behind then
                [ "Via", "SIP/2.0/TCP edge.example.net;branch=z9hG4bKedge" ]
            else
                []

        let house = House()
        let flow = house.Open(Transport.Tcp, 5060)

        let said =
            answerIn
                house
                flow
                { sheet with
                    Fields = vias @ sheet.Fields
                }

        let keeps = paths = [ path ] || (paths.IsEmpty && not behind)
        (Sheet.all "Require" said = [ "outbound" ]) = keeps

let private regIds =
    Law.holds
        "a reg-id is a number from 1 to 2147483647; any other is none"
        (Arb.fromGen (
            Gen.elements
                [
                    "1", true
                    "2147483647", true
                    "0", false
                    "2147483648", false
                    "99999999999999999999", false
                    "one", false
                ]
        ))
    <| fun (written, counts) ->
        let house = House()
        let flow = house.Open(Transport.Ws, 5060)

        let contact =
            String.Concat("<sip:alice@x.invalid>;+sip.instance=", urn, ";reg-id=") + written

        let said =
            answerIn house flow (Letter.register "alice" "1@x" contact [ "Supported", "outbound" ])

        (Sheet.all "Require" said = [ "outbound" ]) = counts

let private secure =
    Law.holds
        "a request for a SIPS URI goes by secure connections or nowhere, a SIP one by any"
        (Arb.fromGen (
            Gen.zip
                (Gen.elements
                    [ Transport.Udp; Transport.Tcp; Transport.Tls; Transport.Ws; Transport.Wss ])
                (Gen.elements [ "sip"; "sips" ])
        ))
    <| fun (transport, scheme) ->
        let house = House()
        let alice = house.Open(transport, 40001)
        let bob = house.Open(Transport.Tls, 40002)

        Letter.register "alice" "1@x" "<sip:alice@x.invalid>" []
        |> answerIn house alice
        |> ignore

        let sent =
            house.Say(bob, Letter.request "MESSAGE" (scheme + ":alice@example.test") "bob" [])

        let reached = sent |> List.exists (fun one -> one.To = alice)
        reached = (scheme = "sip" || Transport.isSecure transport)

/// Every law.
let all: Test =
    testList
        "Registering"
        [
            outbound
            way
            gruus
            strictPath
            strictOutbound
            circles
            recorded
            demands
            refusals
            firstHop
            regIds
            secure
        ]
