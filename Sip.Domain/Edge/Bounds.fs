// Bounds: how much a ledger holds. What only waits for its end gives way to what is new, the longest
// waiting first; only where requests that are really under way fill it, more are refused with 503
// (RFC 3261 §21.5.4), so that no user, however well they have proven themselves, can fill the memory.

namespace Sip.Edge

open Sip
open Sip.Guarding

/// Requests under way, their last 64·T1 included.
[<Measure>]
type exchange

/// The bounds of one ledger.
type Bounds =
    {
        /// Of one client's flow; configured peers speak for many.
        PerFlow: int<exchange>
        /// Of all flows together.
        Total: int<exchange>
        /// Of those in it that only wait for their end, to absorb what is sent again.
        Ended: int<exchange>
        /// What strangers may use.
        Caps: Caps
    }

/// Choosing bounds.
[<RequireQualifiedAccess>]
module Bounds =

    /// Bounds with these caps. What has ended holds some 0.75 KB. At 10,000 new requests a second each end is remembered for 6 s,
    /// by when a client that heard nothing has asked three times more (RFC 3261 §17.1.2.2).
    let ofCaps (caps: Caps) : Bounds =
        let number bound =
            caps.Usual[Bound.place bound] * 1<exchange>

        {
            PerFlow = number Bound.RequestsPerFlow
            Total = number Bound.Requests
            Ended = 65_536<exchange>
            Caps = caps
        }

    /// The bounds where an operator says nothing.
    let usual: Bounds = ofCaps Bound.usual
