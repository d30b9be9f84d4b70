// RestLaws: what an answered request still does until it is forgotten (RFC 3261 sections 17.1 and 17.2, RFC 6026).

module Sip.Properties.RestLaws

open Expecto
open FsCheck.FSharp
open Sip
open Sip.Edge
open Sip.Routing
open Sip.Properties.Bench

/// What comes after the answer.
type private Deed =
    | AskAgain
    | AnswerAgain
    | CallOff
    | Wait of int64

/// Who asked what, and who answered how.
type private Story =
    {
        Caller: Flow
        Callee: Flow
        Method: string
        Status: int
        Deeds: Deed list
    }

let private callers = [ alice; flow 3 Transport.Ws 9 ]
let private callees = [ flow 0 Transport.Udp 2; flow 3 Transport.Ws 3 ]

let private stories =
    gen {
        let! caller = Gen.elements callers
        let! callee = Gen.elements callees
        let! method, status = Gen.elements [ "INVITE", 200; "MESSAGE", 200; "MESSAGE", 404 ]

        let! deeds =
            Gen.elements [ AskAgain; AnswerAgain; CallOff; Wait 1_000L; Wait 4_500L; Wait 33_000L ]
            |> Gen.listOf

        return
            {
                Caller = caller
                Callee = callee
                Method = method
                Status = status
                Deeds = deeds
            }
    }
    |> Arb.fromGen

let private isDatagram (flow: Flow) = not (Flow.isConnection flow)

/// For how long it absorbs: timers J and K of what is no INVITE, L and M of an INVITE.
let private lasts (story: Story) : int64 =
    if story.Method = "INVITE" || isDatagram story.Caller then
        32_000L
    elif isDatagram story.Callee then
        5_000L
    else
        0L

type private Ran =
    | WhileItLasts
    | Afterwards

let private run (story: Story) : Ran voption =
    let server = Server [ binding story.Callee ValueNone 1 "" ]

    if Flow.isConnection story.Caller then
        server.Take(Input.Opened story.Caller) |> ignore

    let before = server.Held
    let asked = request story.Method "sip:bob@example.test" ""
    let went = requests (server.Say(story.Caller, asked)) |> List.exactlyOne |> snd
    let given = server.Say(story.Callee, answer story.Status went)
    let heard = given |> List.exactlyOne
    let mutable age = 0L
    let mutable same = fst heard = Hop.Flow story.Caller
    let mutable isNew = false

    let expect (sent: (Hop * string) list) (texts: string list) =
        same <- same && List.map snd sent = texts

    let live () = age < lasts story

    for deed in story.Deeds do
        if not isNew then
            match deed with
            | Wait time ->
                age <- age + time
                expect (server.Pass time) []
            | AskAgain when live () ->
                let keeps = story.Method <> "INVITE" && isDatagram story.Caller
                expect (server.Say(story.Caller, asked)) (if keeps then [ snd heard ] else [])
            | AskAgain ->
                isNew <- true
                same <- same && (requests (server.Say(story.Caller, asked))).Length = 1
            | AnswerAgain ->
                let goesOn = live () && story.Method = "INVITE"

                expect
                    (server.Say(story.Callee, answer story.Status went))
                    (if goesOn then [ snd heard ] else [])
            | CallOff ->
                let sent = server.Say(story.Caller, request "CANCEL" "sip:bob@example.test" "")
                let status = if live () && story.Method = "INVITE" then "200" else "481"

                same <- same && sent.Length = 1 && (snd sent.Head).StartsWith("SIP/2.0 " + status)

    if not isNew then
        server.Pass 33_000L |> ignore
        same <- same && server.Held = before

    if not same then ValueNone
    elif live () then ValueSome WhileItLasts
    else ValueSome Afterwards

let all =
    testList
        "Rest"
        [
            Law.holdsMeeting
                [ WhileItLasts; Afterwards ]
                "what is answered absorbs what comes again for as long as its timers run, passes another 2xx of an INVITE on, and is forgotten then"
                stories
                run
        ]
