// Octets: bytes being written, in a buffer that is used again and again. HOT: once the buffer has
// grown to the size of the traffic, writing allocates nothing.

namespace Sip.Wire

open System
open System.Buffers.Text
open System.Text

/// A growing buffer of bytes. It belongs to whoever made it; what it holds is good until `Clear`.
[<Sealed>]
type Octets(size: int) =
    let mutable buffer = Array.zeroCreate<byte> size
    let mutable length = 0

    /// How many bytes are written.
    member _.Length = length

    /// What is written.
    member _.Written: ReadOnlySpan<byte> = ReadOnlySpan(buffer, 0, length)

    /// What is written, as memory.
    member _.Memory: ReadOnlyMemory<byte> = ReadOnlyMemory(buffer, 0, length)

    /// Begins anew.
    member _.Clear() = length <- 0

    /// Room for so many bytes after what is written; `Advance` says how many were used.
    member _.Room(wanted: int) : Span<byte> =
        if buffer.Length - length < wanted then
            Array.Resize(&buffer, max (length + wanted) (2 * buffer.Length))

        Span(buffer, length, buffer.Length - length)

    /// Takes bytes of the room as written.
    member _.Advance(count: int) = length <- length + count

    /// Writes bytes.
    member this.Put(bytes: ReadOnlySpan<byte>) =
        bytes.CopyTo(this.Room bytes.Length)
        length <- length + bytes.Length

    /// Writes one byte.
    member this.Put(octet: byte) =
        (this.Room 1)[0] <- octet
        length <- length + 1

    /// Writes wire text, one byte a character.
    member this.PutText(text: string) =
        length <- length + Encoding.Latin1.GetBytes(text.AsSpan(), this.Room text.Length)

    /// Writes a decimal number.
    member this.PutNumber(number: int64) =
        let mutable written = 0
        Utf8Formatter.TryFormat(number, this.Room 20, &written) |> ignore
        length <- length + written
