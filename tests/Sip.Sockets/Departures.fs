// Departures: connections that end or stall: a slow reader, a call whose phone goes away, a binding
// that dies with its connection (RFC 3261 §16.7, RFC 5626 §5.3, RFC 7118 §5).

module Sip.Sockets.Departures

open System
open System.IO
open System.Net.Sockets
open System.Threading.Tasks
open Expecto

let users = [ "alice"; "bob"; "carol"; "dave"; "erin"; "frank"; "grace"; "heidi" ]

let private invite (caller: Phone) (callee: Phone) : Task<struct (byte[] * string * string)> =
    Phone.ask caller "INVITE" callee.Aor $"<{callee.Aor}>" (Phone.offering caller) Phone.sdp

let private recorded (request: Said) =
    [ for value in Said.all "Record-Route" request -> "Record-Route", value ]

/// A client that asks and asks and never reads; the answers are as long as the questions.
let private slow (lab: Laboratory) (transport: string) : Task<unit> =
    task {
        let place = Laboratory.place lab transport

        use socket =
            new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)

        socket.ReceiveBufferSize <- 4096
        do! socket.ConnectAsync place
        use stream = new NetworkStream(socket)

        if transport = "ws" then
            do! WebSocketClient.shakeHands stream place

        let question =
            Said.text (RawSocket.options lab "slow")
            |> _.Replace("branch=", "x=" + String('x', 7000) + ";branch=")
            |> Said.bytes

        let carried =
            if transport = "ws" then
                WebSocketClient.frame 0x81 question
            else
                question

        let mutable isOpen = true
        let mutable written = 0

        while isOpen && written < 100_000_000 do
            try
                do! stream.WriteAsync(carried, Waiting.deadline ())
                written <- written + carried.Length
            with :? IOException ->
                isOpen <- false

        Expect.isFalse isOpen "the server closed the connection"
    }

let private slowReader (lab: Laboratory) transport =
    testCaseTask $"a client that does not read is cut off and harms nobody, on {transport}"
    <| fun () ->
        task {
            use! other = Line.connect transport (Laboratory.place lab transport)
            do! Laboratory.stillAnswers lab other
            do! slow lab transport
            do! lab.Server.Says "it reads too slowly"
            do! Laboratory.stillAnswers lab other
        }

let private calleeGone (lab: Laboratory) =
    testCaseTask "a caller hears 480 when the ringing browser goes away"
    <| fun () ->
        task {
            let! alice = Laboratory.phone lab "udp" "alice"
            let! bob = Laboratory.phone lab "ws" "bob"
            let! struct (sent, _, _) = invite alice bob
            let! ringing = bob.Request "INVITE"
            do! bob.Answer(ringing, 180, "Ringing", recorded ringing, [||])
            let! _ = alice.Response 180
            (bob.Line :> IDisposable).Dispose()
            let! final = alice.Response 480
            do! Phone.acknowledgeFailure alice sent final
        }

let private callerGone (lab: Laboratory) =
    testCaseTask "a ringing phone is called off when the caller's connection ends"
    <| fun () ->
        task {
            let! carol = Laboratory.phone lab "wss" "carol"
            let! dave = Laboratory.phone lab "tcp" "dave"
            let! _ = invite carol dave
            let! ringing = dave.Request "INVITE"
            do! dave.Answer(ringing, 180, "Ringing", recorded ringing, [||])
            let! _ = carol.Response 180
            (carol.Line :> IDisposable).Dispose()
            let! cancel = dave.Request "CANCEL"
            Expect.equal (Said.target cancel) dave.Contact "for the same target"
            do! dave.Answer(cancel, 200, "OK", [], [||])
            do! dave.Answer(ringing, 487, "Request Terminated", [], [||])
            let! _ = dave.Request "ACK"
            ()
        }

let private talkingGone (lab: Laboratory) =
    testCaseTask "a BYE to a browser that went away is answered 430"
    <| fun () ->
        task {
            let! erin = Laboratory.phone lab "tls" "erin"
            let! frank = Laboratory.phone lab "ws" "frank"
            let! _ = invite erin frank
            let! arrived = frank.Request "INVITE"
            do! frank.Answer(arrived, 200, "OK", recorded arrived @ Phone.offering frank, Phone.sdp)
            let! accepted = erin.Response 200
            let dialog = Phone.dialogOfCaller accepted
            (frank.Line :> IDisposable).Dispose()
            do! lab.Server.Says "frank@example.test is registered no more"
            let struct (bye, _) = Phone.within erin dialog "BYE" (erin.NextSequence()) [] [||]
            do! erin.Send bye
            let! _ = erin.Response 430
            ()
        }

// How many contacts a user has, once there are fewer than so many: another shard may hear of it a moment later.
let rec private bound (phone: Phone) (before: int) (tries: int) : Task<int> =
    task {
        let! listed = Phone.register phone
        let now = (Said.all "Contact" listed).Length

        if now < before || tries = 0 then
            return now
        else
            return! bound phone before (tries - 1)
    }

let private bindingDies (lab: Laboratory) =
    testCaseTask "a binding dies with its connection, and the others of the user stay"
    <| fun () ->
        task {
            let! grace = Laboratory.phone lab "udp" "grace"
            let! stays = Laboratory.phone lab "tcp" "heidi"
            let! goes = Laboratory.phone lab "ws" "heidi"
            let! listed = Phone.register goes
            Expect.equal (Said.all "Contact" listed).Length 2 "both are bound"
            (goes.Line :> IDisposable).Dispose()
            do! lab.Server.Says $"{goes.Line.Local} connection"
            let! left = bound stays 2 100
            Expect.equal left 1 "one is left"

            let text = [ "Content-Type", "text/plain;charset=UTF-8" ]
            let wave = Text.Encoding.UTF8.GetBytes "👋"
            let! _ = Phone.ask grace "MESSAGE" stays.Aor $"<{stays.Aor}>" text wave
            let! message = stays.Request "MESSAGE"
            Expect.equal message.Body wave "an emoji byte for byte"
            do! stays.Answer(message, 200, "OK", [], [||])
            let! _ = grace.Response 200

            (stays.Line :> IDisposable).Dispose()
            do! lab.Server.Says "heidi@example.test is registered no more"
            let! _ = Phone.ask grace "MESSAGE" stays.Aor $"<{stays.Aor}>" text wave
            let! _ = grace.Response 480
            ()
        }

/// A server that keeps little for those who do not read.
let prepare (shell: string) : Task<Laboratory> =
    Laboratory.start
        shell
        Laboratory.transports
        "example.test"
        ([ "--queue-bytes"; "65536" ] @ Laboratory.users users)

/// Those of them that any server with the users will do for.
let shared (lab: Laboratory) : Test =
    testList "Departures" [ calleeGone lab; callerGone lab; talkingGone lab; bindingDies lab ]

let all (lab: Laboratory) : Test =
    testList "Departures" [ slowReader lab "tcp"; slowReader lab "ws"; shared lab ]
