// WebSocketFrames: frames as they stand in RFC 6455, frames that break its rules, and what a
// connection makes of them (RFC 6455 §5, §7; RFC 7118 §5).

module Sip.Tests.WebSocketFrames

open System
open System.Buffers
open Expecto
open Sip
open Sip.Wire

let private now = Instant.FromMilliseconds 1000L
let private later seconds = now.After(seconds * 1000L<ms>)

let private rules: StreamRules =
    {
        Serving = Serving.Either
        Limits = Limits.usual
        Handshake = Handshake.anything
    }

let private handshake =
    Text.toBytes (
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\n"
        + "Sec-WebSocket-Version: 13\r\n\r\n"
    )

let private receive state (bytes: byte[]) =
    Stream.receive rules now state (Span bytes)

let private opened = (receive (Stream.accepted rules now) handshake).State

let private hex (text: string) =
    Convert.FromHexString(text.Replace(" ", ""))

/// A client's frame, with its first byte, a mask of zeroes and this payload.
let private frame (first: int) (payload: byte[]) =
    let length =
        if payload.Length < 126 then
            [| 0x80uy ||| byte payload.Length |]
        else
            [| 0xFEuy; byte (payload.Length >>> 8); byte payload.Length |]

    Array.concat [ [| byte first |]; length; Array.zeroCreate 4; payload ]

/// What a connection says to these bytes, in words: the events up to the first that closes.
let private said (bytes: byte[]) =
    let rec go (state: StreamState) (bytes: byte[]) (words: string list) =
        let step = receive state bytes
        let rest = bytes[step.Consumed ..]
        let next word = go step.State rest (word :: words)
        let written = Convert.ToHexString step.Bytes

        match step.Event with
        | StreamEvent.NeedMore -> List.rev words
        | StreamEvent.Message -> next (Text.ofBytes (ReadOnlySpan(bytes, step.Offset, step.Length)))
        | StreamEvent.Assembled -> next ("+" + Text.ofBytes (ReadOnlySpan step.Bytes))
        | StreamEvent.Write -> next ("write " + written)
        | StreamEvent.Upgraded -> next "upgraded"
        | StreamEvent.Broken -> next step.Reason
        | StreamEvent.TooLarge -> next step.Reason
        | StreamEvent.CloseAfter ->
            let close =
                if written.Length >= 8 then
                    written.Substring(4, 4)
                else
                    written

            List.rev ("close " + close :: words)

    go opened bytes []

let private fragments count size =
    [
        for i in 0 .. count - 1 -> frame (if i = 0 then 0x02 else 0x00) (Array.create size 'x'B)
    ]
    |> Array.concat

let private closing code = frame 0x88 (hex code)

let private table =
    [
        "a masked Hello of section 5.7", hex "818537fa213d7f9f4d5158", [ "Hello" ]
        "a ping of section 5.7", hex "898537fa213d7f9f4d5158", [ "write 8A0548656C6C6F" ]
        "an unmasked Hello of section 5.7", hex "810548656c6c6f", [ "close 03EA" ]
        "fragments of section 5.7, masked",
        hex "0183 00000000 48656c 8082 00000000 6c6f",
        [ "+Hello" ]
        "binary is delivered too", frame 0x82 (hex "ff00"), [ "\u00FF\u0000" ]
        "an empty message", frame 0x81 [||], [ "" ]
        "two messages", Array.append (frame 0x81 "a"B) (frame 0x81 "b"B), [ "a"; "b" ]
        "126 bytes", frame 0x81 (Array.create 126 'a'B), [ String('a', 126) ]
        "RSV1", frame 0xC1 "a"B, [ "close 03EA" ]
        "RSV2", frame 0xA1 "a"B, [ "close 03EA" ]
        "RSV3", frame 0x91 "a"B, [ "close 03EA" ]
        "opcode 3", frame 0x83 "a"B, [ "close 03EA" ]
        "opcode 7", frame 0x87 "a"B, [ "close 03EA" ]
        "opcode 11", frame 0x8B "a"B, [ "close 03EA" ]
        "opcode 15", frame 0x8F "a"B, [ "close 03EA" ]
        "125 in two bytes", hex "81fe007d00000000", [ "close 03EA" ]
        "65535 in eight bytes", hex "81ff000000000000ffff00000000", [ "close 03EA" ]
        "the high bit of a length", hex "81ff800000000001000000000000", [ "close 03EA" ]
        "a length over the limit", hex "81ff000000000001000100000000", [ "close 03F1" ]
        "a length beyond an int", hex "82ff7fffffffffffffff00000000", [ "close 03F1" ]
        "a ping of 126 bytes", frame 0x89 (Array.create 126 'a'B), [ "close 03EA" ]
        "a ping of 125 bytes",
        frame 0x89 (Array.create 125 'a'B),
        [ "write 8A7D" + String.replicate 125 "61" ]
        "an empty ping", frame 0x89 [||], [ "write 8A00" ]
        "a ping in fragments", frame 0x09 [||], [ "close 03EA" ]
        "a pong nobody asked for", Array.append (frame 0x8A "a"B) (frame 0x81 "b"B), [ "b" ]
        "a ping between fragments",
        Array.concat [ frame 0x01 "a"B; frame 0x89 [||]; frame 0x80 "b"B ],
        [ "write 8A00"; "+ab" ]
        "a continuation of nothing", frame 0x80 "a"B, [ "close 03EA" ]
        "a message inside a message",
        Array.append (frame 0x01 "a"B) (frame 0x81 "b"B),
        [ "close 03EA" ]
        "text that is not UTF-8", frame 0x81 (hex "c328"), [ "close 03EF" ]
        "fragments that are not UTF-8",
        Array.append (frame 0x01 (hex "c3")) (frame 0x80 "("B),
        [ "close 03EF" ]
        "a letter cut by fragments",
        Array.append (frame 0x01 (hex "c3")) (frame 0x80 (hex "a9")),
        [ "+\u00C3\u00A9" ]
        "an empty close", frame 0x88 [||], [ "close 8800" ]
        "a close of one byte", closing "03", [ "close 03EA" ]
        "close 1000", closing "03e8", [ "close 03E8" ]
        "close 1003", closing "03eb", [ "close 03EB" ]
        "close 1014", closing "03f6", [ "close 03F6" ]
        "close 3000", closing "0bb8", [ "close 0BB8" ]
        "close 4999", closing "1387", [ "close 1387" ]
        "close 999", closing "03e7", [ "close 03EA" ]
        "close 1004", closing "03ec", [ "close 03EA" ]
        "close 1005", closing "03ed", [ "close 03EA" ]
        "close 1006", closing "03ee", [ "close 03EA" ]
        "close 1015", closing "03f7", [ "close 03EA" ]
        "close 2999", closing "0bb7", [ "close 03EA" ]
        "close 5000", closing "1388", [ "close 03EA" ]
        "a close whose reason is not UTF-8", closing "03e8ff", [ "close 03EF" ]
        "16 fragments and one", fragments 17 1, [ "close 03F0" ]
        "15 fragments whose charge is over the limit", fragments 15 4300, [ "close 03F1" ]
        "few fragments over the limit", fragments 3 30000, [ "close 03F1" ]
        "CRLFCRLF is answered", frame 0x81 "\r\n\r\n"B, [ "write 81020D0A" ]
        "CRLF is answered", frame 0x82 "\r\n"B, [ "write 81020D0A" ]
    ]

let private row (name, bytes: byte[], expected) =
    test name { Expect.equal (said (Array.copy bytes)) expected name }

let private wrapped state (message: byte[]) =
    let target = ArrayBufferWriter<byte>()
    Stream.wrap state (ReadOnlySpan message) target
    Convert.ToHexString target.WrittenSpan

let all =
    testList
        "Streams"
        [
            testList "of the table" (List.map row table)
            test "text goes out as text, anything else as binary, SIP as it is" {
                Expect.equal (wrapped opened "Hello"B) "810548656C6C6F" "section 5.7"
                Expect.equal (wrapped opened (hex "ff")) "8201FF" "not UTF-8"
                Expect.equal (wrapped Stream.dialled (hex "ff")) "FF" "no frame"
                let long = wrapped opened (Array.create 65536 'a'B)
                Expect.stringStarts long "817F000000000001000061" "eight bytes of length"
            }
            test "a silent client is pinged after 30 s and given up after 15 s more" {
                let first = receive opened (frame 0x81 "a"B)
                Expect.equal first.State.Wake (later 30L) "the ping"
                let ping = Stream.tick (later 30L) first.State
                Expect.equal ping.Bytes [| 0x89uy; 0uy |] "a ping"
                Expect.equal ping.State.Wake (later 45L) "the pong"
                let gone = Stream.tick (later 45L) ping.State
                Expect.equal gone.Event StreamEvent.CloseAfter "given up"
            }
            test "a pong keeps the connection" {
                let first = receive opened (frame 0x81 "a"B)
                let ping = Stream.tick (later 30L) first.State
                let pong = Stream.receive rules (later 31L) ping.State (Span(frame 0x8A [||]))
                Expect.equal pong.State.Wake (later 61L) "the next ping"
            }
            test "whoever says nothing is given up" {
                let silent = Stream.accepted rules now
                Expect.equal silent.Wake (later 10L) "the first message"
                Expect.equal (Stream.tick (later 9L) silent).Event StreamEvent.NeedMore "not yet"
                Expect.equal (Stream.tick (later 10L) silent).Event StreamEvent.CloseAfter "now"
                let half = receive silent handshake[..20]
                Expect.equal half.State.Wake (later 5L) "the handshake"
            }
            test "our close waits 2 s for the peer's" {
                let ours = Stream.close now 1001 "restart" opened
                Expect.equal ours.State.Wake (later 2L) "waiting"
                let answer = receive ours.State (closing "03e9")
                Expect.equal answer.Event StreamEvent.CloseAfter "both closed"
                Expect.isEmpty answer.Bytes "nothing more is said"
            }
            test "a dialled connection waits for ever" {
                Expect.equal Stream.dialled.Wake Instant.Never "nothing is due"
            }
        ]
