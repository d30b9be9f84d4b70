// Seal: what we put on the wire for ourselves to read later, authenticated (RFC 5626 §5.2 wants
// tamper-proof flow tokens). HMAC first, decode second, compared in constant time.

namespace Sip.Routing

open System
open System.Buffers.Binary
open System.Buffers.Text
open System.Security.Cryptography
open Sip

/// Deriving and checking keyed values.
[<RequireQualifiedAccess>]
module Seal =

    /// Bytes of a keyed digest that are kept: 128 bits.
    let digestLength = 16

    let private lengthOf (part: byte[]) =
        let length = Array.zeroCreate<byte> 4
        BinaryPrimitives.WriteInt32LittleEndian(Span length, part.Length)
        length

    /// The keyed digest of a purpose and the parts that identify a thing.
    let digest (secret: byte[]) (purpose: string) (parts: byte[] list) : byte[] =
        // The length goes first, so that no two lists of parts look alike.
        let framed = parts |> List.collect (fun part -> [ lengthOf part; part ])
        HMACSHA256.HashData(secret, Array.concat (Text.toBytes purpose :: framed))

    /// The key of a keyed hash for this purpose, derived from the secret.
    let key (secret: byte[]) (purpose: string) : PrfKey =
        Prf.key (ReadOnlySpan(digest secret purpose []))

    /// The content with its digest, as one token of URL-safe characters.
    let close (secret: byte[]) (purpose: string) (content: byte[]) : string =
        let mac = digest secret purpose [ content ]

        Base64Url.EncodeToString(
            ReadOnlySpan(Array.append content (Array.truncate digestLength mac))
        )

    /// The content of a token that we closed for this purpose; none for any other text.
    let tryOpen (secret: byte[]) (purpose: string) (token: string) : byte[] voption =
        if not (Base64Url.IsValid(token.AsSpan())) then
            ValueNone
        else
            let bytes = Base64Url.DecodeFromChars(token.AsSpan())
            let length = bytes.Length - digestLength

            if length < 0 then
                ValueNone
            else
                let content = Array.truncate length bytes
                let mac = digest secret purpose [ content ]

                let same =
                    CryptographicOperations.FixedTimeEquals(
                        ReadOnlySpan(bytes, length, digestLength),
                        ReadOnlySpan(mac, 0, digestLength)
                    )

                if same then ValueSome content else ValueNone
