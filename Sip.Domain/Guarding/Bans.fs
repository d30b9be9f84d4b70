// Bans: who is not listened to, why, and until when. Only what cannot be forged bans: wrong passwords for nonces that
// were sent to that very address, and nonsense on connections; never a challenge that nobody answered, and
// never an address from which a user has lately proven themselves (others may share it).

namespace Sip.Guarding

open System.Collections.Generic
open Sip

/// Why somebody is banned.
[<RequireQualifiedAccess; Struct>]
type Offence =
    | Guessing
    | Nonsense
    | Scanning
    /// By whoever runs the server.
    | ByHand

/// Offences.
[<RequireQualifiedAccess>]
module Offence =

    /// In words.
    let words (offence: Offence) : string =
        match offence with
        | Offence.Guessing -> "wrong passwords"
        | Offence.Nonsense -> "bytes that are no message"
        | Offence.Scanning -> "a scanner"
        | Offence.ByHand -> "by hand"

/// One ban.
type Ban =
    {
        /// The address, or the first of its /64.
        Origin: Address
        Offence: Offence
        Since: Instant
        Until: Instant
    }

/// The bans that one shard knows of.
[<Sealed>]
type Bans(most: int) =
    let byKey = Dictionary<uint64, Ban>()

    let forgetPassed (now: Instant) =
        for entry in List.ofSeq byKey do
            if entry.Value.Until.IsDue now then
                byKey.Remove entry.Key |> ignore

    let earliest () =
        byKey |> Seq.minBy (fun entry -> entry.Value.Until.Milliseconds)

    /// Bans; where there is no room the ban that ends first gives way, and that is told.
    member _.Add(now: Instant, key: uint64, ban: Ban) : bool =
        let mutable gaveWay = false

        if byKey.Count >= most && not (byKey.ContainsKey key) then
            forgetPassed now

            if byKey.Count >= most then
                byKey.Remove (earliest ()).Key |> ignore
                gaveWay <- true

        byKey[key] <- ban
        gaveWay

    /// Lifts a ban; whether there was one.
    member _.Lift(key: uint64) : bool = byKey.Remove key

    /// Whether somebody is banned now. HOT.
    member _.Holds(now: Instant, key: uint64) : bool =
        byKey.Count > 0
        && (match byKey.TryGetValue key with
            | true, ban -> not (ban.Until.IsDue now)
            | false, _ -> false)

    /// Those that hold now, the one that ends first at first.
    member _.All(now: Instant) : IReadOnlyList<Ban> =
        forgetPassed now

        byKey.Values |> Seq.sortBy (fun ban -> ban.Until.Milliseconds) |> Seq.toArray
        :> IReadOnlyList<Ban>
