// Prf: SipHash-2-4 with 128 bits of output (Aumasson and Bernstein, "SipHash: a fast short-input PRF"):
// the keyed hash from which branches, tags, transaction keys and nonces are derived, at some ten nanoseconds.
// HOT. What must withstand an attacker who collects it for months (aliases, tokens) is sealed with HMAC.

namespace Sip

open System
open System.Buffers.Binary
open System.Numerics

/// A key of 128 bits.
[<Struct>]
type PrfKey = { First: uint64; Second: uint64 }

/// A keyed hash of 128 bits: whatever has the same mark is the same thing.
[<Struct; CustomEquality; NoComparison>]
type Mark =
    {
        First: uint64
        Second: uint64
    }

    override this.Equals other =
        match other with
        | :? Mark as mark -> (this :> IEquatable<Mark>).Equals mark
        | _ -> false

    // A mark is as good as random: any part of it is a hash code.
    override this.GetHashCode() = int this.First

    interface IEquatable<Mark> with
        member this.Equals mark =
            this.First = mark.First && this.Second = mark.Second

/// A hash under way over a list of parts.
[<Struct>]
type PrfState =
    val mutable private V0: uint64
    val mutable private V1: uint64
    val mutable private V2: uint64
    val mutable private V3: uint64
    val mutable private Length: int

    /// Begins under a key.
    new(key: PrfKey) =
        {
            V0 = key.First ^^^ 0x736f6d6570736575UL
            V1 = key.Second ^^^ 0x646f72616e646f6dUL ^^^ 0xeeUL
            V2 = key.First ^^^ 0x6c7967656e657261UL
            V3 = key.Second ^^^ 0x7465646279746573UL
            Length = 0
        }

    member private this.Rounds(rounds: int) =
        let mutable v0 = this.V0
        let mutable v1 = this.V1
        let mutable v2 = this.V2
        let mutable v3 = this.V3

        for _ in 1..rounds do
            v0 <- v0 + v1
            v1 <- BitOperations.RotateLeft(v1, 13) ^^^ v0
            v0 <- BitOperations.RotateLeft(v0, 32)
            v2 <- v2 + v3
            v3 <- BitOperations.RotateLeft(v3, 16) ^^^ v2
            v0 <- v0 + v3
            v3 <- BitOperations.RotateLeft(v3, 21) ^^^ v0
            v2 <- v2 + v1
            v1 <- BitOperations.RotateLeft(v1, 17) ^^^ v2
            v2 <- BitOperations.RotateLeft(v2, 32)

        this.V0 <- v0
        this.V1 <- v1
        this.V2 <- v2
        this.V3 <- v3

    /// Takes eight bytes in.
    member this.Word(word: uint64) =
        this.V3 <- this.V3 ^^^ word
        this.Rounds 2
        this.V0 <- this.V0 ^^^ word
        this.Length <- this.Length + 8

    /// Takes all whole words of the bytes in, and returns what is left.
    member private this.Words(bytes: ReadOnlySpan<byte>) : ReadOnlySpan<byte> =
        let mutable rest = bytes

        while rest.Length >= 8 do
            this.Word(BinaryPrimitives.ReadUInt64LittleEndian rest)
            rest <- rest.Slice 8

        rest

    static member private Tail(bytes: ReadOnlySpan<byte>) : uint64 =
        let mutable word = 0UL

        for i in bytes.Length - 1 .. -1 .. 0 do
            word <- (word <<< 8) ||| uint64 bytes[i]

        word

    /// Takes a part in: its length, then its bytes up to a whole word, so that no two lists of
    /// parts look alike.
    member this.Part(bytes: ReadOnlySpan<byte>) =
        this.Word(uint64 bytes.Length)
        let rest = this.Words bytes

        if rest.Length > 0 then
            this.Word(PrfState.Tail rest)

    /// Takes a host in as a part, its letters in either case: of the bytes that may stand in a host no
    /// two but these differ in that bit alone.
    member this.HostPart(bytes: ReadOnlySpan<byte>) =
        let folded = 0x2020202020202020UL
        this.Word(uint64 bytes.Length)
        let mutable rest = bytes

        while rest.Length >= 8 do
            this.Word(BinaryPrimitives.ReadUInt64LittleEndian rest ||| folded)
            rest <- rest.Slice 8

        if rest.Length > 0 then
            this.Word(PrfState.Tail rest ||| folded)

    /// Takes the last bytes in as they are and returns the hash.
    member this.Finish(bytes: ReadOnlySpan<byte>) : Mark =
        let rest = this.Words bytes
        let length = uint64 (this.Length + rest.Length)
        this.Word((length <<< 56) ||| PrfState.Tail rest)
        this.V2 <- this.V2 ^^^ 0xeeUL
        this.Rounds 4
        let first = this.V0 ^^^ this.V1 ^^^ this.V2 ^^^ this.V3
        this.V1 <- this.V1 ^^^ 0xddUL
        this.Rounds 4

        {
            First = first
            Second = this.V0 ^^^ this.V1 ^^^ this.V2 ^^^ this.V3
        }

    /// The hash of the parts taken in.
    member this.Finish() : Mark = this.Finish ReadOnlySpan.Empty

/// Hashing under a key.
[<RequireQualifiedAccess>]
module Prf =

    /// The key that these first 16 bytes are.
    let key (bytes: ReadOnlySpan<byte>) : PrfKey =
        {
            First = BinaryPrimitives.ReadUInt64LittleEndian bytes
            Second = BinaryPrimitives.ReadUInt64LittleEndian(bytes.Slice 8)
        }

    /// The hash of some bytes.
    let hash (key: PrfKey) (bytes: ReadOnlySpan<byte>) : Mark =
        let mutable state = PrfState key
        state.Finish bytes
