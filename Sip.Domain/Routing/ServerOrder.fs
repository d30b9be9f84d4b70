// ServerOrder: the order in which the servers of a service are tried: by priority, and within one
// priority by lot, each with the chance that its weight gives it (RFC 2782 "Weight").

namespace Sip.Routing

/// A number from which others follow; the shell throws the first.
[<Struct>]
type Dice = Dice of Seed: uint64

/// Throwing dice.
[<RequireQualifiedAccess>]
module Dice =

    // SplitMix64: every seed gives an even sequence.
    let private mix (z: uint64) =
        let z = (z ^^^ (z >>> 30)) * 0xBF58476D1CE4E5B9UL
        let z = (z ^^^ (z >>> 27)) * 0x94D049BB133111EBUL
        z ^^^ (z >>> 31)

    /// A number from 0 to `most`, both included, and the dice for the next throw.
    let throw (most: int) (Dice seed) : struct (int * Dice) =
        let next = seed + 0x9E3779B97F4A7C15UL
        struct (int (mix next % (uint64 most + 1UL)), Dice next)

/// Ordering servers.
[<RequireQualifiedAccess>]
module ServerOrder =

    // "Records with weight 0 at the beginning": then a running sum, and the first record whose sum
    // is at least the number drawn.
    let rec private draw (dice: Dice) (drawn: SrvRecord list) (left: SrvRecord list) =
        match left with
        | [] -> List.rev drawn
        | _ ->
            let total = List.sumBy (fun (r: SrvRecord) -> r.Weight) left
            let struct (lot, dice) = Dice.throw total dice
            let sums = List.scan (fun sum (r: SrvRecord) -> sum + r.Weight) 0 left |> List.tail
            let at = List.findIndex (fun sum -> sum >= lot) sums
            draw dice (left[at] :: drawn) (List.removeAt at left)

    /// The records in the order in which they are to be tried.
    let arrange (dice: Dice) (records: SrvRecord list) : SrvRecord list =
        records
        |> List.groupBy _.Priority
        |> List.sortBy fst
        |> List.collect (fun (_, equals) -> equals |> List.sortBy _.Weight |> draw dice [])
