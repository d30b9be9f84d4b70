// Alias: the parameter that we add to a client's Contact so that requests to it find its flow
// again: `;alias=<flow token>`. Browsers cannot name themselves (RFC 7118 §5.3), phones behind a NAT
// name themselves wrongly, and a flow that we sealed ourselves is the only one that we follow.

namespace Sip.Routing

open Sip

/// What an alias turned out to be.
[<RequireQualifiedAccess>]
type Followed =
    | Leads of Flow: Flow
    /// Not ours: forged, damaged, or another server's.
    | Foreign

/// Minting and following aliases.
[<RequireQualifiedAccess>]
module Alias =

    /// The name of the URI parameter.
    let parameter = "alias"

    // An alias lives as long as its flow, which the ledger knows.
    let private mintOf (secret: byte[]) : Mint =
        {
            Node = 0u
            Epoch = 0UL
            Keys = Keyring.ofSecret secret
        }

    /// The alias of a flow: the same flow always has the same.
    let mint (secret: byte[]) (flow: Flow) : string =
        FlowToken.mint (mintOf secret) Instant.Never flow

    /// The flow that an alias was minted for.
    let follow (secret: byte[]) (alias: string) : Followed =
        match FlowToken.trace (mintOf secret) (Instant.FromMilliseconds 0L) alias with
        | Traced.Leads flow -> Followed.Leads flow
        | Traced.Elsewhere _
        | Traced.Dead
        | Traced.Forged -> Followed.Foreign
