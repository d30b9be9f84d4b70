// TrapLaws: where servers of this kind are known to stumble: replies to made-up names, calls back to a browser
// among others at its address, connections that go at the wrong moment, and pages that are loaded again.

module Sip.Properties.World.TrapLaws

open System
open Expecto
open Sip
open Sip.Properties

let private contact (user: string) =
    String.Concat("<sip:", user, "@", user) + "7x.invalid;transport=ws>"

let private bind (house: House) (flow: Flow) user more =
    house.Say(flow, Letter.register user (user + "@x") (contact user + more) [])
    |> ignore

let private requests (method: string) (sent: Sent list) =
    sent
    |> List.filter (fun one -> Sheet.isRequest one.Sheet && Sheet.method one.Sheet = method)

let private finals (flow: Flow) (sent: Sent list) =
    sent
    |> List.filter (fun one -> one.To = flow && not (Sheet.isRequest one.Sheet))
    |> List.map (fun one -> Sheet.status one.Sheet)
    |> List.filter (fun status -> status >= 200)

let private invite (user: string) =
    Letter.request
        "INVITE"
        (String.Concat("sip:", user, "@example.test"))
        "alice"
        [ "Contact", "<sip:alice@198.51.100.7:5060>" ]

/// What the caller sends inside the dialog that this answer began.
let private within (method: string) (answer: Sheet) : Sheet =
    let request =
        Letter.request method (Sheet.uri (Sheet.first "Contact" answer)) "alice" []

    let routes =
        Sheet.all "Record-Route" answer
        |> List.rev
        |> List.map (fun value -> "Route", value)

    let field (name: string, value: string) =
        match name with
        | "From"
        | "To"
        | "Call-ID" -> name, Sheet.first name answer
        | _ -> name, value

    { request with
        Fields = List.map field request.Fields @ routes
    }

let private answered (house: House) (sent: Sent) user =
    house.Say(sent.To, Sheet.respond 200 "b" [ "Contact", contact user ] sent.Sheet)
    |> List.map _.Sheet
    |> List.filter (fun sheet -> not (Sheet.isRequest sheet) && Sheet.status sheet = 200)
    |> List.exactlyOne

let private replies =
    testList
        "a client whose Via has a made-up name and no rport hears every reply where it is"
        [
            for transport in [ Transport.Udp; Transport.Tcp; Transport.Ws; Transport.Wss ] do
                test (string (Transport.inVia transport)) {
                    let house = House()
                    let client = house.Open(transport, 45000)
                    let browser = house.Open(Transport.Wss, 40001)
                    bind house browser "bob" ""

                    let stateless =
                        house.Say(client, Letter.request "BOGUS" "sip:example.test" "al" [])

                    Expect.equal (List.map _.To stateless) [ client ] "a refusal"

                    let call =
                        house.Say(client, invite "bob") |> requests "INVITE" |> List.exactlyOne

                    let busy = house.Say(browser, Sheet.respond 486 "b" [] call.Sheet)
                    Expect.equal (finals client busy) [ 486 ] "a response that was passed on"
                }
        ]

let private among =
    test
        "a BYE from UDP reaches its own browser among all at one address, and nobody who took its port" {
        let house = House()
        let alice = house.Open(Transport.Udp, 5060)
        let bob = house.Open(Transport.Wss, 40001)
        let others = [ house.Open(Transport.Ws, 40001); house.Open(Transport.Wss, 40002) ]
        bind house bob "bob" ""
        List.iter (fun other -> bind house other "eve" "") others
        let call = house.Say(alice, invite "bob") |> requests "INVITE" |> List.exactlyOne
        Expect.equal call.To bob "the call"
        let answer = answered house call "bob"
        Expect.hasLength (Sheet.all "Record-Route" answer) 2 "one for each side"
        let info = house.Say(alice, within "INFO" answer) |> requests "INFO"
        Expect.equal (List.map _.To info) [ bob ] "the dialog"
        house.Close bob |> ignore
        let heir = house.Open(Transport.Wss, 40001)
        bind house heir "eve" ""
        let bye = house.Say(alice, within "BYE" answer)
        Expect.equal (requests "BYE" bye) [] "it is somebody else's"
        Expect.equal (finals alice bye) [ 430 ] "the flow is gone"
    }

let private next =
    test
        "a contact whose connection goes is passed over for the next, and a caller hears 480, never 500" {
        let house = House()
        let alice = house.Open(Transport.Udp, 5060)
        let first = house.Open(Transport.Wss, 40001)
        let second = house.Open(Transport.Wss, 40002)
        bind house first "bob" ";q=1.0"

        house.Say(
            second,
            Letter.register "bob" "bob@y" "<sip:bob@second.invalid;transport=ws>;q=0.5" []
        )
        |> ignore

        let call = house.Say(alice, invite "bob") |> requests "INVITE"
        Expect.equal (List.map _.To call) [ first ] "the one that is preferred"
        let onward = house.Close first
        Expect.equal (List.map _.To (requests "INVITE" onward)) [ second ] "the next"
        Expect.equal (finals alice onward) [] "nothing is lost yet"
        Expect.equal (finals alice (house.Close second)) [ 480 ] "nobody is left"
    }

let private bindings (house: House) (flow: Flow) =
    house.Say(
        flow,
        Letter.request "REGISTER" "sip:example.test" "bob" [ "To", "<sip:bob@example.test>" ]
    )
    |> List.map (fun one -> List.length (Sheet.all "Contact" one.Sheet))

let private reload =
    test
        "a page that is loaded again leaves one binding: at once by its instance, else with its connection" {
        let instance = ";reg-id=1;+sip.instance=\"<urn:uuid:1>\""
        let house = House()
        let before = house.Open(Transport.Wss, 40001)
        bind house before "bob" instance
        let after = house.Open(Transport.Wss, 40002)
        let fresh = "<sip:bob@fresh.invalid;transport=ws>"

        house.Say(after, Letter.register "bob" "bob@new" (fresh + instance) [])
        |> ignore

        Expect.equal (bindings house after) [ 1 ] "the instance has one"

        let house = House()
        let before = house.Open(Transport.Wss, 40001)
        bind house before "bob" ""
        let after = house.Open(Transport.Wss, 40002)
        house.Say(after, Letter.register "bob" "bob@new" fresh []) |> ignore
        house.Close before |> ignore
        Expect.equal (bindings house after) [ 1 ] "the old page's went with it"
    }

/// Every example.
let all: Test = testList "Known traps" [ replies; among; next; reload ]
