// VisitingLaws: a WebSocket that is opened with a token of the issuer, and what it is worth.

module Sip.Properties.World.VisitingLaws

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Edge
open Sip.Registrar
open Sip.Routing
open Sip.Wire
open Sip.Properties
open Sip.Properties.Tokens

let private places = [ TokenPlace.Protocol; TokenPlace.Cookie "session" ]

let private head (fields: string list) : byte[] =
    String.Join(
        "\r\n",
        [
            "GET / HTTP/1.1"
            "Host: example.test"
            "Upgrade: websocket"
            "Connection: Upgrade"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
            "Sec-WebSocket-Version: 13"
        ]
        @ fields
        @ [ ""; "" ]
    )
    |> Text.toBytes

let private judge (asked: TokenPlace list) (fields: string list) : Visitor =
    Visiting.judge asked rules now (ReadOnlySpan(head fields))

let private sip = "Sec-WebSocket-Protocol: sip"
let private byProtocol token = [ $"{sip}, bearer.{token}" ]

let private byCookie token =
    [ sip; $"Cookie: a=b; session={token}; c=d" ]

let private isRefused (visitor: Visitor) =
    match visitor with
    | Visitor.Refused words -> words <> ""
    | Visitor.Anybody
    | Visitor.Proven _ -> false

let private shown =
    Law.holds
        "a handshake names its user by one good token, among the sub-protocols or in the cookie that is meant, and by nothing else"
        forged
    <| fun (good, bad) ->
        let alice = Visitor.Proven("alice", now + 300L<s>)
        let isSayable = bad.IndexOfAny([| ' '; '\n' |]) < 0

        judge places (byProtocol good) = alice
        && judge places (byCookie good) = alice
        && isRefused (judge [ TokenPlace.Protocol ] (byCookie good))
        && isRefused (judge [ TokenPlace.Cookie "session" ] (byProtocol good))
        && isRefused (judge places [ sip ])
        && isRefused (judge places (byProtocol good @ [ $"Cookie: session={good}" ]))
        && isRefused (judge places [ sip; $"Authorization: Bearer {good}" ])
        && (not isSayable
            || isRefused (judge places (byProtocol bad))
               && isRefused (judge places (byCookie bad)))

let private selected =
    testCase "of sip and a token beside it a handshake is answered sip alone"
    <| fun () ->
        let bytes = head (byProtocol (sign Signer.Ecdsa ecdsaHeader claims))

        match Handshake.receive Handshake.anything (ReadOnlySpan bytes) with
        | HandshakeOutcome.Accept(response, _) ->
            let text = Text.ofBytes (ReadOnlySpan response)
            Expect.stringContains text "\r\nSec-WebSocket-Protocol: sip\r\n" "sip"
            Expect.isFalse (text.Contains "bearer") "and no token"
        | HandshakeOutcome.Refuse(_, _, reason) -> failtest reason
        | HandshakeOutcome.Incomplete -> failtest "incomplete"

let private flow: Flow =
    Ground.flow Transport.Wss 9L (Address.ofV4 0xCB007109u) 41009

let private worth =
    Law.holds
        "a connection that was opened with a token is its user's, asked nothing in their name and asked for a proof in another, until the token ends"
        (Arb.fromGen (Gen.zip (Gen.choose (1, 3)) (Gen.choose (2, 7200))))
    <| fun (shards, seconds) ->
        let ledger = Together(Ground.realm, Policy.standard, shards)
        let mutable time = 1000L

        let take input =
            Sends.texts (ledger.Take(Instant.FromMilliseconds time, input))
            |> List.map (snd >> Sheet.read)

        let say (sheet: Sheet) =
            take (Input.Arrived(flow, ReadOnlyMemory(Text.toBytes (Sheet.print sheet))))

        let status sheet =
            say sheet
            |> List.filter (fun one -> not (Sheet.isRequest one))
            |> List.map Sheet.status

        let register user =
            Letter.register user (user + "@x") "<sip:q1@x7.invalid;transport=ws>" []
            |> status

        let message user =
            Letter.request "MESSAGE" "sip:+1555@192.0.2.100:5060" user [] |> say

        let went sent = List.exists Sheet.isRequest sent

        take (Input.Opened flow) |> ignore

        let until =
            Realm.unixTime Ground.realm (Instant.FromMilliseconds time)
            + int64 seconds * 1L<s>

        take (Input.Visited(flow, "alice", until)) |> ignore

        let good =
            register "alice" = [ 200 ]
            && went (message "alice")
            && register "bob" = [ 401 ]
            && not (went (message "bob"))

        time <- time + int64 seconds * 1000L
        take Input.Tick |> ignore
        good && register "alice" = [ 401 ] && not (went (message "alice"))

/// Every law.
let all: Test = testList "Visiting" [ shown; selected; worth ]
