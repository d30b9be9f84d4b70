// Coverage: which branches of the domain have been taken. The instrumented copy of its assembly counts them in
// a map (SharpFuzz); of the assembly as it is built the map stays empty, and nothing is guided.

#nowarn "9"

namespace Sip.Fuzz

open System
open System.Runtime.InteropServices
open Microsoft.FSharp.NativeInterop

/// The map of branches.
[<RequireQualifiedAccess>]
module Coverage =

    let private size = 65536

    let private map: nativeptr<byte> =
        NativePtr.ofVoidPtr (NativeMemory.AllocZeroed(unativeint size))

    let private known: byte[] = Array.zeroCreate size
    let mutable private edges = 0

    // A count's order of magnitude, as one bit.
    let private order (count: byte) : byte =
        if count = 0uy then
            0uy
        else
            1uy <<< min 7 (8 - Numerics.BitOperations.LeadingZeroCount(uint32 count <<< 24))

    /// To be called before anything of the domain's is.
    let start () : unit = SharpFuzz.Common.Trace.SharedMem <- map

    /// How many branches have been taken so far.
    let taken () : int = edges

    /// Whether a branch was taken since the last time that never was before, or more often than ever.
    let isNew () : bool =
        let bytes = Span<byte>(NativePtr.toVoidPtr map, size)
        let words = MemoryMarshal.Cast<byte, uint64> bytes
        let mutable found = false

        for i in 0 .. words.Length - 1 do
            if words[i] <> 0UL then
                for at in 8 * i .. 8 * i + 7 do
                    let bit = order bytes[at]

                    if bit &&& ~~~known[at] <> 0uy then
                        found <- true

                        if known[at] = 0uy then
                            edges <- edges + 1

                        known[at] <- known[at] ||| bit

                words[i] <- 0UL

        found

/// Making the copy that counts.
[<RequireQualifiedAccess>]
module Instrument =

    /// Instruments the domain's assembly in a folder, which is a copy of the one that was built.
    let domain (folder: string) : unit =
        SharpFuzz.Fuzzer.Instrument(
            IO.Path.Combine(folder, "Sip.Domain.dll"),
            Func<string, bool>(fun _ -> true),
            SharpFuzz.Options.Value
        )
        |> Seq.length
        |> ignore
