// CallLaws: which calls of a user a server knows to go on, and that only who is charged for one ends it: at one shard, and at
// several, where the BYE of a trunk comes to another than the INVITE of a phone.

module Sip.Properties.World.CallLaws

open System
open Expecto
open Sip
open Sip.Edge
open Sip.Identity
open Sip.Registrar
open Sip.Routing
open Sip.Properties

let private realm =
    { Ground.realm with
        Metering =
            { Metering.usual with
                PeerLines =
                    {
                        AtOnce = 2<call>
                        Minutes = 300<minute>
                    }
            }
    }

let private flow (transport: Transport) (address: uint32) (connection: int64) : Flow =
    Ground.flow transport connection (Address.ofV4 address) 5060

let private trunk = World.trunk
let private phone = flow Transport.Tcp 0xCB007105u 2L
let private other = flow Transport.Tcp 0xCB007106u 1L

let private seat =
    Seat.alone Link.Tcp "203.0.113.5:5060" "sip:q@203.0.113.5:5060;transport=tcp"

/// Alice, a trunk, and what became of her calls to it.
type private Scene(shards: int) =
    let ledger = Together(realm, Policy.standard, shards)
    let mutable now = 1000L
    let mutable number = 0

    let take (input: Input) =
        ledger.Take(Instant.FromMilliseconds now, input)

    let say (from: Flow) (sheet: Sheet) =
        take (Input.Arrived(from, ReadOnlyMemory(Text.toBytes (Sheet.print sheet))))
        |> Sends.texts
        |> List.map (fun (hop, text) -> hop, Sheet.read text)

    let first (flow: Flow) sent =
        sent |> List.filter (fun (hop, _) -> hop = Hop.Flow flow) |> List.map snd

    do
        for one in [ phone; other ] do
            take (Input.Opened one) |> ignore

        take (Input.Enrolled(Subscriber.enroll "example.test" "alice" "secret of alice"))
        |> ignore

    member val Alice = Letters(seat 1 "alice")
    member val Trunk = Letters(seat 2 "trunk")

    member _.Pass(milliseconds: int64) =
        now <- now + milliseconds

        while ledger.Wake.Milliseconds <= now do
            take Input.Tick |> ignore

    member _.Say(from: Flow, towards: Flow, sheet: Sheet) : Sheet list =
        say from sheet |> first towards

    /// Her INVITE as it comes to the trunk, or the status that she hears.
    member this.Call() : Result<Sheet, int> =
        number <- number + 1

        let asked =
            { this.Alice.To("INVITE", "bob", "c" + string number) with
                Start = "INVITE sip:+15551234@192.0.2.100:5060 SIP/2.0"
            }

        let challenge = this.Say(phone, phone, asked) |> List.last

        match this.Alice.Again(asked, challenge) with
        | None -> failtest "no challenge"
        | Some again ->
            let sent = say phone again

            match first trunk sent with
            | [ invite ] -> Ok invite
            | _ -> Error(first phone sent |> List.last |> Sheet.status)

    /// The trunk answers her INVITE; what she hears.
    member this.Answer(status: int, invite: Sheet) : Sheet =
        let contact = [ "Contact", "<sip:gw@192.0.2.100:5060>" ]

        let heard =
            this.Say(trunk, phone, Sheet.respond status "gw" contact invite) |> List.last

        if status >= 300 then
            this.Say(
                phone,
                trunk,
                { heard with
                    Start = "ACK sip:+15551234@192.0.2.100:5060 SIP/2.0"
                }
            )
            |> ignore

        heard

    member this.Talk() : Sheet * Sheet =
        match this.Call() with
        | Ok invite -> invite, this.Answer(200, invite)
        | Error status -> failtest $"refused: %d{status}"

    /// Her BYE as it comes to the trunk, and what the trunk says to it.
    member this.HangUp(heard: Sheet, edit: Sheet -> Sheet, status: int) : unit =
        let bye = edit (this.Alice.Within(this.Alice.Calling heard, "BYE"))

        match this.Say(phone, trunk, bye) with
        | [ came ] when status > 0 ->
            this.Say(trunk, phone, Sheet.respond status "" [] came) |> ignore
        | [ _ ] -> ()
        | _ -> failtest "lost"

    member this.IsFree: bool =
        match this.Call() with
        | Ok invite ->
            this.Answer(486, invite) |> ignore
            true
        | Error 403 -> false
        | Error status -> failtest $"%d{status}"

let private each (sentence: string) (law: Scene -> unit) =
    testList
        sentence
        [
            for shards in 1..3 do
                testCase (string shards) <| fun () -> law (Scene shards)
        ]

let private full =
    each
        "a user has as many calls to peers at once as they may, those that ring included, and hears 403 to one more"
    <| fun scene ->
        let rings = scene.Call()
        scene.Talk() |> ignore
        Expect.equal (Result.map ignore (scene.Call())) (Error 403) "one too many"

        match rings with
        | Ok invite -> scene.Answer(486, invite) |> ignore
        | Error status -> failtest $"%d{status}"

        Expect.isTrue scene.IsFree "what was busy is over"

let private ends =
    each "a call is over when the peer says BYE, or has answered one"
    <| fun scene ->
        let _, heard = scene.Talk()
        let invite, _ = scene.Talk()
        Expect.isFalse scene.IsFree "two"
        scene.HangUp(heard, id, 200)
        Expect.isTrue scene.IsFree "hers"
        scene.Talk() |> ignore
        Expect.isFalse scene.IsFree "two again"
        let bye = scene.Trunk.Within(scene.Trunk.Called(invite, "gw"), "BYE")
        Expect.isNonEmpty (scene.Say(trunk, phone, bye)) "told"
        Expect.isTrue scene.IsFree "theirs"

let private lone =
    each "a call that the peer no longer knows is over, and one of another dialog's is not"
    <| fun scene ->
        let _, heard = scene.Talk()
        scene.Talk() |> ignore

        let elsewhere (sheet: Sheet) =
            { sheet with
                Fields =
                    sheet.Fields
                    |> List.map (fun (name, value) ->
                        name,
                        (if name = "To" then
                             value.Replace("tag=gw", "tag=x")
                         else
                             value))
            }

        scene.HangUp(heard, elsewhere, 481)
        Expect.isFalse scene.IsFree "a BYE to nothing"
        scene.HangUp(heard, elsewhere, 200)
        Expect.isFalse scene.IsFree "whatever is said to it"
        scene.HangUp(heard, id, 481)
        Expect.isTrue scene.IsFree "the dialog is gone"

let private alone =
    each
        "who is charged for a call ends it: not its caller, nor whoever speaks in the peer's name elsewhere"
    <| fun scene ->
        let invite, heard = scene.Talk()
        scene.Talk() |> ignore
        scene.HangUp(heard, id, 0)
        Expect.isFalse scene.IsFree "nobody has answered"

        let bye () =
            scene.Trunk.Within(scene.Trunk.Called(invite, "gw"), "BYE")

        scene.Say(other, phone, bye ()) |> ignore
        scene.Say(phone, phone, bye ()) |> ignore
        Expect.isFalse scene.IsFree "no peer"
        scene.Say(trunk, phone, bye ()) |> ignore
        Expect.isTrue scene.IsFree "the peer"

let private leases =
    each
        "a call that nobody answers is over with its INVITE, one whose end nobody tells after four hours"
    <| fun scene ->
        scene.Talk() |> ignore
        scene.Call() |> ignore
        scene.Pass 31_000L
        Expect.isFalse scene.IsFree "both"
        scene.Pass 2_000L
        Expect.isTrue scene.IsFree "it was never answered"
        scene.Pass 14_366_000L
        scene.Call() |> ignore
        Expect.isFalse scene.IsFree "almost four hours"
        scene.Pass 2_000L
        Expect.isTrue scene.IsFree "four hours"

let private minutes =
    each "who has talked to peers for as many minutes as they may begins no call more that day"
    <| fun scene ->
        let bye invite =
            let sheet = scene.Trunk.Within(scene.Trunk.Called(invite, "gw"), "BYE")
            scene.Say(trunk, phone, sheet) |> ignore

        let first, _ = scene.Talk()
        scene.Pass 14_340_000L
        bye first
        let second, _ = scene.Talk()
        scene.Pass 3_599_000L
        Expect.isTrue scene.IsFree "not yet"
        scene.Pass 62_000L
        Expect.isFalse scene.IsFree "a call that goes on counts"
        bye second
        Expect.isFalse scene.IsFree "and when it is over, too"
        scene.Pass 86_400_000L
        Expect.isTrue scene.IsFree "the next day"

/// Every law.
let all: Test =
    testList "Calls of users" [ full; ends; lone; alone; leases; minutes ]
