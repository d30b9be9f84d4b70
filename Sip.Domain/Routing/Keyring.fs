// Keyring: the secrets that seal what we put on the wire for ourselves, and how one follows another: one
// key seals, that one and the one before it open (RFC 5626 §5.2 wants tamper-proof flow tokens). A token
// names its key in its first byte; the HMAC is checked before anything else of it is looked at.

namespace Sip.Routing

open System
open System.Buffers.Text
open System.Security.Cryptography

/// A secret with the number that tokens name it by; it does not print itself.
[<Sealed>]
type SealKey(id: byte, secret: byte[]) =

    /// The number by which a token names its key.
    member _.Id = id

    member internal _.Secret = secret
    override _.ToString() = "(a seal key)"

/// The key that seals and, while it is being replaced, the one that sealed before.
type Keyring =
    {
        Current: SealKey
        Previous: SealKey voption
    }

/// What opened a token, and what was in it.
type private Opened = { Key: SealKey; Content: byte[] }

/// Sealing and opening with one of two keys.
[<RequireQualifiedAccess>]
module Keyring =

    /// The ring of one secret.
    let ofSecret (secret: byte[]) : Keyring =
        {
            Current = SealKey(1uy, secret)
            Previous = ValueNone
        }

    /// The ring in which a new key seals and the last one still opens.
    let rotate (id: byte) (secret: byte[]) (ring: Keyring) : Keyring =
        {
            Current = SealKey(id, secret)
            Previous = ValueSome ring.Current
        }

    /// The content with its key's number and its digest, as one token of URL-safe characters.
    let close (ring: Keyring) (purpose: string) (content: byte[]) : string =
        Seal.close ring.Current.Secret purpose (Array.append [| ring.Current.Id |] content)

    // The decoder skips white space and padding, and does not look at the bits that the last
    // character has too many: a token of ours has one spelling only.
    let private isSpeltAsOurs (token: string) =
        Base64Url.IsValid(token.AsSpan())
        && Base64Url.EncodeToString(ReadOnlySpan(Base64Url.DecodeFromChars(token.AsSpan()))) = token

    let private keyOf (ring: Keyring) (token: string) : SealKey voption =
        let id = (Base64Url.DecodeFromChars(token.AsSpan(0, 4)))[0]

        match ring.Previous with
        | _ when ring.Current.Id = id -> ValueSome ring.Current
        | ValueSome previous when previous.Id = id -> ValueSome previous
        | ValueSome _
        | ValueNone -> ValueNone

    let private opened (ring: Keyring) (purpose: string) (token: string) : Opened voption =
        if token.Length < 4 || not (isSpeltAsOurs token) then
            ValueNone
        else
            match keyOf ring token with
            | ValueSome key ->
                Seal.tryOpen key.Secret purpose token
                |> ValueOption.map (fun content ->
                    {
                        Key = key
                        Content = Array.skip 1 content
                    })
            | ValueNone -> ValueNone

    /// The content of a token that a key of this ring closed for this purpose; none for other text.
    let tryOpen (ring: Keyring) (purpose: string) (token: string) : byte[] voption =
        opened ring purpose token |> ValueOption.map _.Content

    let private leadLength = 16

    let private cipher (key: SealKey) (purpose: string) =
        let aes = Aes.Create()
        aes.Key <- Seal.digest key.Secret (String.Concat(purpose, " cipher")) []
        aes

    // Every content is led by a digest of itself, so that the first block, and by chaining each one
    // after it, looks random though nothing is drawn.
    let private zero = Array.zeroCreate<byte> 16

    /// The content as a token that nobody else can read, or tell from another of its length. The
    /// content's length is a multiple of sixteen, and no content is concealed twice.
    let conceal (ring: Keyring) (purpose: string) (content: byte[]) : string =
        let key = ring.Current

        let lead =
            Seal.digest key.Secret (String.Concat(purpose, " lead")) [ content ]
            |> Array.truncate leadLength

        use aes = cipher key purpose
        close ring purpose (aes.EncryptCbc(Array.append lead content, zero, PaddingMode.None))

    /// The content of a token that a key of this ring concealed; none for other text.
    let tryReveal (ring: Keyring) (purpose: string) (token: string) : byte[] voption =
        match opened ring purpose token with
        | ValueSome opened when opened.Content.Length % 16 = 0 && opened.Content.Length > leadLength ->
            use aes = cipher opened.Key purpose

            aes.DecryptCbc(opened.Content, zero, PaddingMode.None)
            |> Array.skip leadLength
            |> ValueSome
        | ValueSome _
        | ValueNone -> ValueNone
