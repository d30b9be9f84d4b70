// Doors: who gets a WebSocket and what the others are told (RFC 6455 §4.2, RFC 7118 §4), one port for
// SIP and WebSocket together, and health behind a path and a name.

module Sip.Sockets.Doors

open System
open System.Net.Http
open System.Threading.Tasks
open Expecto

let private path = "/sip"
let private host = "sip.example.test"
let private origin = "https://phone.example"

let private polite (lab: Laboratory) =
    WebSocketClient.polite (Laboratory.place lab "ws")
    |> WebSocketClient.changing "GET" [ $"GET {path} HTTP/1.1" ]
    |> WebSocketClient.changing "Host" [ $"Host: {host}:8080" ]

/// What differs, the status, and words of the answer.
let private table: (string * (string * string list) * int * string) list =
    [
        "a handshake in order", ("none", []), 101, "Sec-WebSocket-Protocol: sip\r\n"
        "a page that is allowed",
        ("Connection", [ "Connection: Upgrade"; $"Origin: {origin}" ]),
        101,
        ""
        "a page of the same host",
        ("Connection", [ "Connection: Upgrade"; $"Origin: https://{host}" ]),
        101,
        ""
        "sip among others",
        ("Sec-WebSocket-Protocol", [ "Sec-WebSocket-Protocol: xmpp, sip" ]),
        101,
        ""
        "no sub-protocol", ("Sec-WebSocket-Protocol", []), 400, "does not offer sip"
        "another sub-protocol",
        ("Sec-WebSocket-Protocol", [ "Sec-WebSocket-Protocol: sips" ]),
        400,
        "does not offer sip"
        "another version",
        ("Sec-WebSocket-Version", [ "Sec-WebSocket-Version: 8" ]),
        426,
        "Sec-WebSocket-Version: 13\r\n"
        "a bad key", ("Sec-WebSocket-Key", [ "Sec-WebSocket-Key: short" ]), 400, "Sec-WebSocket-Key"
        "a foreign Host", ("Host", [ "Host: evil.example" ]), 403, "Host"
        "a foreign page",
        ("Connection", [ "Connection: Upgrade"; "Origin: https://evil.example" ]),
        403,
        "Origin"
        "another path", ("GET", [ "GET /chat HTTP/1.1" ]), 404, "no WebSocket at this path"
        "a plain browser", ("Upgrade", []), 426, "This port is for SIP over WebSocket"
    ]

let private door (lab: Laboratory) (name, (line, lines), status: int, words: string) =
    testCaseTask $"{name} gets {status}"
    <| fun () ->
        task {
            let! struct (stream, socket) = Line.stream false (Laboratory.place lab "ws")
            use _ = stream
            let lines = WebSocketClient.changing line lines (polite lab)
            do! stream.WriteAsync(WebSocketClient.head lines, Waiting.deadline ())

            if status = 101 then
                let! said = WebSocketClient.readHead stream
                Expect.stringStarts said "HTTP/1.1 101 " "opened"
                Expect.stringContains said words "as asked"
                Expect.isFalse (said.Contains "Sec-WebSocket-Extensions") "no extension"
            else
                let! said = WebSocketClient.readAll stream
                Expect.stringStarts said $"HTTP/1.1 {status} " "refused"
                Expect.stringContains said words "the reason"
                do! lab.Server.Says $"{socket.LocalEndPoint} connection"
                Expect.stringContains lab.Server.Output "refused: " "and logged"
        }

let private ask (lab: Laboratory) (path: string) : Task<struct (int * string)> =
    task {
        use client = new HttpClient()

        use! response =
            client.GetAsync($"http://127.0.0.1:{lab.Pages}{path}", Waiting.deadline ())

        let! said = response.Content.ReadAsStringAsync()
        return struct (int response.StatusCode, said)
    }

let private isReady (lab: Laboratory) =
    task {
        let! struct (status, said) = ask lab "/health/ready"
        Expect.equal (status, said) (200, "ready\n") "every listener answered an OPTIONS"
        let! struct (status, said) = ask lab "/health/live"
        Expect.equal (status, said) (200, "live\n") "the process lives"
    }

let private readyTest (lab: Laboratory) =
    testCaseTask "a server behind a path and a name is ready"
    <| fun () -> isReady lab

/// Of a server with every listener.
let health (lab: Laboratory) =
    testCaseTask "the server says that it lives and that every listener answers"
    <| fun () -> isReady lab

let private onePort shell =
    testCaseTask "one port serves SIP over TCP and over WebSocket, told apart by the first bytes"
    <| fun () ->
        task {
            let port = Ports.take ()
            let ports = Map [ "tcp", port; "ws", port ]
            let! lab = Laboratory.startOn shell ports (Ports.take ()) "example.test" []
            use _ = lab.Server

            for transport in [ "tcp"; "ws" ] do
                use! line = Line.connect transport (Laboratory.place lab transport)
                do! Laboratory.stillAnswers lab line

            let! code = lab.Server.Stop()
            Expect.equal code 0 "a clean stop"
        }

/// A server that only lets some in.
let guarded (shell: string) : Task<Laboratory> =
    Laboratory.start
        shell
        [ "ws"; "wss" ]
        "example.test"
        [ "--path"; path; "--host-name"; host; "--origin"; origin ]

let all (shell: string) (lab: Laboratory) : Test =
    testList "Doors" [ yield! List.map (door lab) table; readyTest lab; onePort shell ]
