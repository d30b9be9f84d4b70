// Streams: exhibits that broke the framing of streams, the upgrade to WebSocket, and datagrams that are no SIP.

module Sip.Museum.Streams

open System
open Sip

let private closed, ignored = Exhibit.closed, Exhibit.ignored

let private handshake (more: string) =
    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    + more
    + "\r\n\r\n"

let private headOf (length: string) =
    (Exhibit.request "OPTIONS" [ "Content-Length: " + length ])

/// On streams of SIP and of HTTP.
let streams: Exhibit list =
    [
        closed
            "CVE-2026-58268 (SIPGO)"
            "memory was taken for the length that a head declared: killed by one head"
            (headOf "4611686018427387904")
        closed
            "OpenSIPS proto_tcp and proto_ws, capped 2026-03-03"
            "a declared length beyond the read buffer"
            (headOf "65537")
        closed
            "CVE-2018-12584 (reSIProcate)"
            "a body behind a length that was not its own overran the connection's buffer"
            ("OPTIONS sip:example.test SIP/2.0\r\nl: 0\r\nl: 900\r\n\r\n" + String('a', 900))
        closed
            "CVE-2012-5976 (Asterisk)"
            "a head that never ends was put on the stack: the stack was gone"
            ("OPTIONS sip:example.test SIP/2.0\r\nX: " + String('a', 70_000))
        closed
            "reSIProcate 2018, no Content-Length"
            "where the next message begins was guessed"
            "OPTIONS sip:example.test SIP/2.0\r\nVia: SIP/2.0/TCP a.invalid;branch=z9hG4bK1\r\n\r\n"
        closed
            "AST-2018-009, CVE-2018-17281 (Asterisk)"
            "fields of a handshake without number were put on the stack"
            (handshake (String.Join("\r\n", [ for i in 1..2000 -> $"X{i}: y" ])))
        closed
            "CVE-2024-37890 (ws)"
            "more fields in a handshake than were counted: a null pointer"
            (handshake (String.Join("\r\n", [ for i in 1..1500 -> "Upgrade: a" ])))
        closed
            "CVE-2021-32640 (ws)"
            "white space in the sub-protocols cost the square of its length"
            (handshake ("Sec-WebSocket-Protocol: a" + String(' ', 7000) + "b"))
        closed
            "CVE-2020-7662 (websocket-extensions)"
            "an extension's parameter that never ends cost for ever"
            (handshake ("Sec-WebSocket-Extensions: a;b=\"" + String.replicate 3000 "\\c"))
        closed
            "CVE-2025-55315 (Kestrel)"
            "a line end inside a chunk's extension: the next request came from somebody else"
            "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;\nxx\r\nab\r\n0\r\n\r\nGET /admin HTTP/1.1\r\nHost: a\r\n\r\n"
        closed
            "CVE-2023-44487 (HTTP/2)"
            "streams opened and reset as fast as they can be"
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u0000\u0000\u0000\u0004\u0000\u0000\u0000\u0000\u0000"
        closed
            "Kamailio, sub-protocols that it does not know (2018)"
            "a WebSocket for something else was opened all the same"
            (handshake "Sec-WebSocket-Protocol: chat")
    ]

let private stun (length: int) (attributes: byte[]) =
    Array.concat
        [
            [| 0uy; 1uy; byte (length >>> 8); byte length; 0x21uy; 0x12uy; 0xA4uy; 0x42uy |]
            Array.create 12 7uy
            attributes
        ]

/// Datagrams that are no SIP.
let datagrams: Exhibit list =
    [
        ignored
            "CVE-2022-26143 (Mitel TP-240)"
            "a test verb that a stranger could ask for: four thousand million packets for one"
            (Text.toBytes "call.startblast 2000 1")
        ignored
            "CVE-2021-37706 (PJSIP)"
            "a STUN attribute longer than the message that it stands in"
            (stun 8 [| 0uy; 9uy; 0xFFuy; 0xFFuy; 0uy; 0uy; 4uy; 1uy |])
        ignored
            "CVE-2022-31031 (PJSIP)"
            "a STUN attribute that filled more than the buffer for it"
            (stun 1004 (Array.concat [ [| 0uy; 6uy; 3uy; 0xE8uy |]; Array.create 500 1uy ]))
        ignored
            "CVE-2023-32307 (sofia-sip)"
            "a STUN length that wrapped around"
            (stun 65535 [| 0uy; 1uy; 0xFFuy; 0xFDuy |])
        ignored "one byte" "read two bytes further" [| 0uy |]
        ignored "nothing but NULs" "a keep-alive that was read as a message" (Array.zeroCreate 1400)
        ignored
            "nothing but line ends"
            "each was answered"
            (Text.toBytes (String.replicate 600 "\r\n"))
    ]
