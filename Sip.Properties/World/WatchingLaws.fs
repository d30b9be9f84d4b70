// WatchingLaws: what users are told who watch their own registrations (RFC 3680, RFC 6665 §4.2): everything
// at once, then every change, until they want no more or are not there any more.

module Sip.Properties.World.WatchingLaws

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Properties

let private transports =
    Gen.elements [ Transport.Udp; Transport.Tcp; Transport.Tls; Transport.Ws; Transport.Wss ]

let private contact = "sip:alice@x.invalid;transport=ws"

let private subscribe (user: string) (whose: string) (more: (string * string) list) =
    Letter.request
        "SUBSCRIBE"
        (String.Concat("sip:", whose, "@example.test"))
        user
        ([ "Event", "reg"; "Contact", String.Concat("<", contact, ">") ] @ more)

let private register (number: int) (seconds: int) =
    Letter.register
        "alice"
        (string number + "@x")
        (String.Concat("<sip:alice@c", string number, ".invalid;transport=ws>;expires=")
         + string seconds)
        []

let private notifies (sent: Sent list) =
    sent
    |> List.filter (fun one -> Sheet.method one.Sheet = "NOTIFY" && Sheet.isRequest one.Sheet)

let private says (status: int) (sent: Sent) : Sheet = Sheet.respond status "" [] sent.Sheet

/// A house of so many shards, and how Alice is connected to it.
let private cases = Gen.zip (Gen.choose (1, 3)) transports

/// A house with Alice on two connections, who watches from the first.
type private Scene(case: int * Transport, expires: string) =
    let shards, transport = case
    let house = House shards
    let one = house.Open(transport, 40001)
    let two = house.Open(transport, 40002)
    do house.Say(one, register 1 600) |> ignore
    let asked = subscribe "alice" "alice" [ "Expires", expires ]
    let sent = house.Say(one, asked)

    member _.House = house
    member _.One = one
    member _.Two = two
    member _.Asked = asked
    member _.Sent = sent

let private atOnce =
    Law.holds
        "a user who watches their own registrations is answered and told everything at once, in one dialog"
        (Arb.fromGen cases)
    <| fun case ->
        let scene = Scene(case, "600")

        match scene.Sent with
        | [ answer; notify ] ->
            let tag = Sheet.tag "To" answer.Sheet

            Sheet.status answer.Sheet = 200
            && Sheet.first "Expires" answer.Sheet = "600"
            && Sheet.first "Contact" answer.Sheet <> ""
            && notify.To = scene.One
            && Sheet.target notify.Sheet = contact
            && tag <> ""
            && Sheet.tag "From" notify.Sheet = tag
            && Sheet.tag "To" notify.Sheet = Sheet.tag "From" scene.Asked
            && Sheet.first "Call-ID" notify.Sheet = Sheet.first "Call-ID" scene.Asked
            && Sheet.first "Event" notify.Sheet = "reg"
            && Sheet.first "Subscription-State" notify.Sheet = "active;expires=600"
            && Sheet.first "Content-Type" notify.Sheet = "application/reginfo+xml"
            && notify.Sheet.Body.Contains "state=\"full\""
            && notify.Sheet.Body.Contains "sip:alice@c1.invalid"
        | _ -> false

let private strangers =
    Law.holds
        "nobody watches the registrations of another, and other events go to the user"
        (Arb.fromGen cases)
    <| fun case ->
        let scene = Scene(case, "600")
        let refused = scene.House.Say(scene.Two, subscribe "eve" "alice" [])

        let passed =
            scene.House.Say(
                scene.Two,
                Letter.request
                    "SUBSCRIBE"
                    "sip:alice@example.test"
                    "eve"
                    [ "Event", "presence"; "Contact", "<sip:eve@e.invalid>" ]
            )

        match refused with
        | [ only ] ->
            Sheet.status only.Sheet = 403
            && passed
               |> List.exists (fun sent ->
                   sent.To = scene.One && Sheet.method sent.Sheet = "SUBSCRIBE")
        | _ -> false

let private changes =
    Law.holds
        "a change is told after the answer that made it, and never two within five seconds"
        (Arb.fromGen cases)
    <| fun case ->
        let scene = Scene(case, "600")
        let house = scene.House

        for sent in notifies scene.Sent do
            house.Say(scene.One, says 200 sent) |> ignore

        let soon = notifies (house.Say(scene.Two, register 2 600))
        let later = house.Wait 5_000L |> notifies

        for sent in later do
            house.Say(scene.One, says 200 sent) |> ignore

        house.Wait 10_000L |> ignore
        let third = house.Say(scene.Two, register 3 600)

        soon.IsEmpty
        && later.Length = 1
        && later.Head.Sheet.Body.Contains "state=\"partial\""
        && later.Head.Sheet.Body.Contains "sip:alice@c2.invalid"
        && not (later.Head.Sheet.Body.Contains "sip:alice@c1.invalid")
        && (match third with
            | [ answer; notify ] ->
                Sheet.status answer.Sheet = 200
                && notify.Sheet.Body.Contains "sip:alice@c3.invalid"
            | _ -> false)

let private ends =
    Law.holds
        "a subscription ends with its time, with a last word; and without one where NOTIFY is not wanted"
        (Arb.fromGen (Gen.zip cases (Gen.elements [ "time"; "481"; "silence" ])))
    <| fun (case, manner) ->
        let scene = Scene(case, (if manner = "time" then "60" else "3600"))
        let house = scene.House
        let first = notifies scene.Sent |> List.exactlyOne

        match manner with
        | "time" ->
            house.Say(scene.One, says 200 first) |> ignore
            let last = house.Wait 60_001L |> notifies |> List.distinct
            let after = notifies (house.Say(scene.Two, register 2 600) @ house.Wait 10_000L)

            last.Length >= 1
            && Sheet.first "Subscription-State" last.Head.Sheet = "terminated;reason=timeout"
            && after
               |> List.forall (fun sent -> Sheet.number sent.Sheet = Sheet.number last.Head.Sheet)
        | "481" ->
            house.Say(scene.One, says 481 first) |> ignore
            (notifies (house.Say(scene.Two, register 2 600) @ house.Wait 10_000L)).IsEmpty
        | _ ->
            house.Wait 40_000L |> ignore
            (notifies (house.Say(scene.Two, register 2 600) @ house.Wait 10_000L)).IsEmpty

let private refreshed =
    Law.holds
        "a SUBSCRIBE within the dialog refreshes it, one to a dialog that is none gets 481"
        (Arb.fromGen cases)
    <| fun case ->
        let scene = Scene(case, "600")
        let house = scene.House
        let answer = scene.Sent.Head.Sheet

        let again (callId: string) =
            let sheet =
                subscribe
                    "alice"
                    "alice"
                    [ "To", Sheet.first "To" answer; "Call-ID", callId; "Expires", "1200" ]

            { sheet with
                Fields =
                    sheet.Fields
                    |> List.map (fun (name, value) ->
                        if name = "From" then
                            name, Sheet.first "From" scene.Asked
                        else
                            name, value)
            }

        let within = house.Say(scene.One, again (Sheet.first "Call-ID" answer))
        let astray = house.Say(scene.One, again "another@x")

        match within, astray with
        | [ accepted; notify ], [ refused ] ->
            Sheet.first "Expires" accepted.Sheet = "1200"
            && Sheet.first "Subscription-State" notify.Sheet = "active;expires=1200"
            && Sheet.number notify.Sheet = 2
            && Sheet.status refused.Sheet = 481
        | _ -> false

/// Every law.
let all: Test =
    testList "Watching registrations" [ atOnce; strangers; changes; ends; refreshed ]
