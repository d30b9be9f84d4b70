// ReturnLaws: what becomes of a call whose caller loses the connection and comes back: as the same instance,
// as another, or not at all (RFC 5626 §4.2.1, §5.3; RFC 5627 §3.1). Nothing goes to a stranger.

module Sip.Properties.World.ReturnLaws

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Properties

let private connections =
    Gen.elements [ Transport.Tcp; Transport.Tls; Transport.Ws; Transport.Wss ]

/// How the caller names itself in its dialog.
[<RequireQualifiedAccess>]
type private Naming =
    | ByContact
    | ByPublicGruu
    | ByTemporaryGruu

/// What happens to the connection before the peer sends something.
[<RequireQualifiedAccess>]
type private Loss =
    /// It closes, and the client comes back.
    | Closed
    /// The client comes back, and nobody has noticed that the old connection is gone.
    | Unnoticed

type private Case =
    {
        Shards: int
        Caller: Transport
        Back: Transport
        Callee: Transport
        Naming: Naming
        Loss: Loss
    }

let private cases =
    Arb.fromGen (
        gen {
            let! shards = Gen.choose (1, 3)
            let! caller = connections
            let! back = connections
            let! callee = Gen.oneof [ connections; Gen.constant Transport.Udp ]

            let! naming =
                Gen.elements [ Naming.ByContact; Naming.ByPublicGruu; Naming.ByTemporaryGruu ]

            let! loss = Gen.elements [ Loss.Closed; Loss.Unnoticed ]

            return
                {
                    Shards = shards
                    Caller = caller
                    Back = back
                    Callee = callee
                    Naming = naming
                    Loss = loss
                }
        }
    )

let private contact = "sip:alice@a1b2c3.invalid;transport=ws"
let private instance = "\"<urn:uuid:00000000-0000-1000-8000-000000000001>\""
let private another = "\"<urn:uuid:00000000-0000-1000-8000-000000000002>\""

let private register (instance: string) =
    Letter.register
        "alice"
        "alice@x"
        (String.Concat("<", contact, ">;reg-id=1;+sip.instance=") + instance)
        [ "Supported", "gruu, outbound, path" ]

let private answerTo (house: House) (flow: Flow) (sheet: Sheet) : Sheet =
    match house.Say(flow, sheet) |> List.filter (fun sent -> sent.To = flow) with
    | [ answer ] -> answer.Sheet
    | others -> failtest $"%A{others}"

let private granted (name: string) (answer: Sheet) : string =
    let contact = Sheet.first "Contact" answer
    let start = contact.IndexOf(String.Concat(name, "=\"")) + name.Length + 2
    contact.Substring(start, contact.IndexOf('"', start) - start)

let private isTo (flow: Flow) (sent: Sent) =
    sent.To = flow && Sheet.isRequest sent.Sheet

/// A call that is up, as its callee knows it and as its caller does.
type private Call(case: Case) =
    let house = House case.Shards
    let alice = house.Open(case.Caller, 40001)
    let bob = house.Open(case.Callee, 40002)
    let stranger = house.Open(case.Caller, 40003)
    let registered = answerTo house alice (register instance)

    do
        Letter.register "bob" "bob@x" "<sip:bob@b.invalid;transport=ws>" []
        |> answerTo house bob
        |> ignore

        Letter.register "eve" "eve@x" "<sip:eve@e.invalid;transport=ws>" []
        |> answerTo house stranger
        |> ignore

    let own =
        match case.Naming with
        | Naming.ByContact -> contact
        | Naming.ByPublicGruu -> granted "pub-gruu" registered
        | Naming.ByTemporaryGruu -> granted "temp-gruu" registered

    let invite =
        Letter.request "INVITE" "sip:bob@example.test" "alice" [ "Contact", "<" + own + ">" ]

    let came = house.Say(alice, invite) |> List.find (isTo bob)

    let accepted =
        Sheet.respond 200 "b" [ "Contact", "<sip:bob@b.invalid;transport=ws>" ] came.Sheet

    let heard =
        house.Say(bob, accepted)
        |> List.find (fun sent -> sent.To = alice && Sheet.status sent.Sheet = 200)

    member _.House = house
    member _.Alice = alice
    member _.Bob = bob

    /// The caller's connection is lost, and somebody registers as Alice on another.
    member _.Return(instance: string) : Flow =
        match case.Loss with
        | Loss.Closed -> house.Close alice |> ignore
        | Loss.Unnoticed -> ()

        let back = house.Open(case.Back, 40004)
        answerTo house back (register instance) |> ignore
        back

    /// What the callee's request within the dialog leads to.
    member _.FromCallee(method: string) : Sent list =
        let request =
            Letter.request
                method
                (Sheet.uri (Sheet.first "Contact" came.Sheet))
                "bob"
                [
                    "To", Sheet.first "From" came.Sheet
                    "Call-ID", Sheet.first "Call-ID" came.Sheet
                    for value in Sheet.all "Record-Route" came.Sheet do
                        "Route", value
                    "Contact", "<sip:bob@b.invalid;transport=ws>"
                ]

        house.Say(bob, request)

    /// What the caller's request within the dialog leads to, on whatever flow it is now.
    member _.FromCaller(flow: Flow, method: string) : Sent list =
        let request =
            Letter.request
                method
                (Sheet.uri (Sheet.first "Contact" heard.Sheet))
                "alice"
                [
                    "To", Sheet.first "To" heard.Sheet
                    "Call-ID", Sheet.first "Call-ID" heard.Sheet
                    for value in List.rev (Sheet.all "Record-Route" heard.Sheet) do
                        "Route", value
                    "Contact", "<" + own + ">"
                ]

        house.Say(flow, request)

let private requests (sent: Sent list) =
    sent |> List.filter (fun one -> Sheet.isRequest one.Sheet)

let private hold =
    Law.holds
        "a caller who comes back as the same instance is reached by the hold and the BYE of its peer"
        cases
    <| fun case ->
        let call = Call case
        let back = call.Return instance

        [ "INVITE"; "BYE" ]
        |> List.forall (fun method ->
            match requests (call.FromCallee method) with
            | [ sent ] ->
                sent.To = back
                && Sheet.target sent.Sheet = contact
                && (Sheet.all "Route" sent.Sheet).IsEmpty
            | _ -> false)

let private onwards =
    Law.holds
        "a caller who comes back as the same instance reaches its peer along the way of before"
        cases
    <| fun case ->
        let call = Call case
        let back = call.Return instance

        [ "INVITE"; "BYE" ]
        |> List.forall (fun method ->
            match requests (call.FromCaller(back, method)) with
            | [ sent ] -> sent.To = call.Bob && (Sheet.all "Route" sent.Sheet).IsEmpty
            | _ -> false)

let private stranger =
    Law.holds
        "a request for a caller who is gone reaches nobody, whoever has registered since"
        cases
    <| fun case ->
        let call = Call { case with Loss = Loss.Closed }
        call.Return another |> ignore
        let sent = call.FromCallee "BYE"

        (requests sent).IsEmpty
        && sent
           |> List.exists (fun one ->
               one.To = call.Bob && List.contains (Sheet.status one.Sheet) [ 404; 430; 480 ])

let private shared =
    Law.holds "of a connection that two instances had nobody is the heir" cases
    <| fun case ->
        let call =
            Call
                { case with
                    Loss = Loss.Closed
                    Naming = Naming.ByContact
                }

        answerTo call.House call.Alice (register another) |> ignore
        call.Return instance |> ignore
        (requests (call.FromCallee "BYE")).IsEmpty

let private hidden =
    Law.holds
        "a caller hears 480 of a 430, and a neighbour the 430"
        (Arb.fromGen (Gen.elements [ 0xC6336407u, 480; 0xC0000264u, 430 ]))
    <| fun (address, status) ->
        let house = House()
        let alice = house.Open(Transport.Ws, 40001)
        house.Say(alice, register instance) |> ignore

        let bob =
            { house.Open(Transport.Udp, 40002) with
                Remote =
                    {
                        Address = Address.ofV4 address
                        Port = 40002
                    }
            }

        let came =
            house.Say(bob, Letter.request "MESSAGE" "sip:alice@example.test" "bob" [])
            |> List.find (isTo alice)

        house.Say(alice, Sheet.respond 430 "a" [] came.Sheet)
        |> List.map (fun sent -> sent.To = bob, Sheet.status sent.Sheet)
        |> (=) [ true, status ]

/// Every law.
let all: Test = testList "Coming back" [ hold; onwards; stranger; shared; hidden ]
