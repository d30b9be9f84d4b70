// Algorithm: which hash a digest is made with, how it is spelled and what it yields (RFC 8760 §2).
// MD5 is there because browsers' SIP stacks know nothing else; SHA-256 for those that do, and
// SHA-512-256 for who asks for it.

namespace Sip.Identity

open System
open System.Security.Cryptography
open Sip

/// A hash algorithm that this server can make digests with.
[<RequireQualifiedAccess; Struct>]
type Algorithm =
    | Md5
    | Sha256
    /// SHA-512/256, which the RFC spells SHA-512-256.
    | Sha512

/// The algorithm that a header names: one of ours, or a word that we have no hash for.
[<RequireQualifiedAccess>]
type AlgorithmName =
    | Known of Algorithm: Algorithm
    | Unheard of Word: string

/// Spelling algorithms and hashing with them.
[<RequireQualifiedAccess>]
module Algorithm =

    /// Every algorithm.
    let all: Algorithm list = [ Algorithm.Md5; Algorithm.Sha256; Algorithm.Sha512 ]

    /// Those that clients know. A challenge that nobody answers only makes a 401 longer.
    let usual: Algorithm list = [ Algorithm.Md5; Algorithm.Sha256 ]

    // Phones that know MD5 only read the first challenge. JsSIP and SIP.js know MD5 only, too, but
    // their parsers keep the last header of that name.
    /// Every algorithm, in the order in which clients on that transport need to be asked.
    let inOrderFor (transport: Transport) : Algorithm list =
        match transport with
        | Transport.Ws
        | Transport.Wss -> [ Algorithm.Sha512; Algorithm.Sha256; Algorithm.Md5 ]
        | Transport.Udp
        | Transport.Tcp
        | Transport.Tls -> [ Algorithm.Md5; Algorithm.Sha256; Algorithm.Sha512 ]

    /// The algorithm's name in the registry of RFC 7616 §6.1.
    let spelling (algorithm: Algorithm) : string =
        match algorithm with
        | Algorithm.Md5 -> "MD5"
        | Algorithm.Sha256 -> "SHA-256"
        | Algorithm.Sha512 -> "SHA-512-256"

    /// How many bytes the hash has.
    let size (algorithm: Algorithm) : int =
        match algorithm with
        | Algorithm.Md5 -> MD5.HashSizeInBytes
        | Algorithm.Sha256 -> SHA256.HashSizeInBytes
        | Algorithm.Sha512 -> Sha512.size

    /// How many hexadecimal digits a digest has.
    let digits (algorithm: Algorithm) : int = 2 * size algorithm

    /// The algorithm that a word names, letter case aside.
    let named (word: string) : AlgorithmName =
        match List.tryFind (fun algorithm -> Text.sameText word (spelling algorithm)) all with
        | Some algorithm -> AlgorithmName.Known algorithm
        | None -> AlgorithmName.Unheard word

    let private hash (algorithm: Algorithm) (source: ReadOnlySpan<byte>) (target: Span<byte>) =
        match algorithm with
        | Algorithm.Md5 -> MD5.HashData(source, target) |> ignore
        | Algorithm.Sha256 -> SHA256.HashData(source, target) |> ignore
        | Algorithm.Sha512 -> Sha512.hash source target

    let private spelled = "0123456789abcdef"B
    let private nibble (value: int) : byte = spelled[value]

    /// Writes the hash of `source` into `target` as lower-case hexadecimal digits (RFC 8760 §2.2);
    /// `target` has `digits algorithm` bytes and lies apart from the source.
    let hexHash (algorithm: Algorithm) (source: ReadOnlySpan<byte>) (target: Span<byte>) : unit =
        let length = size algorithm
        hash algorithm source (target.Slice(0, length))

        // From the end, so that no byte is overwritten before it is spelled.
        for i = length - 1 downto 0 do
            let octet = int target[i]
            target[2 * i + 1] <- nibble (octet &&& 15)
            target[2 * i] <- nibble (octet >>> 4)

    /// A word that names an algorithm, as it is printed.
    let print (name: AlgorithmName) : string =
        match name with
        | AlgorithmName.Known algorithm -> spelling algorithm
        | AlgorithmName.Unheard word -> word
