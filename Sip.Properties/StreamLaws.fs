// StreamLaws: what is true of streams of bytes, however the network cuts them.

module Sip.Properties.StreamLaws

open System
open System.Buffers
open Expecto
open FsCheck.FSharp
open Sip
open Sip.Wire

let private now = Instant.FromMilliseconds 0L

let private rules: StreamRules =
    {
        Serving = Serving.Either
        Limits = Limits.usual
        Handshake = Handshake.anything
    }

let private handshake =
    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\n"
    + "Sec-WebSocket-Version: 13\r\n\r\n"
    |> Text.toBytes

let private opened =
    (Stream.receive rules now (Stream.accepted rules now) (Span(Array.copy handshake))).State

/// A client's frame, written slowly as RFC 6455 §5.2 draws it.
let private clientFrame (first: int) (mask: byte[]) (payload: byte[]) : byte[] =
    let length =
        if payload.Length < 126 then
            [ payload.Length ]
        elif payload.Length < 65536 then
            [ 126; payload.Length >>> 8; payload.Length &&& 255 ]
        else
            127
            :: [ for i in 7..-1..0 -> int ((int64 payload.Length >>> (8 * i)) &&& 255L) ]

    let head = first :: (List.head length ||| 0x80) :: List.tail length
    let masked = payload |> Array.mapi (fun i octet -> octet ^^^ mask[i % 4])
    Array.concat [ head |> List.map byte |> Array.ofList; mask; masked ]

/// The opcode and payload of a server's whole frame, read slowly as RFC 6455 §5.2 draws it.
let private serverFrame (frame: byte list) : int * byte list =
    let number = List.fold (fun sum (octet: byte) -> sum * 256L + int64 octet) 0L

    match frame with
    | first :: 127uy :: rest when number (List.take 8 rest) = int64 (rest.Length - 8) ->
        int first, List.skip 8 rest
    | first :: 126uy :: rest when number (List.take 2 rest) = int64 (rest.Length - 2) ->
        int first, List.skip 2 rest
    | first :: length :: rest when int length = rest.Length -> int first, rest
    | _ -> -1, []

/// What a connection does with bytes that come in these pieces, as lines to compare.
let private events (pieces: byte[] list) : string list =
    let lines = ResizeArray()

    let rec drain state (buffer: byte[]) =
        let step = Stream.receive rules now state (Span buffer)

        match step.Event with
        | StreamEvent.Message -> lines.Add(Convert.ToHexString(buffer, step.Offset, step.Length))
        | StreamEvent.Broken
        | StreamEvent.TooLarge -> lines.Add step.Reason
        | StreamEvent.Assembled
        | StreamEvent.Write
        | StreamEvent.Upgraded
        | StreamEvent.CloseAfter -> lines.Add(step.Reason + Convert.ToHexString step.Bytes)
        | StreamEvent.NeedMore -> ()

        let rest = buffer[step.Consumed ..]

        if step.Event = StreamEvent.NeedMore then
            step.State, rest
        else
            drain step.State rest

    pieces
    |> List.fold
        (fun (state, rest) piece -> drain state (Array.append rest piece))
        (Stream.accepted rules now, [||])
    |> ignore

    List.ofSeq lines

let private mask = Gen.arrayOfLength 4 (Gen.choose (0, 255) |> Gen.map byte)
let private octets = Gen.choose (0, 255) |> Gen.map byte |> Gen.arrayOf

let private sipPiece =
    Gen.oneof
        [
            Gen.elements [ "\r\n"; "\r\n\r\n"; "\r"; "NO LENGTH\r\n\r\n"; "A b\r\nl: x\r\n\r\n" ]
            |> Gen.map Text.toBytes
            gen {
                let! name = Gen.elements [ "Content-Length:"; "l :"; "CONTENT-LENGTH: "; "L:\r\n " ]
                let! body = octets

                let head =
                    String.Concat(
                        "X sip:a SIP/2.0\r\nVia: b\r\n",
                        name,
                        string body.Length,
                        "\r\n\r\n"
                    )

                return Array.append (Text.toBytes head) body
            }
        ]

let private framePiece =
    gen {
        let! first =
            Gen.frequency
                [
                    20, Gen.elements [ 0x81; 0x82; 0x89; 0x8A; 0x01; 0x00; 0x80 ]
                    1, Gen.elements [ 0x88; 0x83; 0xC1; 0x09 ]
                ]

        let! mask = mask

        let! payload =
            Gen.oneof
                [
                    Gen.constant "\r\n\r\n"B
                    octets
                    Gen.map (Array.create 130) (Gen.constant 'a'B)
                ]

        return clientFrame first mask payload
    }

let private streams =
    Gen.oneof
        [
            Gen.listOf sipPiece
            Gen.listOf framePiece |> Gen.map (fun frames -> handshake :: frames)
            Gen.listOf octets
            Gen.listOf octets |> Gen.map (fun noise -> handshake :: noise)
        ]
    |> Gen.map Array.concat

let private cut (bytes: byte[]) (places: int list) =
    let places =
        places |> List.map (fun place -> place % (bytes.Length + 1)) |> List.sort

    List.pairwise (0 :: places @ [ bytes.Length ])
    |> List.map (fun (from, until) -> bytes[from .. until - 1])

let private cuts =
    Gen.zip streams (Gen.listOf (Gen.choose (0, 5000)))
    |> fun values ->
        Arb.fromGenShrink (
            values,
            fun (bytes, places) ->
                seq {
                    for i in 0 .. places.Length - 1 -> bytes, List.removeAt i places
                    for i in 0 .. bytes.Length - 1 -> Array.removeAt i bytes, places
                }
        )

let private messages =
    Gen.zip
        mask
        (Gen.oneof
            [
                octets
                Gen.map
                    (fun n -> Array.create n 'a'B)
                    (Gen.elements [ 0; 1; 125; 126; 127; 65535; 65536 ])
            ])
    |> Arb.fromGen

let private allocated (work: unit -> unit) =
    for _ in 1..50 do
        work ()

    let before = GC.GetAllocatedBytesForCurrentThread()

    for _ in 1..1000 do
        work ()

    GC.GetAllocatedBytesForCurrentThread() - before

/// Expects that a whole message is found where it stands, for nothing.
let private costsNothing state (bytes: byte[]) offset =
    let scratch = Array.zeroCreate bytes.Length
    let steady = (Stream.receive rules now state (Span(Array.copy bytes))).State
    let good = ref true

    let work () =
        Buffer.BlockCopy(bytes, 0, scratch, 0, bytes.Length)
        let step = Stream.receive rules now steady (Span scratch)

        if
            step.Event <> StreamEvent.Message
            || step.Offset <> offset
            || not (obj.ReferenceEquals(step.State, steady))
        then
            good.Value <- false

    let bytes = allocated work
    Expect.isTrue good.Value "a message in place, and the state as it was"
    Expect.isLessThan bytes 1000L "bytes allocated"

let all =
    testList
        "Streams"
        [
            Law.holds "a stream cut anywhere frames the same" cuts (fun (bytes, places) ->
                events (cut bytes places) = events [ bytes ])

            Law.holds "a stream cut everywhere frames the same" cuts (fun (bytes, _) ->
                events (bytes |> Array.map Array.singleton |> List.ofArray) = events [ bytes ])

            Law.holds "what we frame, a client unframes" messages (fun (_, payload) ->
                let target = ArrayBufferWriter<byte>()
                Stream.wrap opened (ReadOnlySpan payload) target
                let first, read = serverFrame (List.ofArray (target.WrittenSpan.ToArray()))
                (first = 0x81 || first = 0x82) && Array.ofList read = payload)

            Law.holds "what a client frames, we unframe" messages (fun (mask, payload) ->
                let bytes = clientFrame 0x82 mask payload
                let step = Stream.receive rules now opened (Span bytes)

                step.Event = StreamEvent.Message
                && bytes[step.Offset .. step.Offset + step.Length - 1] = payload)

            Law.holds "any bytes at all give a step, never an exception" cuts (fun (bytes, _) ->
                let step = Stream.receive rules now opened (Span bytes)
                step.Consumed >= 0 && step.Consumed <= bytes.Length)

            test "a whole frame is not copied and allocates nothing" {
                let frame = clientFrame 0x81 [| 1uy; 2uy; 3uy; 4uy |] (Array.create 700 'a'B)
                costsNothing opened frame 8
            }
            test "a whole SIP message is not copied and allocates nothing" {
                let sip = Text.toBytes "X sip:a SIP/2.0\r\nVia: b\r\nContent-Length: 2\r\n\r\nhi"
                costsNothing Stream.dialled sip 0
            }
        ]
