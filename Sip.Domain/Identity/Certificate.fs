// Certificate: what counts of an X.509 certificate here, whether it may be shown, and for how long yet.
// The shell reads it; RSA keys below 2048 bits are nobody's any more (RFC 9325 §4.5).

namespace Sip.Identity

open System
open Sip

/// What a certificate's key is.
[<RequireQualifiedAccess>]
type KeyKind =
    | Ecdsa
    | Rsa of Bits: int
    /// Anything else, by its name.
    | Other of Words: string

/// What counts of a certificate.
type Certificate =
    {
        /// Its DNS names in lower case, wildcards among them.
        Names: string list
        Addresses: Address list
        /// Its URIs as they are written.
        Uris: string list
        /// The common name of its subject; empty for none.
        CommonName: string
        NotBefore: DateTimeOffset
        NotAfter: DateTimeOffset
        Key: KeyKind
    }

/// Why a certificate is not shown.
[<RequireQualifiedAccess>]
type Misfit =
    | Expired of On: DateTimeOffset
    | NotYet of On: DateTimeOffset
    | Weak of Bits: int
    | UnknownKey of Words: string

/// Judging certificates.
[<RequireQualifiedAccess>]
module Certificate =

    let private leastBits = 2048

    /// Days before the end at which somebody should be told.
    let warningDays = 14

    /// A certificate of text as it was read; names are compared in lower case.
    let make names addresses uris (commonName: string) notBefore notAfter key : Certificate =
        {
            Names = names |> Seq.map (fun (name: string) -> name.ToLowerInvariant()) |> List.ofSeq
            Addresses = List.ofSeq addresses
            Uris = List.ofSeq uris
            CommonName = commonName
            NotBefore = notBefore
            NotAfter = notAfter
            Key = key
        }

    /// Why it must not be shown at this time, if so.
    let misfit (now: DateTimeOffset) (certificate: Certificate) : Misfit voption =
        match certificate.Key with
        | _ when certificate.NotAfter <= now -> ValueSome(Misfit.Expired certificate.NotAfter)
        | _ when certificate.NotBefore > now -> ValueSome(Misfit.NotYet certificate.NotBefore)
        | KeyKind.Rsa bits when bits < leastBits -> ValueSome(Misfit.Weak bits)
        | KeyKind.Other words -> ValueSome(Misfit.UnknownKey words)
        | KeyKind.Ecdsa
        | KeyKind.Rsa _ -> ValueNone

    let private day (time: DateTimeOffset) =
        time.ToString("yyyy-MM-dd HH:mm'Z'", Globalization.CultureInfo.InvariantCulture)

    /// A misfit in words that say what to do.
    let words (misfit: Misfit) : string =
        match misfit with
        | Misfit.Expired on -> String.Concat("it expired on ", day on, ": renew it")
        | Misfit.NotYet on ->
            String.Concat("it is good only from ", day on, " on: look at this machine's clock")
        | Misfit.Weak bits ->
            String.Concat(
                "its RSA key has ",
                string bits,
                " bits: make one of 2048, or ECDSA P-256"
            )
        | Misfit.UnknownKey words ->
            String.Concat("its key is ", words, ": make an ECDSA P-256 key")

    /// Whole days that are left; below zero when it has expired.
    let daysLeft (now: DateTimeOffset) (certificate: Certificate) : int =
        int (floor (certificate.NotAfter - now).TotalDays)

    /// Who it names, as a person would call it.
    let name (certificate: Certificate) : string =
        match certificate.Names, certificate.CommonName with
        | first :: _, _ -> first
        | [], "" -> "nobody"
        | [], common -> common
