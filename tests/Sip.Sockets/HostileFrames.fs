// HostileFrames: frames that break RFC 6455 close the WebSocket with the right code and harm nobody
// else; malformed SIP on a WebSocket does not close it (RFC 7118 §5).

module Sip.Sockets.HostileFrames

open System
open System.Threading.Tasks
open Expecto

let private frame = WebSocketClient.frame

let private hex (text: string) =
    Convert.FromHexString(text.Replace(" ", ""))

let private text (payload: string) = frame 0x81 (Said.bytes payload)
let private closing (code: string) = frame 0x88 (hex code)

let private closes: (string * int * byte[]) list =
    [
        "a frame that is not masked", 1002, hex "810548656c6c6f"
        "the first reserved bit", 1002, frame 0xC1 "a"B
        "the second reserved bit", 1002, frame 0xA1 "a"B
        "the third reserved bit", 1002, frame 0x91 "a"B
        "opcode 3", 1002, frame 0x83 "a"B
        "opcode 7", 1002, frame 0x87 "a"B
        "opcode 11", 1002, frame 0x8B "a"B
        "opcode 15", 1002, frame 0x8F "a"B
        "a ping in fragments", 1002, frame 0x09 "a"B
        "a Close in fragments", 1002, frame 0x08 (hex "03e8")
        "a ping of 126 bytes", 1002, frame 0x89 (Array.create 126 'a'B)
        "a pong of 126 bytes", 1002, frame 0x8A (Array.create 126 'a'B)
        "a continuation of nothing", 1002, frame 0x80 "a"B
        "a message inside a message", 1002, Array.append (frame 0x01 "a"B) (frame 0x81 "b"B)
        "a short length in two bytes", 1002, hex "81fe007d00000000"
        "a short length in eight bytes", 1002, hex "81ff000000000000ffff00000000"
        "the high bit of a length", 1002, hex "81ff800000000001000000000000"
        "a Close of one byte", 1002, closing "03"
        "a Close with 999", 1002, closing "03e7"
        "a Close with 1005", 1002, closing "03ed"
        "a Close with 1006", 1002, closing "03ee"
        "a Close with 5000", 1002, closing "1388"
        "a text that is not UTF-8", 1007, frame 0x81 (hex "c328")
        "fragments that are not UTF-8", 1007, Array.append (frame 0x01 (hex "c3")) (frame 0x80 "("B)
        "a Close whose reason is not UTF-8", 1007, closing "03e8ff"
        "64 fragments and one",
        1008,
        Array.concat [ for i in 0..64 -> frame (if i = 0 then 1 else 0) "a"B ]
        "a message over the limit", 1009, hex "81ff000000000001000100000000"
        "fragments over the limit",
        1009,
        Array.concat [ for i in 0..2 -> frame (if i = 0 then 1 else 0) (Array.create 30000 'a'B) ]
        "a Close without a code is echoed", 0, frame 0x88 [||]
        "a Close with 1000 is echoed", 1000, closing "03e8"
        "a Close with 1001 is echoed", 1001, closing "03e9"
        "a Close with 4999 is echoed", 4999, closing "1387"
    ]

let private closeTest lab transport (name: string, code: int, bytes: byte[]) =
    let outcome = if code = 0 then "without one" else $"closes with {code}"

    testCaseTask $"{name}: {outcome}, on {transport}"
    <| fun () ->
        task {
            use! other = Line.connect transport (Laboratory.place lab transport)
            use! socket = RawSocket.connect lab transport
            do! socket.Write bytes

            if code = 0 then
                do! socket.Reads(0x88, [||], "an empty Close")
                let! rest = WebSocketClient.readAll socket.Stream
                Expect.equal rest "" "the end"
            else
                do! socket.Closes code

            do! Laboratory.stillAnswers lab other
        }

let private malformed: (string * byte[]) list =
    [
        "one byte", text "x"
        "an empty message", text ""
        "a line of words", text "hello there\r\n\r\n"
        "an HTTP request", text "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        "bytes that are no text", frame 0x82 (hex "00ff00ff0d0a0d0a")
        "a head that does not end",
        text "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/WS a;branch=z9hG4bKx\r\n"
        "a request without fields", text "OPTIONS sip:a@b SIP/2.0\r\n\r\n"
        "a response without fields", text "SIP/2.0 200 OK\r\n\r\n"
        "a thousand colons", text (String(':', 1000) + "\r\n\r\n")
        "nothing but line ends", text (String.replicate 100 "\r\n")
        "a body longer than there is", text "OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 9\r\n\r\n"
        "a field over its limit",
        text ("OPTIONS sip:a@b SIP/2.0\r\nX: " + String('x', 20000) + "\r\n\r\n")
        "a thousand fields",
        text ("OPTIONS sip:a@b SIP/2.0\r\n" + String.replicate 1000 "X: y\r\n" + "\r\n")
    ]

/// What comes before the answer to our OPTIONS must be refusals, never a Close.
let rec private answered (socket: RawSocket) (mark: string) : Task<unit> =
    task {
        let! frame = socket.Read()

        if frame.Payload.Length > 2 then
            let said = Said.read frame.Payload

            if not (RawSocket.isAnswer mark frame.Payload) then
                Expect.isGreaterThanOrEqual (Said.status said) 400 said.Start
                do! answered socket mark
        else
            Expect.equal frame.Payload "\r\n"B "nothing else than a keep-alive's answer"
            do! answered socket mark
    }

let private malformedTest lab transport (name: string, bytes: byte[]) =
    testCaseTask $"{name} on {transport} is no SIP, and the connection lives on"
    <| fun () ->
        task {
            use! socket = RawSocket.connect lab transport
            let mark = Guid.NewGuid().ToString "N"
            do! socket.Write bytes
            do! socket.Write(frame 0x81 (RawSocket.options lab mark))
            do! answered socket mark
        }

let all (lab: Laboratory) : Test =
    testList
        "Hostile frames"
        [
            for transport in [ "ws"; "wss" ] do
                yield! List.map (closeTest lab transport) closes
                yield! List.map (malformedTest lab transport) malformed
        ]
