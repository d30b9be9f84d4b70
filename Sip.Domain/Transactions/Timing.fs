// Timing: the timers of RFC 3261 §17 (table 4) and RFC 6026 as durations; nothing here runs.
// A machine keeps its own deadlines and says when it wants to be called again.

namespace Sip.Transactions

open Sip

/// The estimates that every timer is made from.
type Timing =
    {
        /// Round-trip time.
        T1: int64<ms>
        /// Longest interval between retransmissions.
        T2: int64<ms>
        /// Longest time that a message stays in the network.
        T4: int64<ms>
        /// How long a proxied INVITE may stay without a final response (§16.6 step 11).
        C: int64<ms>
    }

/// Whether the transport below retransmits by itself.
[<RequireQualifiedAccess; Struct>]
type Delivery =
    | Reliable
    | Unreliable

/// A new state, what to do now in this order, and when to call again.
[<Struct>]
type Step<'state, 'act> =
    {
        State: 'state
        Acts: 'act list
        Wake: Instant
    }

/// Durations.
[<RequireQualifiedAccess>]
module Timing =

    /// RFC 3261's own values; timer C is a little over three minutes.
    let usual: Timing =
        {
            T1 = 500L<ms>
            T2 = 4000L<ms>
            T4 = 5000L<ms>
            C = 181_000L<ms>
        }

    /// 64·T1: timers B, F, H, J, L and M.
    let patience (timing: Timing) : int64<ms> = 64L * timing.T1

    /// An interval twice as long, up to T2.
    let doubled (timing: Timing) (interval: int64<ms>) : int64<ms> = min (2L * interval) timing.T2

    /// The first deadline of timers A, E and G, which never comes on a reliable transport.
    let firstResend (timing: Timing) (delivery: Delivery) (now: Instant) : Instant =
        match delivery with
        | Delivery.Unreliable -> now.After timing.T1
        | Delivery.Reliable -> Instant.Never
