// Nonce: what a challenge is made of so that no state is kept for it (RFC 7616 §3.3 nonce, §5.4).
// Thirty bytes in base64url: version, key id, mint time, shard, salt, then a keyed hash of 128 bits of
// these, the realm and what the nonce is bound to. The hash is checked first, the rest read after.

namespace Sip.Identity

open System
open System.Buffers
open System.Buffers.Binary
open System.Buffers.Text
open System.Runtime.InteropServices
open Sip

/// A secret that nonces are signed with, in the hand of one shard; it does not print itself.
[<Sealed>]
type NonceKey private (id: byte, secret: PrfKey, shard: byte) =

    /// How many bytes a secret has.
    static member Size = 16

    /// The key of this id and these 16 bytes, none if there are not 16.
    static member TryOf(id: byte, secret: ReadOnlySpan<byte>) : NonceKey voption =
        NonceKey.TryOf(id, secret, 0uy)

    /// The same for one of several shards, which sign with one secret.
    static member TryOf(id: byte, secret: ReadOnlySpan<byte>, shard: byte) : NonceKey voption =
        if secret.Length = NonceKey.Size then
            ValueSome(NonceKey(id, Prf.key secret, shard))
        else
            ValueNone

    /// The number by which a nonce names its key.
    member _.Id = id

    /// The shard that counts the uses of what this key signs.
    member _.Shard = shard

    member internal _.Secret = secret
    override _.ToString() = "(a nonce key)"

/// The key that signs and, while it is being replaced, the one that signed before.
type NonceKeys =
    {
        Current: NonceKey
        Previous: NonceKey voption
    }

/// What a nonce is good for: our realm and, if it is not empty, one flow or client.
type NonceBinding = { Realm: string; Bound: string }

/// The identity of one nonce: the bits of its hash, the key of its window in a table.
[<Struct>]
type NonceId = { High: uint64; Low: uint64 }

/// A nonce of ours: when it was minted and which one it is.
[<Struct>]
type Minted = { At: Instant; Id: NonceId }

/// What a nonce that came back is.
[<RequireQualifiedAccess; Struct>]
type NonceAge =
    | Fresh of Minted: Minted
    | Stale
    | Forged

/// Minting and judging nonces.
[<RequireQualifiedAccess>]
module Nonce =

    /// How long a nonce is accepted unless the settings say otherwise.
    let lifetime: int64<ms> = 300_000L<ms>

    /// How many characters a nonce has.
    let length = 40

    let private version = 1uy
    let private shardAt = 8
    let private saltAt = 9
    let private macAt = 14
    let private size = 30

    // As parts, so that no text moves from the realm to what the nonce is bound to.
    let private sign (key: NonceKey) (binding: NonceBinding) (plain: ReadOnlySpan<byte>) : Mark =
        let mutable state = PrfState key.Secret
        state.Part(plain.Slice(0, macAt))
        state.Part(MemoryMarshal.AsBytes(binding.Realm.AsSpan()))
        state.Part(MemoryMarshal.AsBytes(binding.Bound.AsSpan()))
        state.Finish()

    let private put (mark: Mark) (target: Span<byte>) =
        BinaryPrimitives.WriteUInt64BigEndian(target, mark.First)
        BinaryPrimitives.WriteUInt64BigEndian(target.Slice 8, mark.Second)

    let private writeSalt (key: NonceKey) (seed: string) (target: Span<byte>) =
        let mutable salt =
            (Prf.hash key.Secret (MemoryMarshal.AsBytes(seed.AsSpan()))).First

        for i in 0 .. macAt - saltAt - 1 do
            target[i] <- byte salt
            salt <- salt >>> 8

    /// A nonce of this time. The seed is any text that tells this challenge from others of the
    /// same millisecond: two with one seed are one nonce, and share one window.
    let mint (key: NonceKey) (now: Instant) (binding: NonceBinding) (seed: string) : string =
        let bytes = Array.zeroCreate<byte> size
        // The upper two bytes of the time are zero for nine thousand years and give way.
        BinaryPrimitives.WriteInt64BigEndian(Span(bytes, 0, 8), now.Milliseconds)
        bytes[0] <- version
        bytes[1] <- key.Id
        bytes[shardAt] <- key.Shard
        writeSalt key seed (Span(bytes, saltAt, macAt - saltAt))
        put (sign key binding (ReadOnlySpan bytes)) (Span(bytes, macAt, size - macAt))
        Base64Url.EncodeToString(ReadOnlySpan bytes)

    let private keyOf (keys: NonceKeys) (id: byte) : NonceKey voption =
        match keys.Previous with
        | _ when keys.Current.Id = id -> ValueSome keys.Current
        | ValueSome previous when previous.Id = id -> ValueSome previous
        | ValueSome _
        | ValueNone -> ValueNone

    let private minted (bytes: ReadOnlySpan<byte>) : Minted =
        let time =
            BinaryPrimitives.ReadInt64BigEndian(bytes.Slice(0, 8)) &&& 0x0000FFFFFFFFFFFFL

        {
            At = Instant.FromMilliseconds time
            Id =
                {
                    High = BinaryPrimitives.ReadUInt64BigEndian(bytes.Slice(macAt, 8))
                    Low = BinaryPrimitives.ReadUInt64BigEndian(bytes.Slice(macAt + 8, 8))
                }
        }

    let private age (lifetime: int64<ms>) (now: Instant) (minted: Minted) : NonceAge =
        let passed = now.Since minted.At

        if passed < 0L<ms> then NonceAge.Forged
        elif passed < lifetime then NonceAge.Fresh minted
        else NonceAge.Stale

    // Both halves are looked at whatever the first one is: the time does not tell where they part.
    let private signedBy (key: NonceKey) (binding: NonceBinding) (bytes: byte[]) : bool =
        let mark = sign key binding (ReadOnlySpan bytes)
        let first = BinaryPrimitives.ReadUInt64BigEndian(ReadOnlySpan(bytes, macAt, 8))
        let second = BinaryPrimitives.ReadUInt64BigEndian(ReadOnlySpan(bytes, macAt + 8, 8))
        ((first ^^^ mark.First) ||| (second ^^^ mark.Second)) = 0UL

    // Without white space and padding, which the decoder would skip: one nonce has one spelling.
    let private decode (text: string) (target: Span<byte>) : bool =
        let mutable read = 0
        let mutable written = 0

        let status =
            Base64Url.DecodeFromChars(text.AsSpan(), target, &read, &written, isFinalBlock = true)

        status = OperationStatus.Done && written = size

    // A nonce is counted by the shard that minted it and accepted by no other, so that no count is
    // accepted twice; elsewhere it is as one that has run out.
    let private counted (key: NonceKey) (shard: byte) (age: NonceAge) : NonceAge =
        match age with
        | NonceAge.Fresh _ when shard <> key.Shard -> NonceAge.Stale
        | NonceAge.Fresh _
        | NonceAge.Stale
        | NonceAge.Forged -> age

    /// Whether a nonce is ours and how old it is; one from the future is forged, for we have
    /// one clock as long as a key lives.
    let judge
        (keys: NonceKeys)
        (now: Instant)
        (lifetime: int64<ms>)
        (binding: NonceBinding)
        (text: string)
        : NonceAge =
        let buffer = ArrayPool<byte>.Shared.Rent(size)

        let verdict =
            if text.Length <> length || not (decode text (Span(buffer, 0, size))) then
                NonceAge.Forged
            else
                match keyOf keys buffer[1] with
                | ValueSome key when buffer[0] = version && signedBy key binding buffer ->
                    age lifetime now (minted (ReadOnlySpan(buffer, 0, size)))
                    |> counted key buffer[shardAt]
                | ValueSome _
                | ValueNone -> NonceAge.Forged

        ArrayPool<byte>.Shared.Return(buffer)
        verdict

    /// From when on nobody needs to remember how often the nonce was used.
    let forget (lifetime: int64<ms>) (minted: Minted) : Instant = minted.At.After lifetime
