// PreferenceLaws: what a ledger does with what a caller prefers (RFC 3841): which of a user's phones it asks,
// how many at a time, and whether those that did not answer are cancelled.

module Sip.Properties.PreferenceLaws

open Expecto
open Sip
open Sip.Routing
open Sip.Properties.Bench

let private video = flow 3 Transport.Ws 2
let private audio = flow 4 Transport.Wss 3
let private plain = flow 1 Transport.Tcp 4

let private server () =
    Server
        [
            binding plain ValueNone 3 ""
            binding audio ValueNone 2 ";audio;video=\"FALSE\""
            binding video ValueNone 1 ";audio;video;description=\"<PC, at home>\""
        ]

/// Whom an INVITE of Alice's with these fields reaches at once.
let private reached (fields: string list) =
    server().Say(alice, requestWith fields "INVITE" "sip:bob@example.test" "")
    |> requests
    |> List.map fst

let private asked =
    testCase "a caller's predicates choose among the phones by what they registered"
    <| fun () ->
        for fields, whom in
            [
                [], [ video; audio; plain ]
                [ "Accept-Contact: *;video;require;explicit" ], [ video; plain ]
                [ "a: *;video;explicit;require" ], [ video; plain ]
                [ "Reject-Contact: *;video" ], [ audio; plain ]
                [ "j: *;audio" ], [ plain ]
                // The others come later, in groups of their own.
                [ "Accept-Contact: *;video" ], [ video; plain ]
                [ "Accept-Contact: *;description=\"<PC, at home>\";require;explicit" ],
                [ video; plain ]
                [ "Accept-Contact: nonsense" ], [ video; audio; plain ]
            ] do
            Expect.equal (reached fields) (List.map Hop.Flow whom) $"%A{fields}"

let private nobody =
    testCase "where no phone suits the caller, the caller hears 480"
    <| fun () ->
        let server = Server [ binding audio ValueNone 1 ";audio" ]
        let fields = [ "Reject-Contact: *;audio" ]
        let sent = server.Say(alice, requestWith fields "INVITE" "sip:bob@example.test" "")
        Expect.equal (statuses sent) [ 480 ] "nobody"

let private shaped =
    testCase "no-fork asks one phone, sequential one after the other"
    <| fun () ->
        Expect.equal (reached [ "Request-Disposition: no-fork" ]) [ Hop.Flow video ] "one"
        Expect.equal (reached [ "d: Sequential" ]) [ Hop.Flow video ] "the first"

        for fields, next in
            [
                [ "Request-Disposition: no-fork" ], []
                [ "d: sequential" ], [ Hop.Flow audio ]
            ] do
            let server = server ()

            let first =
                server.Say(alice, requestWith fields "MESSAGE" "sip:bob@example.test" "")
                |> requests
                |> List.exactlyOne
                |> snd

            let after = server.Say(video, answer 486 first)
            Expect.equal (List.map fst (requests after)) next $"%A{fields}"

/// What is sent when the first phone answers a call that has these fields.
let private answered (fields: string list) =
    let server = server ()

    let sent =
        server.Say(alice, requestWith fields "INVITE" "sip:bob@example.test" "")
        |> requests

    for hop, text in sent do
        match hop with
        | Hop.Flow flow -> server.Say(flow, answer 180 text) |> ignore
        | Hop.Dial _ -> ()

    server, sent, server.Say(video, answerAs "v" 200 (snd sent.Head))

let private uncancelled =
    testCase "with no-cancel the other phones go on ringing, and their answers reach the caller"
    <| fun () ->
        let _, _, usual = answered []
        Expect.equal (requests usual).Length 2 "usually the two others are cancelled"
        let server, sent, then' = answered [ "Request-Disposition: no-cancel" ]
        Expect.isEmpty (requests then') "nobody is cancelled"
        let late = server.Say(audio, answerAs "a" 200 (snd sent[1]))
        Expect.equal (statuses late) [ 200 ] "another answer"

let all =
    testList "Caller preferences (RFC 3841)" [ asked; nobody; shaped; uncancelled ]
