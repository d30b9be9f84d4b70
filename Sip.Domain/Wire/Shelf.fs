// Shelf: bytes that must outlive the message they came with, kept in buffers that are used again and
// again. HOT: once the shelf is stocked, keeping and giving back allocate nothing.

namespace Sip.Wire

open System
open System.Collections.Generic
open System.Runtime.InteropServices

/// Buffers by their size. What is kept belongs to whoever keeps it until it is given back.
[<Sealed>]
type Shelf() =
    // Buffers of every 256 bytes up to 8 KiB; what is larger is rare and left to the collector.
    static let grain = 256
    static let sizes = 32
    // What a burst has brought is not held for ever: some 2 MiB of each size are.
    static let stock size = (2 <<< 20) / (grain * (size + 1))
    let free = Array.init sizes (fun _ -> Stack<byte[]>())
    let returned = List<byte[]>()

    /// A copy of these bytes.
    member _.Keep(bytes: ReadOnlySpan<byte>) : ReadOnlyMemory<byte> =
        let size = (bytes.Length - 1) / grain

        let buffer =
            if bytes.Length = 0 then
                Array.Empty()
            elif size >= sizes then
                Array.zeroCreate bytes.Length
            else
                match free[size].TryPop() with
                | true, buffer -> buffer
                | false, _ -> Array.zeroCreate (grain * (size + 1))

        bytes.CopyTo(Span buffer)
        ReadOnlyMemory(buffer, 0, bytes.Length)

    /// Gives back what was kept. It may still be read until the next `Turn`.
    member _.Return(kept: ReadOnlyMemory<byte>) : unit =
        match MemoryMarshal.TryGetArray kept with
        | true, segment ->
            match segment.Array with
            | null -> ()
            | buffer when buffer.Length > 0 && buffer.Length <= grain * sizes -> returned.Add buffer
            | _ -> ()
        | false, _ -> ()

    /// Nobody reads any more what was given back so far.
    member _.Turn() : unit =
        for buffer in returned do
            let size = buffer.Length / grain - 1

            if free[size].Count < stock size then
                free[size].Push buffer

        returned.Clear()
