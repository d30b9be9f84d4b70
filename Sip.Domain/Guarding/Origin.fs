// Origin: who counts as one when strangers are counted: an IPv4 address, or the /64 that one IPv6 customer has
// (RFC 6177 §2). Keys are keyed hashes, so that nobody can choose origins that share a place in a table. HOT.

namespace Sip.Guarding

open System
open Sip
open Sip.Routing

/// Naming who is counted.
[<RequireQualifiedAccess>]
module Origin =

    /// The address that stands for all that count as one with it.
    let ofAddress (address: Address) : Address =
        if Address.isV4 address then
            address
        else
            { High = address.High; Low = 0UL }

    /// The key of an address's origin.
    let key (secret: PrfKey) (address: Address) : uint64 =
        let mutable state = PrfState secret
        let origin = ofAddress address
        state.Word origin.High
        state.Word origin.Low
        state.Finish().First

    /// The key of a connection.
    let keyOfConnection (secret: PrfKey) (connection: int64) : uint64 =
        let mutable state = PrfState secret
        state.Word(uint64 connection)
        state.Finish().First

    /// The key of a name, and of who uses it from where.
    let keyOfName (secret: PrfKey) (name: string) (address: Address) : struct (uint64 * uint64) =
        let mutable state = PrfState secret
        state.Part(ReadOnlySpan(Text.toBytes name))
        let alone = state.Finish().First
        let origin = ofAddress address
        let mutable both = PrfState secret
        both.Word alone
        both.Word origin.High
        both.Word origin.Low
        struct (alone, both.Finish().First)
