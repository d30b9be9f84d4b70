// Alias: the parameter that we add to a client's Contact so that requests to it find its flow
// again: `;alias=<flow token>`. Browsers cannot name themselves (RFC 7118 §5.3), phones behind a NAT
// name themselves wrongly, and a flow that we sealed ourselves is the only one that we follow.

namespace Sip.Routing

open Sip

/// Minting aliases.
[<RequireQualifiedAccess>]
module Alias =

    /// The name of the URI parameter.
    let parameter = "alias"

    /// The alias of a flow: the same flow always has the same. It is good as long as its flow lives,
    /// which the ledger knows, so that it needs no end of its own.
    let mint (mint: Mint) (flow: Flow) : string = FlowToken.mint mint Instant.Never flow
