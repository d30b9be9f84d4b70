// Nonce: what a challenge is made of so that no state is kept for it (RFC 7616 §3.3 nonce, §5.4).
// Thirty bytes in base64url: version, key id, mint time, shard, salt, then half an HMAC-SHA-256 over
// these, the realm and what the nonce is bound to. The MAC is checked first, the rest read after.

namespace Sip.Identity

open System
open System.Buffers
open System.Buffers.Binary
open System.Buffers.Text
open System.Security.Cryptography
open System.Text
open Sip

/// A secret that nonces are signed with, in the hand of one shard; it does not print itself.
[<Sealed>]
type NonceKey private (id: byte, secret: byte[], shard: byte) =

    /// How many bytes a secret has.
    static member Size = 32

    /// The key of this id and these 32 bytes, none if there are not 32.
    static member TryOf(id: byte, secret: ReadOnlySpan<byte>) : NonceKey voption =
        NonceKey.TryOf(id, secret, 0uy)

    /// The same for one of several shards, which sign with one secret.
    static member TryOf(id: byte, secret: ReadOnlySpan<byte>, shard: byte) : NonceKey voption =
        if secret.Length = NonceKey.Size then
            ValueSome(NonceKey(id, secret.ToArray(), shard))
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

/// The identity of one nonce: the bits of its MAC, the key of its window in a table.
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
    let private label = "sip nonce"B

    // Writes the MAC of the first fourteen bytes into the last sixteen of `target`.
    let private sign
        (key: NonceKey)
        (binding: NonceBinding)
        (plain: ReadOnlySpan<byte>)
        (target: Span<byte>)
        =
        let room = label.Length + macAt + 4 + binding.Realm.Length + binding.Bound.Length
        let buffer = ArrayPool<byte>.Shared.Rent(room + HMACSHA256.HashSizeInBytes)
        label.CopyTo(buffer, 0)
        plain.Slice(0, macAt).CopyTo(Span(buffer, label.Length, macAt))
        let at = label.Length + macAt
        // The realm's length stands before it, so that no text moves from the realm to the binding.
        BinaryPrimitives.WriteInt32BigEndian(Span(buffer, at, 4), binding.Realm.Length)
        let realm = binding.Realm
        let bound = binding.Bound
        let at = at + 4
        let at = at + Encoding.Latin1.GetBytes(realm, 0, realm.Length, buffer, at)
        let at = at + Encoding.Latin1.GetBytes(bound, 0, bound.Length, buffer, at)
        let mac = Span(buffer, room, HMACSHA256.HashSizeInBytes)

        HMACSHA256.HashData(ReadOnlySpan key.Secret, ReadOnlySpan(buffer, 0, at), mac)
        |> ignore

        mac.Slice(0, size - macAt).CopyTo target
        ArrayPool<byte>.Shared.Return(buffer)

    let private writeSalt (seed: string) (target: Span<byte>) =
        let hashed = SHA256.HashData(Text.toBytes seed)
        Span(hashed, 0, macAt - saltAt).CopyTo target

    /// A nonce of this time. The seed is any text that tells this challenge from others of the
    /// same millisecond: two with one seed are one nonce, and share one window.
    let mint (key: NonceKey) (now: Instant) (binding: NonceBinding) (seed: string) : string =
        let bytes = Array.zeroCreate<byte> size
        // The upper two bytes of the time are zero for nine thousand years and give way.
        BinaryPrimitives.WriteInt64BigEndian(Span(bytes, 0, 8), now.Milliseconds)
        bytes[0] <- version
        bytes[1] <- key.Id
        bytes[shardAt] <- key.Shard
        writeSalt seed (Span(bytes, saltAt, macAt - saltAt))
        sign key binding (ReadOnlySpan bytes) (Span(bytes, macAt, size - macAt))
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

    let private signedBy (key: NonceKey) (binding: NonceBinding) (bytes: byte[]) : bool =
        let buffer = ArrayPool<byte>.Shared.Rent(size)
        let mac = Span(buffer, 0, size - macAt)
        sign key binding (ReadOnlySpan(bytes, 0, macAt)) mac
        let claimed = ReadOnlySpan(bytes, macAt, size - macAt)
        let right = CryptographicOperations.FixedTimeEquals(claimed, mac)
        ArrayPool<byte>.Shared.Return(buffer)
        right

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
