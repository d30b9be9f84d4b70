// KeepAlive: when a datagram client behind a translator gets its next sign of life from us, so that the
// translator keeps the way to it open; the signs of all clients are spread evenly over the interval.

namespace Sip.Registrar

open System
open Sip

/// Timing signs of life.
[<RequireQualifiedAccess>]
module KeepAlive =

    /// Shorter than a translator remembers a datagram client (RFC 5626 §4.4.2).
    let interval = 25_000L<ms>

    // FNV-1a: the same flow always has the same place in the interval.
    let private place (flow: Flow) : uint64 =
        let step hash (octet: uint64) = (hash ^^^ octet) * 0x100000001B3UL

        let octets (word: uint64) =
            [ for i in 0..7 -> (word >>> (8 * i)) &&& 0xFFUL ]

        [ flow.Remote.Address.High; flow.Remote.Address.Low; uint64 flow.Remote.Port ]
        |> List.collect octets
        |> List.fold step 0xCBF29CE484222325UL
        |> fun hash -> hash ^^^ (hash >>> 32)

    /// The first instant after now at which this flow is due.
    let next (interval: int64<ms>) (now: Instant) (flow: Flow) : Instant =
        let span = int64 interval
        let offset = int64 (place flow % uint64 span)
        let into = ((now.Milliseconds - offset) % span + span) % span
        now.After((span - into) * 1L<ms>)
