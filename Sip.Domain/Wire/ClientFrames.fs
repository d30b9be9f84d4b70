// ClientFrames: one WebSocket frame, read as a client must and written as a client must
// (RFC 6455 §5.1): what a client sends is masked, what a server sends is not.

namespace Sip.Wire

open System
open System.Buffers.Binary

/// Reading and writing a client's side of frames.
[<RequireQualifiedAccess>]
module ClientFrames =

    let private ofSecond (bytes: ReadOnlySpan<byte>) opcode fin : FrameHead =
        let length = Frames.payloadLength bytes (int bytes[1])

        if length = -2L then
            Frames.broken "a length that is not in its shortest form"
        elif length = -1L then
            Frames.reading FrameReading.Partial 0 ""
        else
            {
                Reading = FrameReading.Header
                Opcode = opcode
                Fin = fin
                HeadLength = Frames.headLength (int (min length (int64 Int32.MaxValue)))
                Length = int (min length (int64 Int32.MaxValue))
                Mask = 0u
                Code = 0
                Reason = ""
            }

    /// The head of the server's frame that starts the bytes.
    let read (bytes: ReadOnlySpan<byte>) : FrameHead =
        if bytes.IsEmpty then
            Frames.reading FrameReading.Partial 0 ""
        elif bytes[0] &&& 0x70uy <> 0uy then
            Frames.broken "a reserved bit without an extension"
        else
            match Frames.opcode (int bytes[0] &&& 0x0F) with
            | ValueNone -> Frames.broken "an unknown opcode"
            | ValueSome opcode ->
                let fin = bytes[0] &&& 0x80uy <> 0uy
                let isControl = bytes[0] &&& 0x08uy <> 0uy

                if isControl && not fin then
                    Frames.broken "a control frame in fragments"
                elif bytes.Length < 2 then
                    Frames.reading FrameReading.Partial 0 ""
                elif bytes[1] &&& 0x80uy <> 0uy then
                    Frames.broken "a mask on a server's frame"
                elif isControl && bytes[1] > 125uy then
                    Frames.broken "a control frame too long"
                else
                    ofSecond bytes opcode fin

    /// The bytes that the head of a client's frame takes.
    let headLength (length: int) : int = Frames.headLength length + 4

    /// Writes the head of a client's whole frame and returns its length.
    let writeHead (opcode: Opcode) (length: int) (mask: uint32) (target: Span<byte>) : int =
        let head = Frames.writeHead opcode length target
        target[1] <- target[1] ||| 0x80uy
        BinaryPrimitives.WriteUInt32LittleEndian(target.Slice head, mask)
        head + 4

    /// Writes a client's whole frame and returns its length.
    let write (opcode: Opcode) (mask: uint32) (payload: ReadOnlySpan<byte>) (target: Span<byte>) =
        let head = writeHead opcode payload.Length mask target
        payload.CopyTo(target.Slice head)
        Frames.unmask mask (target.Slice(head, payload.Length))
        head + payload.Length
