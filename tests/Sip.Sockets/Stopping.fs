// Stopping: SIGTERM lets what is under way finish, says 1001 to browsers and ends with 0.

module Sip.Sockets.Stopping

open System
open System.Threading.Tasks
open Expecto

let private start shell more =
    Laboratory.start
        shell
        Laboratory.transports
        "example.test"
        (Laboratory.users [ "alice"; "bob" ] @ more)

let private polite shell (more: string list) =
    let words = String.Join(" ", shell :: more)

    testCaseTask $"a call under way is finished and browsers are told 1001, in the shell {words}"
    <| fun () ->
        task {
            let! lab = start shell more
            use _ = lab.Server
            let! alice = Laboratory.phone lab "ws" "alice"
            let! bob = Laboratory.phone lab "udp" "bob"

            let connect transport =
                Line.connect transport (Laboratory.place lab transport)

            let! wss = connect "wss"
            let! tcp = connect "tcp"
            do! Laboratory.stillAnswers lab tcp
            let offer = Phone.offering alice
            let! _ = Phone.ask alice "INVITE" bob.Aor $"<{bob.Aor}>" offer Phone.sdp
            let! invite = bob.Request "INVITE"
            let exit = lab.Server.Stop()
            do! bob.Answer(invite, 200, "OK", Phone.offering bob, Phone.sdp)
            let! _ = alice.Response 200
            let! ws = Waiting.upTo "the Close of ws" alice.Line.Ended
            Expect.equal ws (End.Closed 1001) "going away"
            let! wss = Waiting.upTo "the Close of wss" wss.Ended
            Expect.equal wss (End.Closed 1001) "going away"
            let! tcp = Waiting.upTo "the end of tcp" tcp.Ended
            Expect.equal tcp (End.Closed 0) "in order"
            let! code = exit
            Expect.equal code 0 "a clean stop"
        }

let private rude shell =
    testCaseTask $"nobody who is silent holds a stopping server up, in the {shell} shell"
    <| fun () ->
        task {
            let! lab = start shell [ "--stop-seconds"; "1" ]
            use _ = lab.Server
            // One does not answer the Close, one does not answer the INVITE, one has said nothing.
            use! silent = RawSocket.connect lab "ws"
            let! struct (mute, _) = Line.stream false (Laboratory.place lab "tcp")
            use _ = mute
            let! alice = Laboratory.phone lab "tls" "alice"
            let! bob = Laboratory.phone lab "udp" "bob"
            let offer = Phone.offering alice
            let! _ = Phone.ask alice "INVITE" bob.Aor $"<{bob.Aor}>" offer Phone.sdp
            let! _ = bob.Request "INVITE"
            let! code = lab.Server.Stop()
            Expect.equal code 0 "a clean stop"
            let! frame = silent.Read()
            Expect.equal (WebSocketClient.code frame) 1001 "going away"
        }

let all (shells: string list) : Test =
    testList
        "Stopping"
        [
            for shell in shells do
                polite shell []

                if shell = "reactor" then
                    polite shell [ "--shards"; "3" ]

                rude shell
        ]

/// Stops the servers that the other tests talked to; sequenced, so that it runs when they are done.
let last (labs: Laboratory list) : Test =
    testSequenced (
        testCaseTask "every server that the others talked to still lives, and ends with 0"
        <| fun () ->
            task {
                for lab in labs do
                    let! code = lab.Server.Stop()
                    Expect.equal code 0 lab.Server.Output
                    Expect.isFalse (lab.Server.Output.Contains "met a fault") lab.Server.Output
            }
    )
