// Temporary: short-lived names and passwords that nobody keeps (in the form of TURN's REST
// credentials). The name says until when it counts and for whom; the password is a keyed hash of the
// name, so that every shard, and a restart with the same data folder, can tell it from a guess.

namespace Sip.Identity

open System
open System.Buffers.Text
open System.Globalization
open System.Security.Cryptography
open System.Text
open Sip

/// The key that temporary passwords are made with; it does not print itself.
[<Sealed>]
type TemporaryKey private (secret: byte[]) =

    /// The key that a server's secret gives.
    static member Of(secret: byte[]) =
        TemporaryKey(HMACSHA256.HashData(secret, "temporary passwords"B))

    member internal _.Secret = secret
    override _.ToString() = "(a key for temporary passwords)"

/// A name and its password. The name is ASCII.
type TemporaryLogin =
    {
        Name: string
        Password: string
        Until: int64<s>
    }

/// Making and checking temporary logins.
[<RequireQualifiedAccess>]
module Temporary =

    let private mark = '~'
    let private longestUser = 64

    let private isPlain (c: char) =
        Char.IsAsciiLetterOrDigit c || c = '-' || c = '_' || c = '.' || c = '+'

    /// Whether there can be temporary names of this user: 1 to 64 letters, digits, `-`, `_`, `.`, `+`.
    let isUser (user: string) : bool =
        user.Length >= 1 && user.Length <= longestUser && String.forall isPlain user

    // A realm has no line end in it, so no realm and name look like another.
    let private password (key: TemporaryKey) (realm: string) (name: string) : string =
        let text = Encoding.UTF8.GetBytes(String.Concat(realm, "\n", name))
        let hash = HMACSHA256.HashData(key.Secret, text)
        Base64Url.EncodeToString(ReadOnlySpan(hash, 0, 24))

    /// The login by which this user is proven in this realm until then.
    let issue
        (key: TemporaryKey)
        (realm: string)
        (user: string)
        (until: int64<s>)
        : TemporaryLogin =
        let seconds = (int64 until).ToString CultureInfo.InvariantCulture
        let name = String.Concat(seconds, string mark, user)

        {
            Name = name
            Password = password key realm name
            Until = until
        }

    // A name is spelled in one way only: digits without a zero in front, the mark, the user.
    let private isNumber (digits: ReadOnlySpan<char>) : bool =
        digits.Length >= 1
        && digits.Length <= 18
        && digits[0] >= '1'
        && digits[0] <= '9'
        && digits.IndexOfAnyExceptInRange('0', '9') < 0

    /// Who is proven by a temporary name, and until when; none if it is none.
    let tryRead (name: string) : struct (string * int64<s>) voption =
        let at = name.IndexOf mark

        if at > 0 && isNumber (name.AsSpan(0, at)) && isUser (name.Substring(at + 1)) then
            let seconds =
                Int64.Parse(name.AsSpan(0, at), NumberStyles.None, CultureInfo.InvariantCulture)

            ValueSome(struct (name.Substring(at + 1), seconds * 1L<s>))
        else
            ValueNone

    /// The subscriber of a temporary name that counts at this second of Unix time.
    let subscriber
        (key: TemporaryKey)
        (realm: string)
        (now: int64<s>)
        (name: string)
        : Subscriber voption =
        match tryRead name with
        | ValueSome(struct (user, until)) when now < until ->
            ValueSome
                { Subscriber.enroll realm name (password key realm name) with
                    SpeaksAs = user
                    Until = until
                }
        | ValueSome _
        | ValueNone -> ValueNone
