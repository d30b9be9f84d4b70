// Cidr: ranges of addresses (RFC 4632 §3.1, RFC 4291 §2.3), as an operator writes them to keep calls away
// from networks that are nobody else's business.

namespace Sip.Routing

open System
open Sip

/// A range: every address that agrees with one in its first bits. IPv4 counts in its mapped form.
[<Struct>]
type Cidr = private { First: Address; Bits: int }

/// Reading and asking ranges.
[<RequireQualifiedAccess>]
module Cidr =

    let private mask (bits: int) : uint64 =
        if bits <= 0 then 0UL
        elif bits >= 64 then UInt64.MaxValue
        else UInt64.MaxValue <<< (64 - bits)

    let private masked (bits: int) (address: Address) : Address =
        {
            High = address.High &&& mask bits
            Low = address.Low &&& mask (bits - 64)
        }

    let private make (address: Address) (bits: int) =
        {
            First = masked bits address
            Bits = bits
        }

    let private length (text: string) (most: int) : int voption =
        let plain = text <> "" && text.Length <= 3 && String.forall Char.IsAsciiDigit text

        if plain && int text <= most then
            ValueSome(int text)
        else
            ValueNone

    /// A range from `address/bits`, or from an address alone, which is a range of one.
    let tryRead (text: string) : Cidr voption =
        let address, bits =
            match text.IndexOf '/' with
            | -1 -> text, ValueNone
            | at -> text.Substring(0, at), ValueSome(text.Substring(at + 1))

        match Address.tryV4 address, Address.tryV6 address, bits with
        | ValueSome v4, _, ValueNone -> ValueSome(make v4 128)
        | ValueSome v4, _, ValueSome bits ->
            length bits 32 |> ValueOption.map (fun bits -> make v4 (96 + bits))
        | ValueNone, ValueSome v6, ValueNone -> ValueSome(make v6 128)
        | ValueNone, ValueSome v6, ValueSome bits -> length bits 128 |> ValueOption.map (make v6)
        | ValueNone, ValueNone, _ -> ValueNone

    /// Whether an address is in the range.
    let holds (range: Cidr) (address: Address) : bool = masked range.Bits address = range.First

    let private known (text: string) = (tryRead text).Value

    /// The networks that are private to somebody: RFC 1918, RFC 6598, RFC 7335, RFC 4193, and what
    /// is local to one link.
    let privateNetworks: Cidr list =
        [
            known "10.0.0.0/8"
            known "172.16.0.0/12"
            known "192.168.0.0/16"
            known "100.64.0.0/10"
            known "192.0.0.0/24"
            known "169.254.0.0/16"
            known "fc00::/7"
            known "fe80::/10"
        ]

    /// Whether an address is in one of the private networks.
    let isPrivate (address: Address) : bool =
        List.exists (fun range -> holds range address) privateNetworks
