// Secret: text that an operator keeps from others (a password, an API key), in a box that does not
// print itself: neither a log line nor a message for whoever mistyped a setting shows what is in it.

namespace Sip

open System
open System.Security.Cryptography
open System.Text

/// Text that is not to be seen; it does not print itself.
[<Sealed>]
type Secret private (bytes: byte[]) =

    /// The secret that this text is.
    static member Of(text: string) = Secret(Encoding.UTF8.GetBytes text)

    /// Whether there is nothing in it.
    member _.IsEmpty = bytes.Length = 0

    member internal _.Bytes = bytes

    /// Whether this text is the secret. The time does not tell how much of it is, nor how long the
    /// secret is.
    member _.Is(text: string) : bool =
        let digest (bytes: byte[]) = SHA256.HashData bytes

        CryptographicOperations.FixedTimeEquals(
            ReadOnlySpan(digest bytes),
            ReadOnlySpan(digest (Encoding.UTF8.GetBytes text))
        )

    /// The text, for what has to be computed from it and for nothing else.
    member _.Expose() : string = Encoding.UTF8.GetString bytes

    override _.ToString() = "(a secret)"
