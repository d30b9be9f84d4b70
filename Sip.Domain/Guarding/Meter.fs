// Meter: how fast many strangers go, each at their own allowance, in a table of fixed size (the generic cell rate
// algorithm, ITU-T I.371: a token bucket held as one time). Where two want one place, the one whose bucket is
// fullest is forgotten; a full bucket says nothing, so in a table that is large enough nothing is lost. HOT.

namespace Sip.Guarding

open System
open Sip

/// So many in a period, and so many at once.
[<Struct>]
type Allowance =
    {
        /// Microseconds for each.
        Each: int64
        /// Microseconds that may be taken in advance.
        Ahead: int64
    }

/// Allowances.
[<RequireQualifiedAccess>]
module Allowance =

    /// So many in this time, and `atOnce` times as many at once.
    let make (number: int) (period: int64<s>) (atOnce: int) : Allowance =
        let each = max 1L (int64 period * 1_000_000L / int64 (max 1 number))

        {
            Each = each
            Ahead = each * int64 (max 1 number) * int64 (max 1 atOnce) - each
        }

/// The buckets of one shard.
[<Sealed>]
type Meter(places: int) =
    // A key stands in one of the eight places of its row.
    let wide = 8
    let rows = max 1 (places / wide)
    // Made for the first stranger: most servers never see most kinds of them.
    let mutable keys: uint64[] = [||]
    // When the bucket is full again; a key of 0 with a time of 0 is nobody's.
    let mutable full: int64[] = [||]

    let begin' () =
        keys <- Array.zeroCreate (rows * wide)
        full <- Array.zeroCreate (rows * wide)

    // The place of a key, or the place to take for it: that of the fullest bucket.
    let placeOf (key: uint64) =
        if keys.Length = 0 then
            begin' ()

        let first = int (key % uint64 rows) * wide
        let mutable best = first
        let mutable at = first
        let mutable found = -1

        while found < 0 && at < first + wide do
            if keys[at] = key then
                found <- at
            elif full[at] < full[best] then
                best <- at

            at <- at + 1

        if found >= 0 then
            found
        else
            keys[best] <- key
            full[best] <- 0L
            best

    let clock (now: Instant) = now.Milliseconds * 1000L

    /// Takes one from the bucket of a key, if it holds one: whoever is refused pays nothing.
    member _.Take(now: Instant, key: uint64, allowance: Allowance) : bool =
        let now = clock now
        let at = placeOf key
        let from = max now full[at]

        if from - now > allowance.Ahead then
            false
        else
            full[at] <- from + allowance.Each
            true

    /// How long until the bucket of a key holds one, in milliseconds.
    member _.Until(now: Instant, key: uint64, allowance: Allowance) : int64<ms> =
        let now = clock now
        let first = int (key % uint64 rows) * wide
        let mutable waits = 0L

        for at in first .. min keys.Length (first + wide) - 1 do
            if keys[at] = key then
                waits <- max 0L (full[at] - now - allowance.Ahead)

        (waits + 999L) / 1000L * 1L<ms>

    /// Fills a key's bucket, as after a success.
    member _.Forgive(key: uint64) : unit =
        let at = placeOf key
        full[at] <- 0L
