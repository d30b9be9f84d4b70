// InstanceLaws: what the GRUUs of a 200 reach, from outside a dialog and within one, and until when
// (RFC 5627 §5.1, §5.3, §6.1, §6.2).

module Sip.Properties.World.InstanceLaws

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Properties

let private transports =
    [ Transport.Udp; Transport.Tcp; Transport.Tls; Transport.Ws; Transport.Wss ]

let private urn (number: int) =
    String.Concat("<urn:uuid:00000000-0000-1000-8000-00000000000", string number, ">")

let private contactUri (number: int) =
    String.Concat("sip:alice@c", string number, ".invalid;transport=ws")

let private registerAs (number: int) callId seconds =
    Letter.register
        "alice"
        callId
        (String.Concat("<", contactUri number, ">;reg-id=1;+sip.instance=\"", urn number)
         + "\";expires="
         + string seconds)
        [ "Supported", "gruu, outbound, path" ]

let private answerTo (house: House) (flow: Flow) (sheet: Sheet) : Sheet =
    match house.Say(flow, sheet) |> List.filter (fun sent -> sent.To = flow) with
    | [ answer ] -> answer.Sheet
    | others -> failtest $"%A{others}"

let private granted (name: string) (number: int) (answer: Sheet) : string =
    let contact =
        Sheet.all "Contact" answer
        |> List.find (fun contact -> contact.Contains(contactUri number))

    let start = contact.IndexOf(String.Concat(name, "=\"")) + name.Length + 2
    contact.Substring(start, contact.IndexOf('"', start) - start)

/// Who is connected how, and to a house of how many shards.
type private Case =
    {
        Shards: int
        Alice: Transport
        Bob: Transport
    }

/// A house in which Alice has two instances and Bob asks.
type private Scene(case: Case) =
    let house = House case.Shards
    let one = house.Open(case.Alice, 40001)
    let two = house.Open(case.Alice, 40002)
    let bob = house.Open(case.Bob, 40003)
    let first = answerTo house one (registerAs 1 "one@x" 600)
    do answerTo house two (registerAs 2 "two@x" 600) |> ignore

    member _.House = house
    member _.One = one
    member _.Two = two
    member _.Bob = bob
    member _.Public = granted "pub-gruu" 1 first
    member _.Temporary = granted "temp-gruu" 1 first

    /// Where a request of Bob's for this URI goes, with the Request-URI that it arrives with.
    member _.Reached(uri: string) : (Flow * string) list =
        house.Say(bob, Letter.request "MESSAGE" uri "bob" [])
        |> List.filter (fun sent -> Sheet.isRequest sent.Sheet)
        |> List.map (fun sent -> sent.To, Sheet.target sent.Sheet)

    /// What Bob is told about a request for this URI.
    member _.Told(uri: string) : int =
        house.Say(bob, Letter.request "MESSAGE" uri "bob" [])
        |> List.filter (fun sent -> sent.To = bob)
        |> List.map (fun sent -> Sheet.status sent.Sheet)
        |> List.exactlyOne

let private case =
    Gen.map3
        (fun shards alice bob ->
            {
                Shards = shards
                Alice = alice
                Bob = bob
            })
        (Gen.choose (1, 3))
        (Gen.elements transports)
        (Gen.elements transports)

let private cases = Arb.fromGen case

let private reaches =
    Law.holds
        "a request for a GRUU reaches its instance by its contact, and no other instance"
        cases
    <| fun case ->
        let scene = Scene case
        let there = [ scene.One, contactUri 1 ]
        scene.Reached scene.Public = there && scene.Reached scene.Temporary = there

let private forged =
    Law.holds
        "a GRUU that we did not give out gets 404"
        (Arb.fromGen (Gen.zip (case) (Gen.choose (0, 40))))
    <| fun (case, at) ->
        let scene = Scene case
        let uri = scene.Temporary
        let place = "sip:".Length + at
        let other = if uri[place] = 'A' then "B" else "A"
        scene.Told(uri.Remove(place, 1).Insert(place, other)) = 404

let private revoked =
    Law.holds
        "another Call-ID revokes the temporary GRUUs of before, and leaves the public one"
        cases
    <| fun case ->
        let scene = Scene case
        let again = answerTo scene.House scene.One (registerAs 1 "other@x" 600)

        scene.Told scene.Temporary = 404
        && scene.Reached scene.Public = [ scene.One, contactUri 1 ]
        && scene.Reached(granted "temp-gruu" 1 again) = [ scene.One, contactUri 1 ]

let private refreshed =
    Law.holds "a refresh gives another temporary GRUU, and those of before go on being good" cases
    <| fun case ->
        let scene = Scene case
        let before = scene.Temporary
        let again = answerTo scene.House scene.One (registerAs 1 "one@x" 600)
        let now = granted "temp-gruu" 1 again

        now <> before
        && scene.Reached before = [ scene.One, contactUri 1 ]
        && scene.Reached now = [ scene.One, contactUri 1 ]

let private gone =
    Law.holds
        "once its last contact is gone an instance is reached by neither of its GRUUs"
        (Arb.fromGen (Gen.zip (case) (Gen.choose (0, 2))))
    <| fun (case, manner) ->
        let scene = Scene case

        match manner with
        | 0 -> answerTo scene.House scene.One (registerAs 1 "one@x" 0) |> ignore
        | 1 when Flow.isConnection scene.One -> scene.House.Close scene.One |> ignore
        | _ -> scene.House.Wait 601_000L |> ignore

        // Nobody signs in to this house, so that it knows no user who is away.
        scene.Told scene.Public = 404 && scene.Told scene.Temporary = 404

let private isTo (flow: Flow) (sent: Sent) =
    sent.To = flow && Sheet.isRequest sent.Sheet

// Alice calls with a GRUU as her Contact; her peer's BYE names it, along what was recorded.
let private within =
    Law.holds
        "a request within a dialog that names a GRUU reaches the instance, by its contact and without Routes"
        (Arb.fromGen (Gen.zip (case) (Gen.elements [ "pub-gruu"; "temp-gruu" ])))
    <| fun (case, kind) ->
        let scene = Scene case
        let house = scene.House

        Letter.register "bob" "bob@x" "<sip:bob@b.invalid>" []
        |> answerTo house scene.Bob
        |> ignore

        let gruu = if kind = "pub-gruu" then scene.Public else scene.Temporary

        let invite =
            Letter.request
                "INVITE"
                "sip:bob@example.test"
                "alice"
                [ "Contact", String.Concat("<", gruu, ">") ]

        let came = house.Say(scene.One, invite) |> List.find (isTo scene.Bob)
        let contact = Sheet.uri (Sheet.first "Contact" came.Sheet)

        let bye =
            Letter.request
                "BYE"
                contact
                "bob"
                [
                    "To", Sheet.first "From" came.Sheet
                    "Call-ID", Sheet.first "Call-ID" came.Sheet
                    for value in Sheet.all "Record-Route" came.Sheet do
                        "Route", value
                ]

        match
            house.Say(scene.Bob, bye)
            |> List.filter (fun sent -> Sheet.isRequest sent.Sheet)
        with
        | [ sent ] ->
            contact = gruu
            && sent.To = scene.One
            && Sheet.target sent.Sheet = contactUri 1
            && (Sheet.all "Route" sent.Sheet).IsEmpty
        | _ -> false

let private routed =
    Law.holds
        "a GRUU becomes its contact where Routes lead on, and the Path gives way to them"
        cases
    <| fun case ->
        let scene = Scene case

        let bye =
            Letter.request
                "BYE"
                scene.Public
                "bob"
                [
                    "To", "<sip:alice@example.test>;tag=1"
                    "Route", "<sip:edge.example.test:5060;lr>"
                    "Route", "<sip:192.0.2.100;lr>"
                ]

        match
            scene.House.Say(scene.Bob, bye)
            |> List.filter (fun sent -> Sheet.isRequest sent.Sheet)
        with
        | [ sent ] ->
            sent.To.Remote.Address = Address.ofV4 0xC0000264u
            && Sheet.target sent.Sheet = contactUri 1
            && Sheet.all "Route" sent.Sheet = [ "<sip:192.0.2.100;lr>" ]
        | _ -> false

/// Every law.
let all: Test =
    testList "Instances" [ reaches; forged; revoked; refreshed; gone; within; routed ]
