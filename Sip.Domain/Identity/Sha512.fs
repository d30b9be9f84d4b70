// Sha512: SHA-512/256, the third hash of RFC 8760, which the platform does not have (FIPS 180-4 §6.4,
// §5.3.6.2): SHA-512 from other initial values, cut to 256 bits. HOT where it is offered: pooled
// words, no garbage.

namespace Sip.Identity

open System
open System.Buffers
open System.Buffers.Binary
open System.Numerics

/// Hashing by SHA-512/256.
[<RequireQualifiedAccess>]
module internal Sha512 =

    /// How many bytes the hash has.
    let size = 32

    let private blockSize = 128
    let private rounds = 80

    // §5.3.6.2: SHA-512 of the name, from the usual values with every byte turned by a5.
    let private initial =
        [|
            0x22312194fc2bf72cUL
            0x9f555fa3c84c64c2UL
            0x2393b86b6f53b151UL
            0x963877195940eabdUL
            0x96283ee2a88effe3UL
            0xbe5e1e2553863992UL
            0x2b0199fc2c85b8aaUL
            0x0eb72ddc81c52ca2UL
        |]

    // §4.2.3: the fractions of the cube roots of the first eighty primes.
    let private constants =
        [|
            0x428a2f98d728ae22UL
            0x7137449123ef65cdUL
            0xb5c0fbcfec4d3b2fUL
            0xe9b5dba58189dbbcUL
            0x3956c25bf348b538UL
            0x59f111f1b605d019UL
            0x923f82a4af194f9bUL
            0xab1c5ed5da6d8118UL
            0xd807aa98a3030242UL
            0x12835b0145706fbeUL
            0x243185be4ee4b28cUL
            0x550c7dc3d5ffb4e2UL
            0x72be5d74f27b896fUL
            0x80deb1fe3b1696b1UL
            0x9bdc06a725c71235UL
            0xc19bf174cf692694UL
            0xe49b69c19ef14ad2UL
            0xefbe4786384f25e3UL
            0x0fc19dc68b8cd5b5UL
            0x240ca1cc77ac9c65UL
            0x2de92c6f592b0275UL
            0x4a7484aa6ea6e483UL
            0x5cb0a9dcbd41fbd4UL
            0x76f988da831153b5UL
            0x983e5152ee66dfabUL
            0xa831c66d2db43210UL
            0xb00327c898fb213fUL
            0xbf597fc7beef0ee4UL
            0xc6e00bf33da88fc2UL
            0xd5a79147930aa725UL
            0x06ca6351e003826fUL
            0x142929670a0e6e70UL
            0x27b70a8546d22ffcUL
            0x2e1b21385c26c926UL
            0x4d2c6dfc5ac42aedUL
            0x53380d139d95b3dfUL
            0x650a73548baf63deUL
            0x766a0abb3c77b2a8UL
            0x81c2c92e47edaee6UL
            0x92722c851482353bUL
            0xa2bfe8a14cf10364UL
            0xa81a664bbc423001UL
            0xc24b8b70d0f89791UL
            0xc76c51a30654be30UL
            0xd192e819d6ef5218UL
            0xd69906245565a910UL
            0xf40e35855771202aUL
            0x106aa07032bbd1b8UL
            0x19a4c116b8d2d0c8UL
            0x1e376c085141ab53UL
            0x2748774cdf8eeb99UL
            0x34b0bcb5e19b48a8UL
            0x391c0cb3c5c95a63UL
            0x4ed8aa4ae3418acbUL
            0x5b9cca4f7763e373UL
            0x682e6ff3d6b2b8a3UL
            0x748f82ee5defb2fcUL
            0x78a5636f43172f60UL
            0x84c87814a1f0ab72UL
            0x8cc702081a6439ecUL
            0x90befffa23631e28UL
            0xa4506cebde82bde9UL
            0xbef9a3f7b2c67915UL
            0xc67178f2e372532bUL
            0xca273eceea26619cUL
            0xd186b8c721c0c207UL
            0xeada7dd6cde0eb1eUL
            0xf57d4f7fee6ed178UL
            0x06f067aa72176fbaUL
            0x0a637dc5a2c898a6UL
            0x113f9804bef90daeUL
            0x1b710b35131c471bUL
            0x28db77f523047d84UL
            0x32caab7b40c72493UL
            0x3c9ebe0a15c9bebcUL
            0x431d67c49c100d4cUL
            0x4cc5d4becb3e42b6UL
            0x597f299cfc657e2aUL
            0x5fcb6fab3ad6faecUL
            0x6c44198c4a475817UL
        |]

    let inline private turn (value: uint64) (bits: int) = BitOperations.RotateRight(value, bits)

    // §6.4.2 step 1.
    let private schedule (words: uint64[]) (block: ReadOnlySpan<byte>) =
        for i in 0..15 do
            words[i] <- BinaryPrimitives.ReadUInt64BigEndian(block.Slice(8 * i, 8))

        for i in 16 .. rounds - 1 do
            let early = words[i - 15]
            let late = words[i - 2]
            let small = turn early 1 ^^^ turn early 8 ^^^ (early >>> 7)
            let large = turn late 19 ^^^ turn late 61 ^^^ (late >>> 6)
            words[i] <- words[i - 16] + small + words[i - 7] + large

    // §6.4.2 steps 2 to 4; the state stands behind the schedule.
    let private compress (words: uint64[]) (block: ReadOnlySpan<byte>) =
        schedule words block
        let mutable a = words[rounds]
        let mutable b = words[rounds + 1]
        let mutable c = words[rounds + 2]
        let mutable d = words[rounds + 3]
        let mutable e = words[rounds + 4]
        let mutable f = words[rounds + 5]
        let mutable g = words[rounds + 6]
        let mutable h = words[rounds + 7]

        for i in 0 .. rounds - 1 do
            let choice = (e &&& f) ^^^ (~~~e &&& g)

            let first =
                h + (turn e 14 ^^^ turn e 18 ^^^ turn e 41) + choice + constants[i] + words[i]

            let majority = (a &&& b) ^^^ (a &&& c) ^^^ (b &&& c)
            let second = (turn a 28 ^^^ turn a 34 ^^^ turn a 39) + majority
            h <- g
            g <- f
            f <- e
            e <- d + first
            d <- c
            c <- b
            b <- a
            a <- first + second

        words[rounds] <- words[rounds] + a
        words[rounds + 1] <- words[rounds + 1] + b
        words[rounds + 2] <- words[rounds + 2] + c
        words[rounds + 3] <- words[rounds + 3] + d
        words[rounds + 4] <- words[rounds + 4] + e
        words[rounds + 5] <- words[rounds + 5] + f
        words[rounds + 6] <- words[rounds + 6] + g
        words[rounds + 7] <- words[rounds + 7] + h

    // §5.1.2: one bit, zeros, and the length in bits.
    let private finish (words: uint64[]) (length: int) (rest: ReadOnlySpan<byte>) =
        let block = ArrayPool<byte>.Shared.Rent(2 * blockSize)

        let whole =
            if rest.Length < blockSize - 16 then
                blockSize
            else
                2 * blockSize

        let tail = Span(block, 0, whole)
        tail.Clear()
        rest.CopyTo tail
        tail[rest.Length] <- 0x80uy
        BinaryPrimitives.WriteUInt64BigEndian(tail.Slice(whole - 8), uint64 length * 8UL)
        compress words (ReadOnlySpan(block, 0, blockSize))

        if whole > blockSize then
            compress words (ReadOnlySpan(block, blockSize, blockSize))

        // It may have held an HA1.
        tail.Clear()
        ArrayPool<byte>.Shared.Return block

    /// Writes the 32 bytes of the hash of `source` to the beginning of `target`.
    let hash (source: ReadOnlySpan<byte>) (target: Span<byte>) : unit =
        let words = ArrayPool<uint64>.Shared.Rent(rounds + initial.Length)
        initial.CopyTo(words, rounds)
        let mutable at = 0

        while source.Length - at >= blockSize do
            compress words (source.Slice(at, blockSize))
            at <- at + blockSize

        finish words source.Length (source.Slice at)

        for i in 0..3 do
            BinaryPrimitives.WriteUInt64BigEndian(target.Slice(8 * i, 8), words[rounds + i])

        Array.Clear words
        ArrayPool<uint64>.Shared.Return words
