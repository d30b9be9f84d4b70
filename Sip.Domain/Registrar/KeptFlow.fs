// KeptFlow: who has its flow kept by this server as first hop, what the 200 to its REGISTER says of it, and
// what a caller hears of one that has failed (RFC 5626 §5.4, §6, §11.5). A browser can be reached by its
// connection only, so it has it kept whether it asks or not.

namespace Sip.Registrar

open Sip

/// Whether this server keeps the flow of a client.
[<RequireQualifiedAccess; Struct>]
type Keeping =
    | Kept
    | Unkept

/// Deciding about kept flows.
[<RequireQualifiedAccess>]
module KeptFlow =

    /// Whether the flow of a client that is one hop away is kept.
    let keeps (transport: Transport) (outbound: Support) (regId: int voption) : Keeping =
        match transport, outbound, regId with
        | (Transport.Ws | Transport.Wss), _, _
        | (Transport.Udp | Transport.Tcp | Transport.Tls), Support.Stated, ValueSome _ ->
            Keeping.Kept
        | (Transport.Udp | Transport.Tcp | Transport.Tls), Support.Stated, ValueNone
        | (Transport.Udp | Transport.Tcp | Transport.Tls), Support.Unstated, _ -> Keeping.Unkept

    /// How often a client is to ping: a translator forgets a datagram client within half a minute
    /// (§4.4), however seldom others are asked to.
    let timer (transport: Transport) (flowTimer: int64<s>) : int64<s> =
        match transport with
        | Transport.Udp -> min 25L<s> flowTimer
        | Transport.Tcp
        | Transport.Tls
        | Transport.Ws
        | Transport.Wss -> flowTimer

    /// The headers by which a 200 tells a client that its flow is kept and how often it is to ping:
    /// only one that knows `outbound` and has bound a flow is told.
    let headers
        (flowTimer: int64<s>)
        (outbound: Support)
        (bound: Keeping)
        : (string * string) list =
        match outbound, bound with
        | Support.Stated, Keeping.Kept ->
            [ "Require", "outbound"; "Flow-Timer", string (int64 flowTimer) ]
        | Support.Stated, Keeping.Unkept
        | Support.Unstated, (Keeping.Kept | Keeping.Unkept) -> []

    /// What the caller is told instead of a 430, which is between proxies (§11.5: the flow of an
    /// edge is nothing to a caller).
    let told (status: Status) : Status =
        if status = Status.flowFailed then
            Status.temporarilyUnavailable
        else
            status
