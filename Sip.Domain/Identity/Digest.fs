// Digest: the response to a challenge, computed and compared (RFC 7616 §3.4.1 to §3.4.3), and a
// client's answer. It runs for every request that claims a user: one pooled buffer, no strings.

namespace Sip.Identity

open System
open System.Buffers
open System.Security.Cryptography
open System.Text
open Sip

/// What a digest is computed over besides the user's HA1.
[<Struct>]
type Signed =
    {
        Method: string
        Uri: string
        Nonce: string
        Protection: Protection
    }

/// Whether a response is the one that the user's key gives.
[<RequireQualifiedAccess; Struct>]
type Proof =
    | Right
    | Wrong

/// A user as the client side knows it: a name and its key.
[<NoEquality; NoComparison>]
type Login = { Username: string; Ha1: Ha1 }

/// Computing, comparing and answering.
[<RequireQualifiedAccess>]
module Digest =

    let private put (buffer: byte[]) (at: int) (text: string) : int =
        at + Encoding.Latin1.GetBytes(text, 0, text.Length, buffer, at)

    let private colon (buffer: byte[]) (at: int) : int =
        buffer[at] <- ':'B
        at + 1

    let private putColon (buffer: byte[]) (at: int) (text: string) : int =
        colon buffer (put buffer at text)

    let private qopText (protection: Protection) : string =
        match protection with
        | Protection.NonceOnly -> ""
        | Protection.Counted(qop, _, _) -> Qop.print qop

    let private protectionLength (protection: Protection) : int =
        match protection with
        | Protection.NonceOnly -> 0
        | Protection.Counted(_, count, cnonce) ->
            count.Written.Length + cnonce.Length + (qopText protection).Length + 3

    // unq(nonce) ":" nc ":" unq(cnonce) ":" unq(qop) ":"
    let private putMiddle (buffer: byte[]) (at: int) (signed: Signed) : int =
        let at = putColon buffer at signed.Nonce

        match signed.Protection with
        | Protection.NonceOnly -> at
        | Protection.Counted(_, count, cnonce) ->
            let at = putColon buffer at count.Written
            let at = putColon buffer at cnonce
            putColon buffer at (qopText signed.Protection)

    // The longest of H(A2)'s source and the response's source, both with room for their colons.
    let private room (digits: int) (signed: Signed) : int =
        let a2 = signed.Method.Length + 1 + signed.Uri.Length

        let whole =
            2 * digits + signed.Nonce.Length + 2 + protectionLength signed.Protection

        a2 + whole

    // response = H( H(A1) ":" unq(nonce) ":" nc ":" unq(cnonce) ":" unq(qop) ":" H(A2) )
    // A2       = Method ":" request-uri
    let private write (buffer: byte[]) (ha1: Ha1) (signed: Signed) (target: Span<byte>) : unit =
        let digits = Algorithm.digits ha1.Algorithm
        ha1.Digits.CopyTo(buffer, 0)
        let at = colon buffer digits
        let ha2At = putMiddle buffer at signed
        let a2At = ha2At + digits
        let a2End = put buffer (putColon buffer a2At signed.Method) signed.Uri
        let a2 = ReadOnlySpan(buffer, a2At, a2End - a2At)
        Algorithm.hexHash ha1.Algorithm a2 (Span(buffer, ha2At, digits))
        Algorithm.hexHash ha1.Algorithm (ReadOnlySpan(buffer, 0, a2At)) target

    let private giveBack (buffer: byte[]) : unit =
        // It held an HA1.
        CryptographicOperations.ZeroMemory(Span buffer)
        ArrayPool<byte>.Shared.Return buffer

    /// The response in hexadecimal digits that a key gives for what is signed.
    let response (ha1: Ha1) (signed: Signed) : string =
        let digits = Algorithm.digits ha1.Algorithm
        let length = room digits signed
        let buffer = ArrayPool<byte>.Shared.Rent(length + digits)
        write buffer ha1 signed (Span(buffer, length, digits))
        let text = Text.ofBytes (ReadOnlySpan(buffer, length, digits))
        giveBack buffer
        text

    /// Compares a claimed response with the right one; the time does not tell where they part.
    let verify (ha1: Ha1) (signed: Signed) (claimed: string) : Proof =
        let digits = Algorithm.digits ha1.Algorithm
        let length = room digits signed
        let buffer = ArrayPool<byte>.Shared.Rent(length + 2 * digits)
        write buffer ha1 signed (Span(buffer, length, digits))
        let right = ReadOnlySpan(buffer, length, digits)
        let theirs = Span(buffer, length + digits, digits)
        theirs.Clear()

        if claimed.Length = digits then
            Encoding.Latin1.GetBytes(claimed.AsSpan(), theirs) |> ignore

        let same = CryptographicOperations.FixedTimeEquals(right, theirs)
        giveBack buffer
        if same then Proof.Right else Proof.Wrong

    let private protectionFor (challenge: Challenge) (count: NonceCount) (cnonce: string) =
        match challenge.Qops with
        | [] -> Protection.NonceOnly
        | _ -> Protection.Counted(Qop.Auth, count, cnonce)

    /// The credentials with which a client answers a challenge that `Challenge.choose` gave it.
    let answer
        (login: Login)
        (method: string)
        (uri: string)
        (count: NonceCount)
        (cnonce: string)
        (challenge: Challenge)
        : Credentials =
        let protection = protectionFor challenge count cnonce

        let signed =
            {
                Method = method
                Uri = uri
                Nonce = challenge.Nonce
                Protection = protection
            }

        {
            Username = login.Username
            Realm = challenge.Realm
            Nonce = challenge.Nonce
            Uri = uri
            Response = response login.Ha1 signed
            Algorithm = AlgorithmName.Known login.Ha1.Algorithm
            Opaque = challenge.Opaque
            Protection = protection
        }
