// HandshakeCases: how a WebSocket may be asked for, by the polite, the clumsy and the hostile, with
// what must become of each, as a table (RFC 6455 §4.2, RFC 7118 §4, RFC 9112).

module Sip.Sockets.HandshakeCases

open System

/// What the asker must be told.
[<RequireQualifiedAccess>]
type Told =
    /// 101, without any extension.
    | Opened
    /// 101, and then a Close with this code for what came behind the handshake.
    | OpenedThenClosed of Code: int
    /// One response with this status, and the end.
    | Refused of Status: int
    /// Nothing, and the end.
    | Nothing

/// Bytes that a client of HTTP sends first; HOST stands for the server's host and port.
type HandshakeCase =
    {
        Name: string
        Text: string
        Told: Told
    }

let private good =
    [
        "GET / HTTP/1.1"
        "Host: HOST"
        "Upgrade: websocket"
        "Connection: Upgrade"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
        "Sec-WebSocket-Protocol: sip"
        "Sec-WebSocket-Version: 13"
    ]

let private text (lines: string list) = String.Join("\r\n", lines) + "\r\n\r\n"

let private case told name (lines: string list) =
    {
        Name = name
        Text = text lines
        Told = told
    }

let private refused status name lines = case (Told.Refused status) name lines
let private opened name lines = case Told.Opened name lines
let private without name = WebSocketClient.changing name [] good

let private changing name line =
    WebSocketClient.changing name [ line ] good

let private adding (lines: string list) = good @ lines

let private requestLines =
    [
        for method in [ "POST"; "PUT"; "HEAD"; "OPTIONS"; "DELETE"; "TRACE"; "PATCH"; "get"; "PRI" ] do
            refused 405 $"{method}" (changing "GET" $"{method} / HTTP/1.1")

        for version in
            [
                "HTTP/1.0"
                "HTTP/0.9"
                "HTTP/2.0"
                "HTTP/1.2"
                "HTTP/3"
                "http/1.1"
                "XMPP/1.1"
            ] do
            refused 505 $"version {version}" (changing "GET" $"GET / {version}")

        refused 505 "the preface of HTTP/2" [ "PRI * HTTP/2.0"; ""; "SM" ]
        refused 404 "an asterisk for a path" (changing "GET" "GET * HTTP/1.1")
        refused 400 "no version" (changing "GET" "GET /")
        refused 400 "two spaces" (changing "GET" "GET /  HTTP/1.1")
        refused 400 "a space at the end" (changing "GET" "GET / HTTP/1.1 ")
        refused 400 "a tab for a space" (changing "GET" "GET /\tHTTP/1.1")
        refused 400 "a space in the path" (changing "GET" "GET /a b HTTP/1.1")
        case Told.Nothing "an absolute target" (changing "GET" "GET http://HOST/ HTTP/1.1")
        case Told.Nothing "a tunnel" (changing "GET" "CONNECT HOST HTTP/1.1")
        case Told.Nothing "a line end before the request" ("" :: good)
        opened "a query" (changing "GET" "GET /?token=x HTTP/1.1")
    ]

let private fields =
    [
        for name, status in
            [
                "Host", 400
                "Upgrade", 426
                "Connection", 400
                "Sec-WebSocket-Key", 400
                "Sec-WebSocket-Protocol", 400
                "Sec-WebSocket-Version", 426
            ] do
            refused status $"no {name}" (without name)
            refused status $"an empty {name}" (changing name $"{name}:")

        for line in
            [
                "Host: HOST"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
                "Sec-WebSocket-Version: 13"
            ] do
            refused 400 $"twice {line}" (adding [ line ])

        for value in [ "h2c"; "websockets"; "web socket"; "TLS/1.0"; "h2c, foo" ] do
            refused 400 $"Upgrade: {value}" (changing "Upgrade" $"Upgrade: {value}")

        for value in [ "close"; "keep-alive"; "Upgraded"; "close, keep-alive" ] do
            refused 400 $"Connection: {value}" (changing "Connection" $"Connection: {value}")

        for value in [ "8"; "12"; "14"; "013"; "13, 8"; "+13"; "thirteen"; "13.0" ] do
            refused
                426
                $"version {value} of the protocol"
                (changing "Sec-WebSocket-Version" $"Sec-WebSocket-Version: {value}")

        for key in
            [
                "short"
                "dGhlIHNhbXBsZSBub25jZQ"
                "dGhlIHNhbXBsZSBub25jZQ="
                "dGhlIHNhbXBsZSBub25jZSE="
                "dGhlIHNhbXBsZSBub25jZSEh"
                "dGhlIHNhbXBsZSBub2 jZQ=="
                "!!!!!!!!!!!!!!!!!!!!!!=="
                "dGhlIHNhbXBsZSBub25j"
            ] do
            refused 400 $"the key {key}" (changing "Sec-WebSocket-Key" $"Sec-WebSocket-Key: {key}")

        for value in [ "sips"; "SIP"; "xmpp"; "sip;q=1"; "\"sip\""; "si p"; "mqtt, xmpp" ] do
            refused
                400
                $"the sub-protocol {value}"
                (changing "Sec-WebSocket-Protocol" $"Sec-WebSocket-Protocol: {value}")

        for value in [ "sip, xmpp"; "xmpp,sip"; ", sip ,"; "xmpp\r\nSec-WebSocket-Protocol: sip" ] do
            opened
                $"the sub-protocols {value}"
                (changing "Sec-WebSocket-Protocol" $"Sec-WebSocket-Protocol: {value}")

        opened "names in capitals" (changing "Upgrade" "UPGRADE: WebSocket")
        opened "Connection with more" (changing "Connection" "Connection: keep-alive, Upgrade")
    ]

/// What two readers of HTTP might understand differently (RFC 9112 §11.2).
let private desync =
    let second = "GET /second HTTP/1.1\r\nHost: HOST\r\n\r\n"

    let followed told name (lines: string list) (behind: string) =
        {
            Name = name
            Text = text lines + behind
            Told = told
        }

    [
        for length in
            [
                "1"
                "5"
                "+0"
                "-1"
                "0x0"
                "00"
                "0, 0"
                "0 0"
                "5, 0"
                "99999999999999999999"
                ""
            ] do
            followed
                (Told.Refused 400)
                $"a body of length '{length}'"
                (adding [ $"Content-Length: {length}" ])
                second

        for coding in
            [
                "chunked"
                "identity"
                "gzip, chunked"
                "xchunked"
                "Chunked"
                "chunked, identity"
                "\"chunked\""
                ""
            ] do
            followed
                (Told.Refused 400)
                $"a body coded '{coding}'"
                (adding [ $"Transfer-Encoding: {coding}" ])
                ("0\r\n\r\n" + second)

        followed
            (Told.Refused 400)
            "a length and a coding"
            (adding [ "Content-Length: 5"; "Transfer-Encoding: chunked" ])
            ("0\r\n\r\n" + second)

        followed
            (Told.Refused 400)
            "two lengths"
            (adding [ "Content-Length: 0"; "Content-Length: 0" ])
            second
        followed
            (Told.Refused 400)
            "two unlike lengths"
            (adding [ "Content-Length: 0"; "Content-Length: 9" ])
            second

        followed
            (Told.Refused 400)
            "an extension of a chunk that ends early"
            (adding [ "Transfer-Encoding: chunked" ])
            ("2;\nxx\r\n4c\r\n0\r\n\r\n" + second)

        opened "a body of no length" (adding [ "Content-Length: 0" ])
        followed (Told.OpenedThenClosed 1002) "a second request behind the first" good second
        followed
            (Told.OpenedThenClosed 1002)
            "a message of SIP behind the request"
            good
            "OPTIONS sip:a SIP/2.0\r\n"

        for name, line in
            [
                "a folded field", "X: a\r\n b"
                "a field folded by a tab", "X: a\r\n\tb"
                "a space before a colon", "X : a"
                "a tab before a colon", "X\t: a"
                "a space before a name", " X: a"
                "no colon", "X"
                "no name", ": a"
                "a name that is no token", "X(y): a"
                "a name that is no ASCII", "X\u00E9: a"
                "a bare line feed", "X: a\nTransfer-Encoding: chunked"
                "a bare carriage return", "X: a\rTransfer-Encoding: chunked"
                "a null", "X: a\000b"
                "a delete", "X: a\127b"
                "a coding that hides behind a space", "Transfer-Encoding : chunked"
                "a coding that hides behind a tab", "Transfer-Encoding\t: chunked"
                "a length that hides behind a null", "Content-Length\000: 5"
            ] do
            followed (Told.Refused 400) name (adding [ line ]) second

        refused 431 "a head over the limit" (adding [ "X: " + String('x', 9000) ])
        refused 431 "a head of a thousand fields" (adding [ for i in 1..1000 -> $"X{i}: yyyy" ])
        opened "a head near the limit" (adding [ "X: " + String('x', 7800) ])
    ]

let private origins =
    [
        for origin in
            [
                "https://evil.example"
                "null"
                ""
                "HOSTNAME"
                "//HOSTNAME"
                "https://HOSTNAME.evil.example"
                "https://evilHOSTNAME"
                "https://evil.example/HOSTNAME"
                "https://HOSTNAME@evil.example"
                "https://evil.example#HOSTNAME"
                "https://HOSTNAME/"
                "https://HOSTNAME "
                "https://HOSTNAME:evil.example"
                "https://HOSTNAME:80:80"
                "https://HOSTNAME:"
                "https://HOSTNAME, https://evil.example"
                "https://evil.example https://HOSTNAME"
                "https://HOSTNAME\\.evil.example"
                "https://xn--HOSTNAME"
                "https://127.0.0.2"
                "https://2130706433"
                "https://0x7f.0.0.1"
                "https://[::ffff:127.0.0.1]"
                "file://"
            ] do
            refused 403 $"Origin: '{origin}'" (adding [ $"Origin: {origin}" ])

        refused
            400
            "two Origins"
            (adding [ "Origin: https://HOSTNAME"; "Origin: https://evil.example" ])

        for origin in [ "http://HOSTNAME"; "https://HOSTNAME"; "https://HOSTNAME:8443" ] do
            opened $"Origin: '{origin}'" (adding [ $"Origin: {origin}" ])
    ]
    // A value that ends in a space has none.
    |> List.map (fun case ->
        if case.Name = "Origin: 'https://HOSTNAME '" then
            { case with Told = Told.Opened }
        else
            case)

/// Compression is asked for in fifty ways and never granted (RFC 7692; CRIME, bombs).
let private extensions =
    [
        for name in
            [
                "permessage-deflate"
                "x-webkit-deflate-frame"
                "deflate-frame"
                "permessage-bzip2"
                "mux"
            ] do
            for parameters in
                [
                    ""
                    "; client_max_window_bits"
                    "; client_max_window_bits=8"
                    "; server_max_window_bits=15"
                    "; server_no_context_takeover"
                    "; client_no_context_takeover"
                    "; server_no_context_takeover; client_max_window_bits"
                    "; server_max_window_bits=\"10\""
                    "; unknown=1"
                    ", permessage-deflate"
                ] do
                opened
                    $"the extension {name}{parameters}"
                    (adding [ $"Sec-WebSocket-Extensions: {name}{parameters}" ])
    ]

/// Every case.
let all: HandshakeCase list = requestLines @ fields @ desync @ origins @ extensions
