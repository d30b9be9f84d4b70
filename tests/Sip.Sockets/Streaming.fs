// Streaming: a stream's messages, however its bytes arrive; keep-alives; what is no SIP on a port of
// SIP (RFC 3261 §18.3, RFC 5626 §4.4.1, RFC 6455 §5, RFC 7118 §5).

module Sip.Sockets.Streaming

open System
open System.IO
open System.Threading.Tasks
open Expecto

let private marks count =
    [ for _ in 1..count -> Guid.NewGuid().ToString "N" ]

/// The bytes that carry a message on this transport.
let private carried (transport: string) (message: byte[]) =
    match transport with
    | "ws"
    | "wss" -> WebSocketClient.frame 0x81 message
    | _ -> message

let private answersInOrder (line: Line) (marks: string list) =
    task {
        for mark in marks do
            let! answer = line.Receive()
            Expect.isTrue (RawSocket.isAnswer mark answer) $"answered in order: {Said.text answer}"
    }

/// A line whose bytes the test writes, and whose messages it reads as any client does.
let private raw
    (lab: Laboratory)
    (transport: string)
    : Task<struct (Stream * (unit -> Task<byte[]>))> =
    task {
        let place = Laboratory.place lab transport
        let! struct (stream, _) = Line.stream (transport = "tls" || transport = "wss") place

        match transport with
        | "ws"
        | "wss" ->
            do! WebSocketClient.shakeHands stream place

            let read () =
                task {
                    let! frame = WebSocketClient.read stream
                    return frame.Payload
                }

            return struct (stream, read)
        | _ ->
            let read () =
                task {
                    let! head = WebSocketClient.readHead stream
                    return Said.bytes head
                }

            return struct (stream, read)
    }

let private write (stream: Stream) (bytes: byte[]) : Task<unit> =
    task {
        do! stream.WriteAsync(bytes, 0, bytes.Length, Waiting.deadline ())
        do! stream.FlushAsync(Waiting.deadline ())
    }

let private streams = [ "tcp"; "tls"; "ws"; "wss" ]

let private byteAtATime lab transport =
    testCaseTask $"a message that comes byte by byte is a message, on {transport}"
    <| fun () ->
        task {
            let! struct (stream, read) = raw lab transport
            use _ = stream
            let mark = List.head (marks 1)

            for one in carried transport (RawSocket.options lab mark) do
                do! write stream [| one |]

            let! answer = read ()
            Expect.isTrue (RawSocket.isAnswer mark answer) "answered"
        }

let private manyAtOnce lab transport =
    testCaseTask $"fifty messages that come in one piece are fifty, on {transport}"
    <| fun () ->
        task {
            let! struct (stream, read) = raw lab transport
            use _ = stream
            let marks = marks 50

            do!
                marks
                |> List.map (fun mark -> carried transport (RawSocket.options lab mark))
                |> Array.concat
                |> write stream

            for mark in marks do
                let! answer = read ()
                Expect.isTrue (RawSocket.isAnswer mark answer) "answered in order"
        }

let private keepAlive lab transport =
    testCaseTask $"a double CRLF is answered by one, on {transport}"
    <| fun () ->
        task {
            use! line = Line.connect transport (Laboratory.place lab transport)
            do! line.Send "\r\n\r\n"B
            let! answer = line.Receive()
            Expect.equal answer "\r\n"B "the pong of RFC 5626"
            do! Laboratory.stillAnswers lab line
        }

let private fragments lab transport =
    testCaseTask $"a ping between fragments is answered before the message, on {transport}"
    <| fun () ->
        task {
            use! socket = RawSocket.connect lab transport
            let mark = List.head (marks 1)
            let message = RawSocket.options lab mark
            do! socket.Write(WebSocketClient.frame 0x01 message[..9])
            do! socket.Write(WebSocketClient.frame 0x89 "are you there"B)
            do! socket.Reads(0x8A, "are you there"B, "the pong")
            do! socket.Write(WebSocketClient.frame 0x00 message[10..99])
            do! socket.Write(WebSocketClient.frame 0x80 message[100..])
            let! answer = socket.Read()
            Expect.isTrue (RawSocket.isAnswer mark answer.Payload) "the message was whole"
            Expect.equal answer.First 0x81 "text goes out as text"
        }

let private lateByHalf lab transport =
    testCaseTask $"a lone CRLF before a message is skipped, on {transport}"
    <| fun () ->
        task {
            use! line = Line.connect transport (Laboratory.place lab transport)
            let mark = List.head (marks 1)
            do! line.Send(Array.append "\r\n"B (RawSocket.options lab mark))
            do! answersInOrder line [ mark ]
        }

let private tooLarge lab transport =
    testCaseTask $"a message over the limit is answered 513 and the stream closed, on {transport}"
    <| fun () ->
        task {
            use! line = Line.connect transport (Laboratory.place lab transport)
            let plain = Said.text (RawSocket.options lab "large")
            do! line.Send(Said.bytes (plain.Replace("Length: 0", "Length: 70000")))
            let! answer = line.Receive()
            Expect.equal (Said.status (Said.read answer)) 513 (Said.text answer)
            let! how = Waiting.upTo "the end" line.Ended
            Expect.equal how (End.Closed 0) "in order"
        }

let private sentence lab transport =
    testCaseTask $"a browser on a port of SIP is told so, on {transport}"
    <| fun () ->
        task {
            let! struct (stream, _) = raw lab transport
            use _ = stream
            do! write stream "GET / HTTP/1.1\r\nHost: a\r\n\r\n"B
            let! said = WebSocketClient.readAll stream
            Expect.stringStarts said "HTTP/1.1 400 " "a refusal"
            Expect.stringContains said "This port is for SIP" "and why"
        }

let private noSip lab =
    testCaseTask "SIP on a port of WebSocket alone ends the connection"
    <| fun () ->
        task {
            let! struct (stream, _) = Line.stream false (Laboratory.place lab "ws")
            use _ = stream
            do! write stream (RawSocket.options lab "x")
            let! said = WebSocketClient.readAll stream
            Expect.equal said "" "nothing is said"
        }

let private halfClosed lab transport =
    testCaseTask $"whoever says the last word still hears the answer, on {transport}"
    <| fun () ->
        task {
            let! struct (stream, socket) = Line.stream false (Laboratory.place lab transport)
            use _ = stream
            do! write stream (RawSocket.options lab "last")
            socket.Shutdown Net.Sockets.SocketShutdown.Send
            let! said = WebSocketClient.readAll stream
            Expect.isTrue (RawSocket.isAnswer "last" (Said.bytes said)) said
        }

let all (lab: Laboratory) : Test =
    testList
        "Streams"
        [
            yield! List.map (byteAtATime lab) streams
            yield! List.map (manyAtOnce lab) streams
            yield! List.map (keepAlive lab) streams
            yield! List.map (fragments lab) [ "ws"; "wss" ]
            yield! List.map (lateByHalf lab) [ "tcp"; "tls" ]
            yield! List.map (tooLarge lab) [ "tcp"; "tls" ]
            yield! List.map (sentence lab) [ "tcp"; "tls" ]
            noSip lab
            halfClosed lab "tcp"
        ]
