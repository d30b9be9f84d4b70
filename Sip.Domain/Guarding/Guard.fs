// Guard: what one shard keeps strangers from using up, and what it counts of that. Everything is a table of fixed size or
// grows with what others bound; asking costs a hash and a few reads. HOT where it says so.

namespace Sip.Guarding

open System
open System.Collections.Generic
open Sip
open Sip.Routing

/// The guard of one shard; one thread at a time.
[<Sealed>]
type Guard(secret: byte[], caps: Caps, peers: Address seq) =
    let key = Seal.key secret "guard"
    let trusted = HashSet<Address>(peers)
    let refused: int64[] = Array.zeroCreate Bound.table.Length
    let mutable dropped = 0L

    let allowances (numbers: int[]) =
        Bound.table
        |> List.map (fun row ->
            match row.Counting with
            | Counting.Passing(period, atOnce) ->
                Allowance.make numbers[Bound.place row.Bound] period atOnce
            | Counting.Held -> { Each = 0L; Ahead = 0L })
        |> List.toArray

    let usual = allowances caps.Usual
    let local = allowances caps.Local
    let handshakes = Meter 16_384
    let datagrams = Meter 65_536
    let messages = Meter 65_536
    let users = Meter 16_384
    let guesses = Meter 65_536
    let guessed = Meter 65_536
    let faults = Meter 16_384
    // Who has proven themselves from where, and from where somebody has: full for a day after.
    let known = Meter 65_536
    let connections = Crowd()
    let pending = Crowd()
    let bans = Bans caps.Usual[Bound.place Bound.Bans]
    let mutable open' = 0

    let sinceProven = { Each = 86_400_000_000L; Ahead = 0L }
    let once = { Each = 1L; Ahead = 0L }

    let isLocal (address: Address) = Address.isLoopback address

    let allowance (bound: Bound) (address: Address) =
        let at = Bound.place bound
        if isLocal address then local[at] else usual[at]

    let cap (bound: Bound) (address: Address) =
        let at = Bound.place bound
        if isLocal address then caps.Local[at] else caps.Usual[at]

    let refuse (bound: Bound) =
        let at = Bound.place bound
        refused[at] <- refused[at] + 1L

    let passes (meter: Meter) bound now key address =
        if meter.Take(now, key, allowance bound address) then
            true
        else
            refuse bound
            false

    let hasProven now key = known.Until(now, key, once) > 0L<ms>

    let prove now key =
        known.Forgive key
        known.Take(now, key, sinceProven) |> ignore

    /// Whether an address is a configured peer's: those are not counted.
    member _.IsPeer(address: Address) : bool = trusted.Contains address

    /// Whether somebody is banned.
    member _.IsBanned(now: Instant, address: Address) : bool =
        bans.Holds(now, Origin.key key address)

    /// What keeps a connection from an address away; where nothing does, it is counted until it leaves.
    member _.Connects(now: Instant, address: Address) : bool =
        let origin = Origin.key key address

        if bans.Holds(now, origin) then
            dropped <- dropped + 1L
            false
        elif open' >= caps.Usual[Bound.place Bound.Connections] then
            refuse Bound.Connections
            false
        elif trusted.Contains address then
            open' <- open' + 1
            connections.TryAdd(origin, Int32.MaxValue)
        elif not (passes handshakes Bound.HandshakesPerAddress now origin address) then
            false
        elif connections.TryAdd(origin, cap Bound.ConnectionsPerAddress address) then
            open' <- open' + 1
            true
        else
            refuse Bound.ConnectionsPerAddress
            false

    /// A connection that was counted is gone.
    member _.Leaves(address: Address) : unit =
        open' <- open' - 1
        connections.Remove(Origin.key key address)

    /// Whether a datagram is looked at. HOT.
    member _.Datagram(now: Instant, address: Address) : bool =
        let origin = Origin.key key address

        if bans.Holds(now, origin) then
            dropped <- dropped + 1L
            false
        else
            trusted.Contains address
            || passes datagrams Bound.DatagramsPerAddress now origin address

    /// Whether one more message on a connection is looked at; if not, it is to be closed. HOT.
    member _.Message(now: Instant, connection: int64, address: Address) : bool =
        trusted.Contains address
        || passes
            messages
            Bound.MessagesPerConnection
            now
            (Origin.keyOfConnection key connection)
            address

    /// Whether one more request of a user is worked on.
    member _.Request(now: Instant, user: string, address: Address) : bool =
        let struct (alone, _) = Origin.keyOfName key user address
        trusted.Contains address || passes users Bound.RequestsPerUser now alone address

    /// Whether a password is looked at at all: a user who has proven themselves from there within a day is
    /// kept out by nobody else's guesses.
    member _.MayGuess(now: Instant, user: string, address: Address) : bool =
        let struct (alone, both) = Origin.keyOfName key user address
        let origin = Origin.key key address

        let isOpen (meter: Meter) bound key =
            let waits = meter.Until(now, key, allowance bound address)

            if waits > 0L<ms> then
                refuse bound

            waits <= 0L<ms>

        trusted.Contains address
        || hasProven now both
        || (isOpen guesses Bound.GuessesPerAddress origin
            && isOpen guessed Bound.GuessesPerUser alone)

    /// A password was wrong; whether its address is to be banned for that.
    member _.Wrong(now: Instant, user: string, address: Address) : bool =
        let struct (alone, both) = Origin.keyOfName key user address
        let origin = Origin.key key address

        // What the user mistypes at home keeps nobody else out.
        if not (hasProven now both) then
            guessed.Take(now, alone, allowance Bound.GuessesPerUser address) |> ignore

        let isOver =
            not (guesses.Take(now, origin, allowance Bound.GuessesPerAddress address))
            || guesses.Until(now, origin, allowance Bound.GuessesPerAddress address) > 0L<ms>

        isOver && not (trusted.Contains address) && not (hasProven now origin)

    /// A password was right.
    member _.Right(now: Instant, user: string, address: Address) : unit =
        let struct (_, both) = Origin.keyOfName key user address
        prove now both
        prove now (Origin.key key address)

    /// Bytes that are no message came on a connection; whether its address is to be banned for that.
    member _.Nonsense(now: Instant, address: Address) : bool =
        let origin = Origin.key key address

        not (trusted.Contains address)
        && not (passes faults Bound.FaultsPerAddress now origin address)
        && not (hasProven now origin)

    /// A scanner showed itself on a connection; whether its address is to be banned for that.
    member _.Scans(now: Instant, address: Address) : bool =
        not (trusted.Contains address)
        && not (isLocal address)
        && not (hasProven now (Origin.key key address))

    /// Whether a caller may have one more INVITE that waits for an answer; if so, it is counted under the key.
    member _.Invites(caller: uint64, address: Address) : bool =
        if pending.TryAdd(caller, cap Bound.PendingPerCaller address) then
            true
        else
            refuse Bound.PendingPerCaller
            false

    /// An INVITE that was counted waits no more.
    member _.Answered(caller: uint64) : unit = pending.Remove caller

    /// The key of whoever calls.
    member _.Caller(name: ReadOnlySpan<byte>) : uint64 = (Prf.hash key name).First

    /// Something was refused, or gave way, because of a bound that is kept elsewhere.
    member _.Refuse(bound: Bound) : unit = refuse bound

    /// Bans until then.
    member _.Ban(now: Instant, ban: Ban) : unit =
        if bans.Add(now, Origin.key key ban.Origin, ban) then
            refuse Bound.Bans

    /// Lifts a ban; whether there was one.
    member _.Pardon(address: Address) : bool = bans.Lift(Origin.key key address)

    /// Who is banned.
    member _.Bans(now: Instant) : IReadOnlyList<Ban> = bans.All now

    /// How often each bound refused something, by its place in the table.
    member _.Refused: IReadOnlyList<int64> = refused

    /// What came from those who are banned and was dropped.
    member _.Dropped: int64 = dropped
