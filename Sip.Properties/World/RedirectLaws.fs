// RedirectLaws: where a 3xx leads: back to the caller, and us nowhere (RFC 3261 §16.5: a proxy need not
// recurse; whoever may write a Contact would choose whom we send calls to).

module Sip.Properties.World.RedirectLaws

open System
open Expecto
open Sip
open Sip.Edge
open Sip.Registrar
open Sip.Routing
open Sip.Transactions
open Sip.Properties

let private at milliseconds = Instant.FromMilliseconds milliseconds
let private sent (text: string) = ReadOnlyMemory(Text.toBytes text)

let private phone = World.flow 1 Link.Udp 0L

let private bound user : Input =
    Input.Restored(
        user + "@example.test",
        {
            Contact = NameAddr.ofUri (Uri.Sip(Uri.ofUser user (Host.Name "x.invalid")))
            CallId = user
            CSeq = 1u
            Expires = at 3_600_000L
            Quality = 1000
            Flow = phone
            Path = []
            Instance = ValueNone
            RegId = ValueNone
        }
    )

let private request (method: string) =
    {
        Start = String.Concat(method, " sip:bob@example.test SIP/2.0")
        Fields =
            [
                "Via", "SIP/2.0/UDP 192.0.2.100:5060;branch=z9hG4bK-1"
                "From", "<sip:trunk@example.net>;tag=a"
                "To", "<sip:bob@example.test>"
                "Call-ID", "call"
                "CSeq", "1 " + method
            ]
        Body = ""
    }

let private contacts =
    [
        "sip:+1900@203.0.113.77"
        "sip:+1900@192.0.2.100"
        "sip:carol@example.test"
        "sip:127.0.0.1"
        "sip:[::1]"
        "sip:0.0.0.0:5060"
    ]

let private led method status contact =
    let ledger =
        Ledger(Ground.realm, Timing.usual, Policy.standard, Bounds.usual, Sharding.alone)

    for user in [ "bob"; "carol" ] do
        ledger.Take(at 0L, bound user) |> ignore

    let arrive now flow sheet =
        Sends.texts (ledger.Take(at now, Input.Arrived(flow, sent (Sheet.print sheet))))
        |> List.map (fun (hop, text) -> hop, Sheet.read text)

    let called =
        arrive 1L World.trunk (request method)
        |> List.find (fun (_, sheet) -> Sheet.isRequest sheet)
        |> snd

    let answer =
        Sheet.respond status "b" [ "Contact", String.Concat("<", contact, ">") ] called

    arrive 2L phone answer, ledger

let private kept =
    testCase "a redirection goes back to the caller, and nothing is sent to where it leads"
    <| fun () ->
        for method in [ "INVITE"; "MESSAGE"; "REFER"; "NOVEL" ] do
            for status in [ 300; 301; 302; 305; 380 ] do
                for contact in contacts do
                    let said = String.Concat(method, " ", string status, " ", contact)
                    let went, ledger = led method status contact
                    let requests, responses = List.partition (snd >> Sheet.isRequest) went

                    Expect.equal
                        (responses |> List.map (fun (hop, sheet) -> hop, Sheet.status sheet))
                        [ Hop.Flow World.trunk, status ]
                        said

                    Expect.equal
                        (requests |> List.map (fun (hop, sheet) -> hop, Sheet.method sheet))
                        (if method = "INVITE" then [ Hop.Flow phone, "ACK" ] else [])
                        said

                    let later = Sends.texts (ledger.Take(at 60_000L, Input.Tick))

                    Expect.isFalse
                        (later |> List.exists (fun (_, text) -> Sheet.isRequest (Sheet.read text)))
                        "nothing is tried later"

/// Every law.
let all: Test = testList "Redirections" [ kept ]
