// Bounds: how much a ledger holds before it refuses more with 503 (RFC 3261 §21.5.4), so that no
// user, however well they have proven themselves, can fill the memory.

namespace Sip.Edge

open Sip

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
    }

/// Choosing bounds.
[<RequireQualifiedAccess>]
module Bounds =

    /// A client's flow may begin some 250 a second for ever, all together some 12,000.
    let usual: Bounds =
        {
            PerFlow = 8192<exchange>
            Total = 400_000<exchange>
        }
