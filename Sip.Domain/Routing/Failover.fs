// Failover: what happens when a destination did not take a request: the next one is tried, as a new
// transaction, after a timeout, a 503 or a failure of the transport (RFC 3263 §4.3), and after a 408 or a
// 430 (RFC 5626 §7). And when a request is too large for a datagram (RFC 3261 §18.1.1).

namespace Sip.Routing

open Sip

/// How an attempt at a destination ended.
[<RequireQualifiedAccess; Struct>]
type Attempt =
    | Answered of Status: Status
    | TimedOut
    /// No connection came about, or the one there was broke.
    | Broke
    /// Nothing was sent: whoever is there asks for fewer requests (RFC 7339 §5.10).
    | Withheld

/// What is next.
[<RequireQualifiedAccess>]
type Next<'place> =
    | Try of First: 'place * Rest: 'place list
    /// The attempt is the result: it was answered, or nothing else is left to try.
    | Settle

/// Deciding what follows an attempt.
[<RequireQualifiedAccess>]
module Failover =

    /// Whether the next destination is to be tried.
    let isFailure (attempt: Attempt) : bool =
        match attempt with
        | Attempt.Answered status ->
            status = Status.serviceUnavailable
            || status = Status.requestTimeout
            || status = Status.flowFailed
        | Attempt.TimedOut
        | Attempt.Broke
        | Attempt.Withheld -> true

    /// What is next after an attempt, when these places are left.
    let after (attempt: Attempt) (rest: 'place list) : Next<'place> =
        match rest with
        | first :: rest when isFailure attempt -> Next.Try(first, rest)
        | _ -> Next.Settle

    /// How large a request may be on a path whose MTU nobody knows.
    let largestUnknown = 1300<octet>

    /// The transport for a request of this size: a datagram must stay 200 bytes below the MTU.
    let transport (size: int<octet>) (mtu: int<octet> voption) (wanted: Dialled) : Dialled =
        let fits =
            match mtu with
            | ValueSome mtu -> size <= mtu - 200<octet>
            | ValueNone -> size <= largestUnknown

        match wanted with
        | Dialled.Udp when not fits -> Dialled.Tcp
        | Dialled.Udp
        | Dialled.Tcp
        | Dialled.Tls -> wanted

    /// The destinations for a request of this size: those by UDP become TCP, and stay as they were
    /// behind it, for a server that has no TCP.
    let fit
        (size: int<octet>)
        (mtu: int<octet> voption)
        (destinations: Destination list)
        : Destination list =
        destinations
        |> List.collect (fun d ->
            match transport size mtu d.Transport with
            | other when other <> d.Transport -> [ { d with Transport = other }; d ]
            | _ -> [ d ])
