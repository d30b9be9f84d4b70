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

/// Whose bucket, and when it is full again; a key of 0 with a time of 0 is nobody's.
[<Struct>]
type private Bucket =
    {
        mutable Key: uint64
        mutable Full: int64
    }

/// The buckets of one shard.
[<Sealed>]
type Meter(places: int) =
    // A key stands in one of the eight places of its row.
    let wide = 8
    let rows = max 1 (places / wide)
    // Rows are made a page at a time, for the first stranger there: most servers see few kinds of them.
    let rowsOfPage = 64

    let pages: Bucket[][] =
        Array.create ((rows + rowsOfPage - 1) / rowsOfPage) Array.empty

    let rowOf (key: uint64) = int (key % uint64 rows)

    let pageOf (row: int) =
        let page = pages[row / rowsOfPage]

        if page.Length > 0 then
            page
        else
            let made = Array.zeroCreate (rowsOfPage * wide)
            pages[row / rowsOfPage] <- made
            made

    // The place of a key on its page, or the place to take for it: that of the fullest bucket.
    let placeOf (page: Bucket[]) (first: int) (key: uint64) =
        let mutable best = first
        let mutable at = first
        let mutable found = -1

        while found < 0 && at < first + wide do
            if page[at].Key = key then
                found <- at
            elif page[at].Full < page[best].Full then
                best <- at

            at <- at + 1

        if found >= 0 then
            found
        else
            page[best].Key <- key
            page[best].Full <- 0L
            best

    let clock (now: Instant) = now.Milliseconds * 1000L

    /// Takes one from the bucket of a key, if it holds one: whoever is refused pays nothing.
    member _.Take(now: Instant, key: uint64, allowance: Allowance) : bool =
        let now = clock now
        let row = rowOf key
        let page = pageOf row
        let at = placeOf page (row % rowsOfPage * wide) key
        let from = max now page[at].Full

        if from - now > allowance.Ahead then
            false
        else
            page[at].Full <- from + allowance.Each
            true

    /// How long until the bucket of a key holds one, in milliseconds.
    member _.Until(now: Instant, key: uint64, allowance: Allowance) : int64<ms> =
        let now = clock now
        let row = rowOf key
        let page = pages[row / rowsOfPage]
        let first = row % rowsOfPage * wide
        let mutable waits = 0L

        for at in first .. min page.Length (first + wide) - 1 do
            if page[at].Key = key then
                waits <- max 0L (page[at].Full - now - allowance.Ahead)

        (waits + 999L) / 1000L * 1L<ms>

    /// Fills a key's bucket, as after a success.
    member _.Forgive(key: uint64) : unit =
        let row = rowOf key
        let page = pageOf row
        page[placeOf page (row % rowsOfPage * wide) key].Full <- 0L
