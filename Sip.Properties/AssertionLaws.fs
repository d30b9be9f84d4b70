// AssertionLaws: who is told who a client is (RFC 3325): peers are, clients are not, and no client says it
// about itself.

module Sip.Properties.AssertionLaws

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Wire
open Sip.Routing

let private users = [ "alice"; "bob"; "carol" ]

let private asserted (user: string) =
    Assertion.ofUri (
        match Uri.ofUser user (Host.Name "example.test") with
        | uri ->
            { uri with
                Password = ValueSome "secret"
                Parameters =
                    [
                        {
                            Name = "user"
                            Value = ValueSome "phone"
                        }
                    ]
            }
    )

let private field (user: string) = $"<sip:%s{user}@example.test>"

type private Case =
    {
        From: Standing
        Towards: Standing
        Method: string
        /// Who has registered over the connection.
        Known: string list
        /// What the message says already: asserted, preferred and From.
        Says: string list
        Prefers: string list
        Sender: string
    }

let private mostly often seldom =
    Gen.frequency [ 3, Gen.constant often; 1, Gen.constant seldom ]

let private cases: Arbitrary<Case> =
    Arb.fromGen (
        gen {
            let! from = mostly Standing.Client Standing.Peer
            let! towards = mostly Standing.Peer Standing.Client

            let! method =
                Gen.frequency
                    [
                        3, Gen.elements [ "INVITE"; "BYE"; "MESSAGE"; "NOVEL" ]
                        1, Gen.elements [ "ACK"; "CANCEL"; "REGISTER" ]
                    ]

            let! known = Gen.subListOf users
            // Each stands there twice, and a message has only so many fields.
            let! says = Gen.resize 40 (Gen.listOf (Gen.elements users))

            let! prefers =
                Gen.oneof [ Gen.constant []; Gen.map List.singleton (Gen.elements users) ]

            let! sender = Gen.elements users

            return
                {
                    From = from
                    Towards = towards
                    Method = method
                    Known = known
                    Says = says
                    Prefers = prefers
                    Sender = sender
                }
        }
    )

let private read (text: string) =
    match Reading.message Limits.usual (ReadOnlySpan(Text.toBytes text)) with
    | Arrival.Message message -> message
    | Arrival.Broken(fault, _) -> failtest $"%A{fault} in\n%s{text}"

let private message (case: Case) =
    let lines name users =
        users
        |> List.map (fun user -> String.Concat(name, ": ", field user, "\r\n"))
        |> String.Concat

    $"%s{case.Method} sip:dave@example.net SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK1\r\n"
    + lines "P-Asserted-Identity" case.Says
    + lines "remote-party-id" case.Says
    + lines "Diversion" (List.truncate 20 case.Says)
    + lines "history-info" (List.truncate 20 case.Says)
    + $"From: %s{field case.Sender};tag=1\r\nTo: <sip:dave@example.net>\r\nCall-ID: 1\r\n"
    + $"CSeq: 1 %s{case.Method}\r\n"
    + lines "P-Preferred-Identity" case.Prefers
    + "Content-Length: 2\r\n\r\nhi"
    |> read

let private after (case: Case) : Message =
    let message = message case
    let edits = Edits()
    Assertion.put edits case.From case.Towards (List.map asserted case.Known) message
    read (Text.ofBytes (ReadOnlySpan(Patch.toBytes edits message)))

let private said name message = Message.texts name message

let private stranger =
    Law.holds
        "what a client says about itself, or about whom a call was for before, goes no further"
        cases
    <| fun case ->
        let after = after case

        case.From = Standing.Peer
        || (said HeaderName.PPreferredIdentity after = []
            && said HeaderName.RemotePartyId after = []
            && said HeaderName.Diversion after = []
            && said HeaderName.HistoryInfo after = []
            && said HeaderName.PAssertedIdentity after
               |> List.forall (fun value -> List.exists (fun user -> field user = value) case.Known))

let private hidden =
    Law.holds "no client is told who somebody is" cases
    <| fun case ->
        case.Towards = Standing.Peer
        || (said HeaderName.PAssertedIdentity (after case) = []
            && said HeaderName.RemotePartyId (after case) = [])

let private passed =
    Law.holds "what one peer says to another stays as it is" cases
    <| fun case ->
        case.From = Standing.Client
        || case.Towards = Standing.Client
        || (said HeaderName.PAssertedIdentity (after case) = List.map field case.Says
            && said HeaderName.RemotePartyId (after case) = List.map field case.Says)

let private diverted =
    Law.holds "a client is told by peers whom a call was for before" cases
    <| fun case ->
        let before = List.truncate 20 case.Says

        case.From = Standing.Client
        || (said HeaderName.Diversion (after case) = List.map field before
            && said HeaderName.HistoryInfo (after case) = List.map field before)

type private Told =
    | Preferred
    | Sender
    | Another
    | NotTold

let private told =
    Law.holdsMeeting
        [ Preferred; Sender; Another; NotTold ]
        "a peer is told one user of the connection: the preferred, else who is in From, else another"
        cases
        (fun case ->
            let value = said HeaderName.PAssertedIdentity (after case)
            let isKnown user = List.contains user case.Known
            let may = not (List.contains case.Method [ "ACK"; "CANCEL"; "REGISTER" ])

            match case.Prefers with
            | _ when case.From = Standing.Peer || case.Towards = Standing.Client ->
                ValueSome NotTold
            | _ when case.Known.IsEmpty || not may ->
                if value.IsEmpty then ValueSome NotTold else ValueNone
            | [ user ] when isKnown user && value = [ field user ] -> ValueSome Preferred
            | [ user ] when isKnown user -> ValueNone
            | _ when isKnown case.Sender && value = [ field case.Sender ] -> ValueSome Sender
            | _ when isKnown case.Sender -> ValueNone
            | _ when List.exists (fun user -> value = [ field user ]) case.Known ->
                ValueSome Another
            | _ -> ValueNone)

let private rest =
    Law.holds "everything else of a message leaves as it was" cases
    <| fun case ->
        let lines (message: Message) =
            (Text.ofBytes message.Bytes).Split "\r\n"
            |> Array.filter (fun line ->
                [ "P-"; "remote-"; "Diversion"; "history-" ]
                |> List.forall (fun begins -> not (line.StartsWith begins)))

        lines (after case) = lines (message case)

/// Every law.
let all: Test =
    testList "Asserted identity (RFC 3325)" [ stranger; hidden; passed; diverted; told; rest ]
