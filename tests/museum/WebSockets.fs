// WebSockets: exhibits that broke the readers of frames.

module Sip.Museum.WebSockets

open System
open Sip
open Sip.Fuzz

let private frames, harmless = Exhibit.frames, Exhibit.harmless
let private mask = [| 1uy; 2uy; 3uy; 4uy |]
let private frame first (payload: byte[]) = Frame.masked first mask payload

let private hex (text: string) =
    Convert.FromHexString(text.Replace(" ", ""))

let private options = Text.toBytes (Exhibit.request "OPTIONS" [])

/// Frames.
let all: Exhibit list =
    [
        frames
            "reSIProcate 3e23b2f70, sum of lengths"
            "a length of 2^63-1 and the head's own bytes wrapped around"
            1009
            (hex "82FF 7FFFFFFFFFFFFFFF 01020304")
        frames
            "CVE-2020-13935 (Tomcat)"
            "a length with its highest bit set: a loop without end"
            1002
            (hex "82FF 8000000000000000 01020304")
        frames
            "CVE-2026-77322 (SIPGO)"
            "memory was taken for the length that a frame declared: the process was killed"
            1009
            (hex "82FF 0000000100000000 01020304")
        frames
            "CVE-2020-27813 (gorilla)"
            "lengths of fragments summed beyond what a number holds"
            1009
            (Array.append (frame 0x01 "a"B) (hex "80FF 7FFFFFFFFFFFFFFF 01020304"))
        frames
            "CVE-2016-10542 (ws)"
            "256 MiB in one frame"
            1009
            (hex "81FF 0000000010000000 01020304")
        frames
            "reSIProcate 3e23b2f70, empty continuations"
            "fragments of nothing, each kept: all memory"
            1008
            (Array.concat [ frame 0x01 "a"B; yield! [ for _ in 1..5000 -> frame 0x00 [||] ] ])
        frames
            "CVE-2026-48779 (ws)"
            "fragments of one byte cost fifteen times what was sent"
            1008
            (Array.concat [ frame 0x02 "a"B; yield! [ for _ in 1..5000 -> frame 0x00 "b"B ] ])
        frames
            "OpenSIPS ws_max_msg_chunks"
            "a message in more pieces than anybody needs"
            1008
            (Array.concat [ frame 0x01 "O"B; yield! [ for _ in 1..70 -> frame 0x00 "P"B ] ])
        frames
            "Kamailio, fixed 2026-07-15"
            "a Ping of more than 125 bytes was sent back whole"
            1002
            (hex "89FE 0400 01020304")
        frames
            "Kamailio, fixed 2026-06-24"
            "a new message inside a message: pieces of two joined"
            1002
            (Array.append (frame 0x01 "a"B) (frame 0x81 options))
        frames
            "reSIProcate 3e23b2f70, || for |"
            "a continuation of nothing was taken for a message"
            1002
            (frame 0x80 options)
        frames
            "CVE-2016-10518 (ws)"
            "a Ping without its bytes was answered with somebody's memory"
            1002
            (hex "097D 01020304")
        frames "an unmasked frame (row C4)" "what a cache reads as its own" 1002 (hex "8103616263")
        frames "a reserved bit (row C4)" "read as compressed, and inflated" 1002 (frame 0xC1 "a"B)
        frames "opcode 3 (row C4)" "taken for text" 1002 (frame 0x83 "a"B)
        frames
            "CVE-2021-26423 (.NET)"
            "a head whose length comes in pieces that make no sense: a loop without end"
            1002
            (hex "82FF 0000000000000001 01020304 00")
        frames
            "a Close of one byte"
            "its code read from what is not there"
            1002
            (frame 0x88 [| 3uy |])
        frames
            "a Close with 1006"
            "sent on to who must never hear it"
            1002
            (frame 0x88 [| 3uy; 0xEEuy |])
        frames
            "text that is not UTF-8"
            "an exception in a decoder ended all"
            1007
            (frame 0x81 [| 0xC3uy; 0x28uy |])
        harmless
            "reSIProcate 3e23b2f70, the head of 14 bytes"
            "the longest head was refused, or read past its end"
            (hex "82FF 0000000000010000 01020304")
        harmless
            "a Ping in a message in fragments"
            "the pieces were dropped"
            (Array.concat [ frame 0x01 options[..9]; frame 0x89 "x"B; frame 0x00 options[10..19] ])
        harmless "a Pong that nobody asked for" "an unknown waiter was woken" (frame 0x8A "x"B)
        harmless "an empty message (RFC 7118)" "the first byte of nothing" (frame 0x81 [||])
    ]
