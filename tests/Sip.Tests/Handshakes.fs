// Handshakes: who may open a WebSocket, and what the others are told (RFC 6455 §4.2, RFC 7118 §4).

module Sip.Tests.Handshakes

open System
open Expecto
open Sip
open Sip.Wire

let private good =
    [
        "GET /ws?x=1 HTTP/1.1"
        "Host: sip.example.com:8443"
        "Upgrade: websocket"
        "Connection: keep-alive, Upgrade"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
        "Origin: https://sip.example.com"
        "Sec-WebSocket-Protocol: xmpp, sip"
        "Sec-WebSocket-Version: 13"
    ]

let private rules =
    {
        Paths = Paths.OnlyPaths [ "/"; "/ws" ]
        Hosts = Hosts.OnlyHosts [ "sip.example.com" ]
        Origins = Origins.SameHostOr [ "https://phone.example" ]
    }

let private head lines =
    Text.toBytes (String.Concat(String.concat "\r\n" lines, "\r\n\r\n"))

let private status lines =
    match Handshake.receive rules (ReadOnlySpan(head lines)) with
    | HandshakeOutcome.Accept _ -> 101
    | HandshakeOutcome.Refuse(status, _, _) -> status
    | HandshakeOutcome.Incomplete -> 0

/// The good request with the line of this name replaced.
let private changing (name: string) lines =
    good
    |> List.collect (fun line ->
        if line.StartsWith(name, StringComparison.Ordinal) then
            lines
        else
            [ line ])

let private table =
    [
        "a good handshake", 101, good
        "names in any case", 101, changing "Upgrade" [ "UPGRADE: WebSocket" ]
        "Connection in any case", 101, changing "Connection" [ "connection: upgrade" ]
        "Connection over two lines",
        101,
        changing "Connection" [ "Connection: a"; "Connection: Upgrade" ]
        "no Origin at all", 101, changing "Origin" []
        "an Origin on the list", 101, changing "Origin" [ "Origin: https://phone.example" ]
        "an empty body", 101, good @ [ "Content-Length: 0" ]
        "an extension is not negotiated",
        101,
        good @ [ "Sec-WebSocket-Extensions: permessage-deflate" ]
        "the other path", 101, changing "GET" [ "GET / HTTP/1.1" ]
        "POST", 405, changing "GET" [ "POST /ws HTTP/1.1" ]
        "HTTP/1.0", 505, changing "GET" [ "GET /ws HTTP/1.0" ]
        "two spaces in the request line", 400, changing "GET" [ "GET  /ws HTTP/1.1" ]
        "an unknown path", 404, changing "GET" [ "GET /chat HTTP/1.1" ]
        "an absolute target", 404, changing "GET" [ "GET http://sip.example.com/ws HTTP/1.1" ]
        "no Host", 400, changing "Host" []
        "an empty Host", 400, changing "Host" [ "Host:" ]
        "two Hosts", 400, good @ [ "Host: sip.example.com" ]
        "a foreign Host", 403, changing "Host" [ "Host: evil.example" ]
        "a Host that only begins alike", 403, changing "Host" [ "Host: sip.example.com.evil" ]
        "a foreign Origin", 403, changing "Origin" [ "Origin: https://evil.example" ]
        "an opaque Origin", 403, changing "Origin" [ "Origin: null" ]
        "two Origins", 400, good @ [ "Origin: https://sip.example.com" ]
        "a plain browser", 426, changing "Upgrade" []
        "another upgrade", 400, changing "Upgrade" [ "Upgrade: h2c" ]
        "no Connection", 400, changing "Connection" []
        "Connection that only contains upgrade",
        400,
        changing "Connection" [ "Connection: upgraded" ]
        "no key", 400, changing "Sec-WebSocket-Key" []
        "two keys", 400, good @ [ "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" ]
        "a key of 15 bytes",
        400,
        changing "Sec-WebSocket-Key" [ "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAA" ]
        "a key that is not base64",
        400,
        changing "Sec-WebSocket-Key" [ "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!==" ]
        "version 8", 426, changing "Sec-WebSocket-Version" [ "Sec-WebSocket-Version: 8" ]
        "no version", 426, changing "Sec-WebSocket-Version" []
        "no sub-protocol", 400, changing "Sec-WebSocket-Protocol" []
        "another sub-protocol",
        400,
        changing "Sec-WebSocket-Protocol" [ "Sec-WebSocket-Protocol: sips, xmpp" ]
        "SIP in capitals", 400, changing "Sec-WebSocket-Protocol" [ "Sec-WebSocket-Protocol: SIP" ]
        "a body", 400, good @ [ "Content-Length: 5" ]
        "a chunked body", 400, good @ [ "Transfer-Encoding: chunked" ]
        "a space before the colon", 400, good @ [ "X-Thing : 1" ]
        "a folded line", 400, good @ [ " folded" ]
        "a bare CR", 400, good @ [ "X: a\rb" ]
        "a head over 8 KiB", 431, good @ [ String.Concat("X: ", String('a', 9000)) ]
    ]

let private row (name, expected, lines) =
    test name { Expect.equal (status lines) expected name }

let private said lines =
    match Handshake.receive rules (ReadOnlySpan(head lines)) with
    | HandshakeOutcome.Accept(response, _)
    | HandshakeOutcome.Refuse(_, response, _) -> Text.ofBytes (ReadOnlySpan response)
    | HandshakeOutcome.Incomplete -> ""

let all =
    testList
        "Handshakes"
        [
            testList "of the table" (List.map row table)
            test "the accept key of RFC 6455 section 1.3" {
                Expect.equal
                    (Handshake.acceptOf "dGhlIHNhbXBsZSBub25jZQ==")
                    "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
                    "derived"
            }
            test "the response names sip, the key and no extension" {
                Expect.equal
                    (said good)
                    ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                     + "Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                     + "Sec-WebSocket-Protocol: sip\r\n\r\n")
                    "to the byte"
            }
            test "a browser is told what the port is for" {
                Expect.stringContains
                    (said (changing "Upgrade" []))
                    "This port is for SIP over WebSocket"
                    "a sentence"
            }
            test "another version is told ours" {
                Expect.stringContains
                    (said (changing "Sec-WebSocket-Version" []))
                    "\r\nSec-WebSocket-Version: 13\r\n"
                    "RFC 6455 section 4.4"
            }
            test "every beginning of a handshake is incomplete" {
                let bytes = head good

                for length in 0 .. bytes.Length - 1 do
                    let outcome = Handshake.receive rules (ReadOnlySpan(bytes, 0, length))
                    Expect.equal outcome HandshakeOutcome.Incomplete (string length)
            }
        ]
