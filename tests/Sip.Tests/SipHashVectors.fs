// SipHashVectors: hashes that the reference implementation of SipHash-2-4 with 128 bits of output lists
// for the key 00 01 .. 0f and the messages "", 00, 00 01, ... (vectors_sip128).

module Sip.Tests.SipHashVectors

open System
open System.Buffers.Binary
open Expecto
open Sip

let private hash (length: int) : string =
    let key = Prf.key (ReadOnlySpan(Array.init 16 byte))
    let mark = Prf.hash key (ReadOnlySpan(Array.init length byte))
    let bytes = Array.zeroCreate<byte> 16
    BinaryPrimitives.WriteUInt64LittleEndian(Span(bytes, 0, 8), mark.First)
    BinaryPrimitives.WriteUInt64LittleEndian(Span(bytes, 8, 8), mark.Second)
    Convert.ToHexStringLower bytes

let private vectors =
    [
        0, "a3817f04ba25a8e66df67214c7550293"
        1, "da87c1d86b99af44347659119b22fc45"
        2, "8177228da4a45dc7fca38bdef60affe4"
        3, "9c70b60c5267a94e5f33b6b02985ed51"
        7, "a1f1ebbed8dbc153c0b84aa61ff08239"
        8, "3b62a9ba6258f5610f83e264f31497b4"
        15, "5493e99933b0a8117e08ec0f97cfc3d9"
        16, "6ee2a4ca67b054bbfd3315bf85230577"
        63, "5150d1772f50834a503e069a973fbd7c"
    ]

let all =
    testList
        "SipHash"
        [
            for length, expected in vectors do
                test $"a message of {length} bytes" {
                    Expect.equal (hash length) expected "the reference's hash"
                }
        ]
