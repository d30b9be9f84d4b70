// Proving: a server at which Bob is registered, and users who prove themselves on connections of theirs, or do not.

module Sip.Properties.World.Proving

open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Edge
open Sip.Identity
open Sip.Registrar
open Sip.Routing
open Sip.Properties

/// A flow by that transport; its number tells it apart.
let flow (transport: Transport) (number: int) : Flow =
    Ground.flow
        transport
        (int64 number)
        (Address.ofV4 (0xCB007100u + uint32 number))
        (41000 + number)

/// Where Bob is.
let phone = flow Transport.Wss 5

let private instance = "urn:uuid:00000000-0000-1000-8000-000000000001"

let private bob: Binding =
    { Ground.binding (Uri.ofUser "q" (Host.Name "x.invalid")) phone with
        Expires = Ground.at 36_000_000L
        Instance = ValueSome instance
    }

/// Request-URIs that lead on within a dialog: along Bob's alias, to his instance, to the trunk by address and by name.
let ways =
    [
        "sip:q@x.invalid;alias=" + Alias.mint Ground.mint phone
        "sip:bob@example.test;gr=" + instance
        "sip:+15551234@192.0.2.100:5060"
        "sip:+15551234@trunk.example.net"
    ]

/// A server of so many shards at which Bob is registered, and its time.
type Scene(shards: int) =
    let edge = Front.Edge(Ground.realm, shards)
    let mutable number = 0
    let pens = System.Collections.Generic.Dictionary<string, Letters>()

    let pen (user: string) =
        match pens.TryGetValue user with
        | true, pen -> pen
        | false, _ ->
            let contact = "sip:q1@x7.invalid;transport=ws"
            pens[user] <- Letters(Seat.alone Link.Wss "x7.invalid" contact pens.Count user)
            pens[user]

    do
        for user in Script.users do
            Input.Enrolled(Subscriber.enroll "example.test" user ("secret of " + user))
            |> edge.Take
            |> ignore

        edge.Opens phone
        edge.Take(Input.Restored("bob@example.test", bob)) |> ignore

    member _.Open(flow: Flow) =
        if Flow.isConnection flow then
            edge.Opens flow

    /// So much later, whatever was due by then.
    member _.Pass(milliseconds: int64) = edge.Passes milliseconds |> ignore

    member _.Now = edge.Now

    member _.Say (from: Flow) (sheet: Sheet) = edge.Says from sheet

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

    /// What a request leads to: the final statuses that its sender hears, and whether it went on, or it is asked
    /// where to.
    member this.Ask (from: Flow) (sheet: Sheet) : int list * bool =
        let before = edge.Asked.Length
        let sent = this.Say from sheet

        let heard =
            [
                for hop, sheet in sent do
                    if hop = Hop.Flow from && not (Sheet.isRequest sheet) then
                        Sheet.status sheet
            ]

        heard |> List.filter (fun status -> status >= 200),
        edge.Asked.Length > before
        || List.exists (fun (_, sheet) -> Sheet.isRequest sheet) sent

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

/// The To of a request within a dialog that nobody has seen.
let within = "<sip:bob@example.test>;tag=guess"

let private methods =
    [ "INVITE"; "BYE"; "MESSAGE"; "INFO"; "UPDATE"; "REFER"; "NOTIFY"; "NOVEL" ]

/// Shards, a transport, a method and a way.
let cases =
    gen {
        let! shards = Gen.choose (1, 3)
        let! transport = Gen.elements Ground.transports
        let! method = Gen.elements methods
        let! way = Gen.elements ways
        return shards, transport, method, way
    }
