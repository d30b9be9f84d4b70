// NonceCount: which uses of a nonce have been seen (RFC 7616 §3.4 nc, §5.5 replay attacks).
// A window of 64 counts lets requests that overtook each other in, each of them once.

namespace Sip.Identity

open System
open System.Globalization

/// A nonce count: eight hexadecimal digits, kept as the client hashed them.
[<Struct>]
type NonceCount =
    private
    | Digits of string

    /// The number that the digits stand for.
    member this.Number: uint32 =
        let (Digits digits) = this
        UInt32.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)

    /// The digits as they stood in the header.
    member this.Written: string = let (Digits digits) = this in digits

/// Reading and writing nonce counts.
[<RequireQualifiedAccess>]
module NonceCount =

    // nc-value = 8LHEX
    /// The count that eight hexadecimal digits stand for; upper case is let through.
    let tryRead (text: string) : NonceCount voption =
        if text.Length = 8 && String.forall Char.IsAsciiHexDigit text then
            ValueSome(Digits text)
        else
            ValueNone

    /// The digits of a number.
    let ofNumber (number: uint32) : NonceCount =
        Digits(number.ToString("x8", CultureInfo.InvariantCulture))

/// The counts of one nonce that were used: the highest, and which of the 64 up to it.
/// Bit i stands for `Highest - i`.
[<Struct>]
type Window = { Highest: uint32; Seen: uint64 }

/// What a window says about one more use.
[<RequireQualifiedAccess; Struct>]
type Counting =
    | Counted of Window: Window
    | Replayed

/// Stepping windows.
[<RequireQualifiedAccess>]
module Window =

    /// How many counts back a late request is still told from a replayed one.
    let width: uint32 = 64u

    /// The window of a nonce that was never used.
    let unused: Window = { Highest = 0u; Seen = 0UL }

    let private advance (number: uint32) (window: Window) : Counting =
        let gap = number - window.Highest
        let kept = if gap >= width then 0UL else window.Seen <<< int gap

        Counting.Counted
            {
                Highest = number
                Seen = kept ||| 1UL
            }

    let private fill (number: uint32) (window: Window) : Counting =
        let age = window.Highest - number

        if age >= width then
            Counting.Replayed
        else
            let bit = 1UL <<< int age

            if window.Seen &&& bit <> 0UL then
                Counting.Replayed
            else
                Counting.Counted
                    { window with
                        Seen = window.Seen ||| bit
                    }

    /// Uses a count once: a second time, or later than the window is wide, it is a replay.
    let step (count: NonceCount) (window: Window) : Counting =
        let number = count.Number

        if number > window.Highest then
            advance number window
        else
            fill number window
