// Subscriber: a user with the keys that a digest is checked against (RFC 7616 §3.4.2 A1).
// The password is used once, to make them; what is kept is H(user:realm:password) per algorithm.

namespace Sip.Identity

open System
open System.Security.Cryptography
open System.Text
open Sip

/// H(user:realm:password), as good as the password within its realm; it does not print itself.
[<Sealed>]
type Ha1 internal (algorithm: Algorithm, digits: byte[]) =

    /// The hash that it was made with.
    member _.Algorithm = algorithm

    member internal _.Digits = digits
    override _.ToString() = "(an HA1)"

/// A user of one realm. Names are wire text: the bytes that a header carries.
[<NoEquality; NoComparison>]
type Subscriber =
    {
        User: string
        Realm: string
        /// Who is proven by this name: the same, but for a temporary one.
        SpeaksAs: string
        /// The second of Unix time that it ends at.
        Until: int64<s>
        Md5: Ha1 voption
        Sha256: Ha1 voption
        Sha512: Ha1 voption
    }

/// Making, storing and comparing HA1.
[<RequireQualifiedAccess>]
module Ha1 =

    /// The HA1 of a user, a realm and a password as the person types them: hashed as UTF-8.
    let ofPassword (algorithm: Algorithm) (realm: string) (user: string) (password: string) : Ha1 =
        let secret = Encoding.UTF8.GetBytes(String.Join(":", [| user; realm; password |]))
        let digits = Array.zeroCreate<byte>(Algorithm.digits algorithm)
        Algorithm.hexHash algorithm (ReadOnlySpan secret) (Span digits)
        CryptographicOperations.ZeroMemory(Span secret)
        Ha1(algorithm, digits)

    /// The HA1 that a store kept as hexadecimal digits, none if they are not that.
    let tryRead (algorithm: Algorithm) (digits: string) : Ha1 voption =
        if
            digits.Length = Algorithm.digits algorithm
            && String.forall Char.IsAsciiHexDigit digits
        then
            ValueSome(Ha1(algorithm, Text.toBytes (digits.ToLowerInvariant())))
        else
            ValueNone

    /// The hexadecimal digits, for a store and for nothing else.
    let expose (ha1: Ha1) : string = Text.ofBytes (ReadOnlySpan ha1.Digits)

    let private nobodys algorithm =
        Ha1(algorithm, Array.create (Algorithm.digits algorithm) '0'B)

    let private nobodysMd5 = nobodys Algorithm.Md5
    let private nobodysSha256 = nobodys Algorithm.Sha256
    let private nobodysSha512 = nobodys Algorithm.Sha512

    /// What a digest is computed with when there is no subscriber, so that it takes as long.
    let ofNobody (algorithm: Algorithm) : Ha1 =
        match algorithm with
        | Algorithm.Md5 -> nobodysMd5
        | Algorithm.Sha256 -> nobodysSha256
        | Algorithm.Sha512 -> nobodysSha512

/// Enrolling subscribers and asking for their keys.
[<RequireQualifiedAccess>]
module Subscriber =

    /// A name as it stands in a header: its UTF-8 bytes, one character a byte.
    let wireName (name: string) : string =
        Text.ofBytes (ReadOnlySpan(Encoding.UTF8.GetBytes name))

    /// The end of what does not end by itself.
    let unending: int64<s> = Int64.MaxValue * 1L<s>

    /// The subscriber with this password, under every algorithm.
    let enroll (realm: string) (user: string) (password: string) : Subscriber =
        {
            User = wireName user
            Realm = wireName realm
            SpeaksAs = wireName user
            Until = unending
            Md5 = ValueSome(Ha1.ofPassword Algorithm.Md5 realm user password)
            Sha256 = ValueSome(Ha1.ofPassword Algorithm.Sha256 realm user password)
            Sha512 = ValueSome(Ha1.ofPassword Algorithm.Sha512 realm user password)
        }

    /// The subscriber's key for an algorithm; without one, that algorithm proves nothing.
    let ha1 (algorithm: Algorithm) (subscriber: Subscriber) : Ha1 voption =
        match algorithm with
        | Algorithm.Md5 -> subscriber.Md5
        | Algorithm.Sha256 -> subscriber.Sha256
        | Algorithm.Sha512 -> subscriber.Sha512

    /// Whether this is the user's password, told in constant time.
    let hasPassword (subscriber: Subscriber) (user: string) (password: string) : bool =
        match subscriber.Sha256 with
        | ValueNone -> false
        | ValueSome kept ->
            let shown = Ha1.ofPassword Algorithm.Sha256 subscriber.Realm user password

            CryptographicOperations.FixedTimeEquals(
                ReadOnlySpan kept.Digits,
                ReadOnlySpan shown.Digits
            )
