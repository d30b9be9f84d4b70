// Frames: one WebSocket frame, read as a server must and written as a server must (RFC 6455 §5).
// HOT: on the way of every WebSocket message; reading, unmasking and writing a head allocate nothing.

namespace Sip.Wire

open System
open System.Buffers.Binary
open System.Numerics
open System.Runtime.InteropServices
open System.Text.Unicode

/// What a frame is (RFC 6455 §5.2).
[<RequireQualifiedAccess>]
type Opcode =
    | Continuation
    | Text
    | Binary
    | Close
    | Ping
    | Pong

/// How far reading a frame's head came.
[<RequireQualifiedAccess>]
type FrameReading =
    | Partial
    | Header
    | Broken

/// The head of a client's frame, or the close code and the words that its sender deserves.
[<Struct>]
type FrameHead =
    {
        Reading: FrameReading
        Opcode: Opcode
        /// Whether this is the last fragment of its message.
        Fin: bool
        /// Bytes of the head itself.
        HeadLength: int
        /// Bytes of the payload; Int32.MaxValue stands for anything longer.
        Length: int
        Mask: uint32
        Code: int
        Reason: string
    }

/// Reading and writing frames.
[<RequireQualifiedAccess>]
module Frames =

    let internal reading state code reason : FrameHead =
        {
            Reading = state
            Opcode = Opcode.Continuation
            Fin = false
            HeadLength = 0
            Length = 0
            Mask = 0u
            Code = code
            Reason = reason
        }

    let internal broken reason = reading FrameReading.Broken 1002 reason

    let internal opcode (bits: int) : Opcode voption =
        match bits with
        | 0 -> ValueSome Opcode.Continuation
        | 1 -> ValueSome Opcode.Text
        | 2 -> ValueSome Opcode.Binary
        | 8 -> ValueSome Opcode.Close
        | 9 -> ValueSome Opcode.Ping
        | 10 -> ValueSome Opcode.Pong
        | _ -> ValueNone

    let internal bits (opcode: Opcode) =
        match opcode with
        | Opcode.Continuation -> 0uy
        | Opcode.Text -> 1uy
        | Opcode.Binary -> 2uy
        | Opcode.Close -> 8uy
        | Opcode.Ping -> 9uy
        | Opcode.Pong -> 10uy

    /// The payload's length, -1 while bytes are missing, -2 when it is not in its shortest form.
    let internal payloadLength (bytes: ReadOnlySpan<byte>) short =
        if short < 126 then
            int64 short
        elif short = 126 then
            if bytes.Length < 4 then
                -1L
            else
                let length = int64 (BinaryPrimitives.ReadUInt16BigEndian(bytes.Slice 2))
                if length < 126L then -2L else length
        elif bytes.Length < 10 then
            -1L
        else
            let length = BinaryPrimitives.ReadInt64BigEndian(bytes.Slice 2)
            if length < 65536L then -2L else length

    let private ofSecond (bytes: ReadOnlySpan<byte>) opcode fin =
        let short = int bytes[1] &&& 0x7F
        let length = payloadLength bytes short

        let lengthBytes =
            if short < 126 then 0
            elif short = 126 then 2
            else 8

        if length = -2L then
            broken "a length that is not in its shortest form"
        elif length = -1L || bytes.Length < 6 + lengthBytes then
            reading FrameReading.Partial 0 ""
        else
            {
                Reading = FrameReading.Header
                Opcode = opcode
                Fin = fin
                HeadLength = 6 + lengthBytes
                Length = int (min length (int64 Int32.MaxValue))
                Mask = BinaryPrimitives.ReadUInt32LittleEndian(bytes.Slice(2 + lengthBytes))
                Code = 0
                Reason = ""
            }

    /// The head of the client's frame that starts the bytes.
    let read (bytes: ReadOnlySpan<byte>) : FrameHead =
        if bytes.IsEmpty then
            reading FrameReading.Partial 0 ""
        elif bytes[0] &&& 0x70uy <> 0uy then
            broken "a reserved bit without an extension"
        else
            match opcode (int bytes[0] &&& 0x0F) with
            | ValueNone -> broken "an unknown opcode"
            | ValueSome opcode ->
                let fin = bytes[0] &&& 0x80uy <> 0uy
                let isControl = bytes[0] &&& 0x08uy <> 0uy

                if isControl && not fin then
                    broken "a control frame in fragments"
                elif bytes.Length < 2 then
                    reading FrameReading.Partial 0 ""
                elif bytes[1] &&& 0x80uy = 0uy then
                    broken "a frame without a mask"
                elif isControl && bytes[1] &&& 0x7Fuy > 125uy then
                    broken "a control frame too long"
                else
                    ofSecond bytes opcode fin

    /// Takes the mask off a whole payload where it stands (RFC 6455 §5.3).
    let unmask (mask: uint32) (payload: Span<byte>) : unit =
        let wide = Vector.AsVectorByte(Vector<uint32>(mask))
        let vectors = MemoryMarshal.Cast<byte, Vector<byte>> payload

        for v in 0 .. vectors.Length - 1 do
            vectors[v] <- Vector.Xor(vectors[v], wide)

        let mutable i = vectors.Length * Vector<byte>.Count

        while i < payload.Length do
            payload[i] <- payload[i] ^^^ byte (mask >>> (8 * (i &&& 3)))
            i <- i + 1

    /// The bytes that the head of a server's frame takes.
    let headLength (length: int) : int =
        if length < 126 then 2
        elif length < 65536 then 4
        else 10

    /// Writes the head of a server's whole frame and returns its length.
    let writeHead (opcode: Opcode) (length: int) (target: Span<byte>) : int =
        target[0] <- 0x80uy ||| bits opcode

        if length < 126 then
            target[1] <- byte length
        elif length < 65536 then
            target[1] <- 126uy
            BinaryPrimitives.WriteUInt16BigEndian(target.Slice 2, uint16 length)
        else
            target[1] <- 127uy
            BinaryPrimitives.WriteInt64BigEndian(target.Slice 2, int64 length)

        headLength length

    /// A server's whole frame.
    let whole (opcode: Opcode) (payload: ReadOnlySpan<byte>) : byte[] =
        let frame = Array.zeroCreate (headLength payload.Length + payload.Length)
        let head = writeHead opcode payload.Length (Span frame)
        payload.CopyTo(Span<byte>(frame).Slice head)
        frame

    /// A server's Close frame; the reason must fit in 123 bytes of UTF-8 and is cut otherwise.
    let close (code: int) (reason: string) : byte[] =
        let text = Text.Encoding.UTF8.GetBytes reason
        let mutable length = min text.Length 123

        while length > 0 && length < text.Length && text[length] &&& 0xC0uy = 0x80uy do
            length <- length - 1

        let payload = Array.zeroCreate (2 + length)
        BinaryPrimitives.WriteUInt16BigEndian(Span payload, uint16 code)
        Array.blit text 0 payload 2 length
        whole Opcode.Close (ReadOnlySpan payload)

    /// Whether a code may stand in a Close frame (RFC 6455 §7.4).
    let isCloseCode (code: int) : bool =
        (code >= 1000 && code <= 1003)
        || (code >= 1007 && code <= 1014)
        || (code >= 3000 && code <= 4999)

    /// The code to answer a Close payload that breaks the rules, or 0 (RFC 6455 §5.5.1).
    let closeFault (payload: ReadOnlySpan<byte>) : int =
        if payload.IsEmpty then
            0
        elif payload.Length = 1 then
            1002
        elif not (isCloseCode (int (BinaryPrimitives.ReadUInt16BigEndian payload))) then
            1002
        elif not (Utf8.IsValid(payload.Slice 2)) then
            1007
        else
            0
