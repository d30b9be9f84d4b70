// FrameCases: frames as a hostile or clumsy client may send them, with what must become of each, as a
// table (RFC 6455 §5, §7.4, §8.1; the groups 1 to 7 of the Autobahn suite in spirit).

module Sip.Sockets.FrameCases

open System
open System.Buffers.Binary

/// What the connection must come to.
[<RequireQualifiedAccess>]
type Fate =
    /// It lives: the next question is answered.
    | Lives
    /// A Close with this code, and the end; 0 for a Close without one.
    | Closes of Code: int

/// What is written, a write for each piece; the frames that must come back; and the end of it.
type FrameCase =
    {
        Name: string
        Pieces: byte[] list
        Said: (int * byte[]) list
        Fate: Fate
    }

let private hex (text: string) =
    Convert.FromHexString(text.Replace(" ", ""))

let private frame = WebSocketClient.frame
let private letters count = Array.create count 'a'B

let private case fate name (frames: byte[] list) =
    {
        Name = name
        Pieces = [ Array.concat frames ]
        Said = []
        Fate = fate
    }

let private lives name frames = case Fate.Lives name frames
let private closes code name frames = case (Fate.Closes code) name frames

let private ponging payload (case: FrameCase) =
    { case with
        Said = case.Said @ [ 0x8A, payload ]
    }

let private kinds =
    [
        "continuation", 0x80
        "text", 0x81
        "binary", 0x82
        "Close", 0x88
        "ping", 0x89
        "pong", 0x8A
    ]

let private opcodes =
    [
        for opcode in [ 3..7 ] @ [ 11..15 ] do
            closes 1002 $"opcode {opcode}, empty" [ frame (0x80 ||| opcode) [||] ]
            closes 1002 $"opcode {opcode}" [ frame (0x80 ||| opcode) "a"B ]
            closes 1002 $"opcode {opcode} in a fragment" [ frame opcode "a"B ]

            closes
                1002
                $"opcode {opcode} behind a message"
                [ frame 0x81 "a"B; frame (0x80 ||| opcode) [||] ]
    ]

let private reserved =
    [
        for bits in 1..7 do
            for kind, first in kinds do
                closes
                    1002
                    $"reserved bits {bits} on a {kind}"
                    [ frame (first ||| (bits <<< 4)) "a"B ]
    ]

let private masks =
    [
        for kind, first in kinds do
            closes 1002 $"a {kind} without a mask, empty" [ [| byte first; 0uy |] ]
            closes 1002 $"a {kind} without a mask" [ [| byte first; 1uy; 'a'B |] ]

        closes 1002 "a long text without a mask" [ hex "817e0100"; letters 256 ]
        closes 1002 "an endless text without a mask" [ hex "817f7fffffffffffffff" ]
        lives "a mask of zeroes" [ hex "8181 00000000 61" ]
        lives "a mask of ones" [ hex "8181 ffffffff 9e" ]
    ]

let private long (first: int) (length: uint64) =
    let bytes = Array.zeroCreate<byte> 14
    bytes[0] <- byte first
    bytes[1] <- 0xFFuy
    BinaryPrimitives.WriteUInt64BigEndian(Span(bytes, 2, 8), length)
    bytes

let private short (first: int) (length: int) =
    [| byte first; 0xFEuy; byte (length >>> 8); byte length; 0uy; 0uy; 0uy; 0uy |]

let private lengths =
    [
        for size in
            [
                0
                1
                124
                125
                126
                127
                128
                255
                256
                257
                1023
                32767
                32768
                65535
                65536
            ] do
            lives $"a text of {size} bytes" [ frame 0x81 (letters size) ]
            lives $"a binary of {size} bytes" [ frame 0x82 (letters size) ]

        for power in [ 17; 18; 20; 24; 30; 31; 32; 33; 40; 48; 56; 61; 62 ] do
            for off in [ -1L; 0L; 1L ] do
                let length = uint64 ((1L <<< power) + off)
                closes 1009 $"a text that declares 2^{power} and {off} bytes" [ long 0x81 length ]

        closes 1009 "a text one over the limit" [ long 0x81 65537UL ]
        closes 1009 "a binary that declares 2^63 - 1 bytes" [ long 0x82 0x7FFFFFFFFFFFFFFFUL ]
        closes 1002 "a text that declares 2^63 bytes" [ long 0x81 0x8000000000000000UL ]
        closes 1002 "a text that declares 2^63 + 1 bytes" [ long 0x81 0x8000000000000001UL ]
        closes 1002 "a text that declares 2^64 - 1 bytes" [ long 0x81 UInt64.MaxValue ]

        for length in [ 0; 1; 124; 125 ] do
            closes 1002 $"{length} bytes said in two" [ short 0x81 length ]

        for length in [ 0UL; 125UL; 126UL; 65534UL; 65535UL ] do
            closes 1002 $"{length} bytes said in eight" [ long 0x81 length ]
    ]

let private control =
    [
        for size in [ 0; 1; 2; 124; 125 ] do
            lives $"a ping of {size} bytes" [ frame 0x89 (letters size) ]
            |> ponging (letters size)

            lives $"a pong of {size} bytes" [ frame 0x8A (letters size) ]

        for size in [ 126; 127; 65535; 65536 ] do
            for kind, first in [ "ping", 0x89; "pong", 0x8A; "Close", 0x88 ] do
                closes 1002 $"a {kind} of {size} bytes" [ frame first (letters size) ]

        for kind, first in [ "ping", 0x09; "pong", 0x0A; "Close", 0x08 ] do
            closes 1002 $"a {kind} in fragments" [ frame first (hex "03e8") ]
            closes 1002 $"an empty {kind} in fragments" [ frame first [||] ]

            closes
                1002
                $"a {kind} in fragments within a message"
                [ frame 0x01 "a"B; frame first [||] ]

        lives "a ping that is no text" [ frame 0x89 (hex "00fffe80") ]
        |> ponging (hex "00fffe80")

        (lives "ten pings" [ for i in 0..9 -> frame 0x89 [| byte i |] ], [ 0..9 ])
        ||> List.fold (fun case i -> ponging [| byte i |] case)
    ]

let private split name frame (expected: FrameCase -> FrameCase) =
    [
        for at in 1 .. min 14 (Array.length frame - 1) do
            expected
                { lives $"{name} cut after {at} bytes" [] with
                    Pieces = [ frame[.. at - 1]; frame[at..] ]
                }
    ]

let private splits =
    split "a ping" (frame 0x89 "hello"B) (ponging "hello"B)
    @ split "a text of 126 bytes" (frame 0x81 (letters 126)) id
    @ split "a text of 65536 bytes" (frame 0x81 (letters 65536)) id

let private fragments =
    let pieces opcode count size =
        [
            for i in 0 .. count - 1 do
                frame
                    ((if i = 0 then opcode else 0) ||| (if i = count - 1 then 0x80 else 0))
                    (letters size)
        ]

    [
        for kind, opcode in [ "text", 1; "binary", 2 ] do
            lives $"a {kind} in two fragments" (pieces opcode 2 3)
            lives $"a {kind} in empty fragments" (pieces opcode 3 0)
            lives $"a {kind} in 16 fragments" (pieces opcode 16 1)

            closes
                1008
                $"a {kind} in 17 fragments and no end"
                (List.truncate 17 (pieces opcode 18 1))

            closes
                1008
                $"a {kind} in empty fragments without end"
                (List.truncate 17 (pieces opcode 18 0))

            closes 1009 $"a {kind} in fragments over the limit" (pieces opcode 3 30000)
            closes 1009 $"a {kind} whose fragments cost more than the limit" (pieces opcode 15 4300)

            closes
                1002
                $"a {kind} within a message"
                [ frame 0x01 "a"B; frame (0x80 ||| opcode) "b"B ]

            closes
                1002
                $"the first fragment of a {kind} twice"
                [ frame opcode "a"B; frame opcode "b"B ]

            lives $"a ping within a {kind}" [ frame opcode "a"B; frame 0x89 "p"B; frame 0x80 "b"B ]
            |> ponging "p"B

            lives $"a pong within a {kind}" [ frame opcode "a"B; frame 0x8A "p"B; frame 0x80 "b"B ]
            closes 1000 $"a Close within a {kind}" [ frame opcode "a"B; frame 0x88 (hex "03e8") ]

            closes
                1002
                $"a continuation behind a {kind}"
                [ frame (0x80 ||| opcode) "a"B; frame 0x80 "b"B ]

            closes
                1002
                $"a continuation behind a {kind} in fragments"
                (pieces opcode 2 1 @ [ frame 0x00 "b"B ])

        closes 1002 "a continuation of nothing" [ frame 0x80 "a"B ]
        closes 1002 "a continuation of nothing that goes on" [ frame 0x00 "a"B ]
        closes 1002 "an empty continuation of nothing" [ frame 0x80 [||] ]
        closes 1002 "a continuation of nothing behind a ping" [ frame 0x8A [||]; frame 0x80 "a"B ]
    ]

let private closing (code: int) (reason: byte[]) =
    frame 0x88 (Array.append [| byte (code >>> 8); byte code |] reason)

let private codes =
    [
        for code in [ 1000..1003 ] @ [ 1007..1014 ] @ [ 3000; 3001; 3999; 4000; 4998; 4999 ] do
            closes code $"a Close with {code}" [ closing code [||] ]

        for code in
            [
                0
                1
                999
                1004
                1005
                1006
                1015
                1016
                1100
                2000
                2999
                5000
                32768
                65535
            ] do
            closes 1002 $"a Close with {code}" [ closing code [||] ]

        closes 0 "a Close without a code" [ frame 0x88 [||] ]
        closes 1002 "a Close of one byte" [ frame 0x88 (hex "03") ]
        closes 1000 "a Close with a reason" [ closing 1000 "going home"B ]
        closes 1000 "a Close with the longest reason" [ closing 1000 (letters 123) ]
        closes 1000 "a Close and a ping" [ closing 1000 [||]; frame 0x89 "p"B ]
        closes 1000 "a Close and a text" [ closing 1000 [||]; frame 0x81 "a"B ]
        closes 1000 "two Closes" [ closing 1000 [||]; closing 1001 [||] ]
        closes 1000 "a Close and noise" [ closing 1000 [||]; hex "ffffffffff" ]
        closes 1000 "a ping and a Close" [ frame 0x89 "p"B; closing 1000 [||] ]
        |> ponging "p"B
    ]

/// Bytes that are no UTF-8 (RFC 3629), each a way to be wrong.
let private noText =
    [ "c080"; "c1bf"; "e08080"; "e09fbf"; "f0808080"; "f08fbfbf" ] // longer than need be
    @ [ "eda080"; "edbfbf"; "eda080edb080"; "edadbf" ] // surrogates
    @ [ "f4908080"; "f5808080"; "f7bfbfbf"; "f888808080"; "fc8480808080"; "fe"; "ff" ] // beyond
    @ [ "80"; "bf"; "8080"; "61bf62" ] // continuations of nothing
    @ [ "c3"; "e282"; "f09f92"; "c328"; "e228a1"; "e28228"; "f0288cbc"; "f09028bc" ] // cut short

let private aText =
    [
        "ceba"
        "7f"
        "c280"
        "dfbf"
        "e0a080"
        "ed9fbf"
        "ee8080"
        "efbfbd"
        "efbfbe"
        "efbbbf"
    ]
    @ [ "f0908080"; "f48fbfbf"; "f09f92a9"; "00" ]

let private utf8 =
    [
        for digits in noText do
            let bytes = hex digits
            closes 1007 $"a text of {digits}" [ frame 0x81 bytes ]

            closes
                1007
                $"a text with {digits} in it"
                [ frame 0x81 (Array.concat [ "a"B; bytes; "b"B ]) ]

            closes 1007 $"fragments of {digits}" [ frame 0x01 bytes[..0]; frame 0x80 bytes[1..] ]
            closes 1007 $"a Close whose reason is {digits}" [ closing 1000 bytes ]
            lives $"a binary of {digits}" [ frame 0x82 bytes ]

        for digits in aText do
            let bytes = hex digits
            lives $"a text of {digits}" [ frame 0x81 bytes ]
            lives $"fragments of {digits}" [ frame 0x01 bytes[..0]; frame 0x80 bytes[1..] ]
            closes 1000 $"a Close whose reason is {digits}" [ closing 1000 bytes ]
    ]

/// Every case.
let all: FrameCase list =
    opcodes
    @ reserved
    @ masks
    @ lengths
    @ control
    @ splits
    @ fragments
    @ codes
    @ utf8
