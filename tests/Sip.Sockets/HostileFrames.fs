// HostileFrames: every case of the tables of frames and handshakes comes to what stands there and harms
// nobody else; malformed SIP on a WebSocket does not close it (RFC 7118 §5).

module Sip.Sockets.HostileFrames

open System
open System.IO
open System.Threading.Tasks
open Expecto
open Sip.Sockets.FrameCases
open Sip.Sockets.HandshakeCases

let private hex (text: string) =
    Convert.FromHexString(text.Replace(" ", ""))

let private text (payload: string) =
    WebSocketClient.frame 0x81 (Said.bytes payload)

/// The frames that come up to the answer to our question or a Close, without what is said of messages
/// that are no SIP.
let rec private until
    (socket: RawSocket)
    (mark: string)
    : Task<struct ((int * byte[]) list * int)> =
    task {
        let! frame = socket.Read()

        if frame.First = 0x88 then
            let code =
                if frame.Payload.Length = 0 then
                    0
                else
                    WebSocketClient.code frame

            return struct ([], code)
        elif frame.First <> 0x81 then
            let! struct (frames, code) = until socket mark
            return struct ((frame.First, frame.Payload) :: frames, code)
        elif RawSocket.isAnswer mark frame.Payload then
            return struct ([], -1)
        else
            let said = Said.read frame.Payload
            Expect.isGreaterThanOrEqual (Said.status said) 400 said.Start
            return! until socket mark
    }

// Who is told to go by the head of a long frame may be gone before its last byte: what was said before that is
// still to be read.
let private written (socket: RawSocket) (piece: byte[]) : Task<unit> =
    task {
        try
            do! socket.Write piece
        with :? IOException ->
            ()
    }

let private frameTest lab transport (case: FrameCase) =
    testCaseTask $"{case.Name}: {case.Fate}, on {transport}"
    <| fun () ->
        task {
            use! other = Line.connect "ws" (Laboratory.place lab "ws")
            use! socket = RawSocket.connect lab transport
            let mark = Guid.NewGuid().ToString "N"

            let code =
                match case.Fate with
                | Fate.Lives -> -1
                | Fate.Closes code -> code

            for piece in case.Pieces do
                do!
                    if code >= 0 then
                        written socket piece
                    else
                        socket.Write piece

            if code < 0 then
                do! socket.Write(WebSocketClient.frame 0x81 (RawSocket.options lab mark))

            let! struct (frames, came) = until socket mark
            Expect.equal came code "the end of it"
            Expect.equal frames case.Said "what comes back"

            if code >= 0 then
                let! rest = WebSocketClient.readAll socket.Stream
                Expect.equal rest "" "nothing comes behind a Close"

            do! Laboratory.stillAnswers lab other
        }

let private handshakeTest lab transport (case: HandshakeCase) =
    testCaseTask $"{case.Name}: {case.Told}, on {transport}"
    <| fun () ->
        task {
            let place = Laboratory.place lab transport
            let! struct (stream, _) = Line.stream (transport = "wss") place
            use _ = stream
            let text = case.Text.Replace("HOSTNAME", "127.0.0.1").Replace("HOST", string place)
            do! stream.WriteAsync(Said.bytes text, Waiting.deadline ())
            do! stream.FlushAsync(Waiting.deadline ())

            match case.Told with
            | Told.Opened
            | Told.OpenedThenClosed _ ->
                let! said = WebSocketClient.readHead stream
                Expect.stringStarts said "HTTP/1.1 101 " "opened"
                Expect.isFalse (said.Contains "Sec-WebSocket-Extensions") "no extension"
            | Told.Refused status ->
                let! said = WebSocketClient.readAll stream
                Expect.stringStarts said $"HTTP/1.1 {status} " "refused"
                Expect.equal (said.LastIndexOf "HTTP/1.1 ") 0 "one response"
            | Told.Nothing ->
                let! said = WebSocketClient.readAll stream
                Expect.equal said "" "nothing is said"

            match case.Told with
            | Told.OpenedThenClosed code ->
                let! frame = WebSocketClient.read stream
                Expect.equal (WebSocketClient.code frame) code "the code of the Close"
            | Told.Opened
            | Told.Refused _
            | Told.Nothing -> ()
        }

let private malformed: (string * byte[]) list =
    [
        "one byte", text "x"
        "an empty message", text ""
        "a line of words", text "hello there\r\n\r\n"
        "an HTTP request", text "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        "bytes that are no text", WebSocketClient.frame 0x82 (hex "00ff00ff0d0a0d0a")
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
            do! socket.Write(WebSocketClient.frame 0x81 (RawSocket.options lab mark))
            do! answered socket mark
        }

let private count =
    FrameCases.all.Length + HandshakeCases.all.Length + malformed.Length

let private countTest =
    test "more than 250 hostile cases, each over ws and wss" {
        let names =
            [
                yield! FrameCases.all |> List.map _.Name
                yield! HandshakeCases.all |> List.map _.Name
                yield! malformed |> List.map fst
            ]

        Console.WriteLine $"{count} hostile cases"
        Expect.isGreaterThan count 250 "enough of them"
        let twice = names |> List.countBy id |> List.filter (fun (_, times) -> times > 1)
        Expect.isEmpty twice "no case twice"
    }

let all (lab: Laboratory) : Test =
    testList
        "Hostile frames"
        [
            countTest

            for transport in [ "ws"; "wss" ] do
                yield! List.map (frameTest lab transport) FrameCases.all
                yield! List.map (handshakeTest lab transport) HandshakeCases.all
                yield! List.map (malformedTest lab transport) malformed
        ]
