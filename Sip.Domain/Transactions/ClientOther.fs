// ClientOther: the non-INVITE client transaction (RFC 3261 §17.1.2, figure 6).

namespace Sip.Transactions

open Sip

/// The non-INVITE client transaction.
[<RequireQualifiedAccess>]
module ClientOther =

    /// Where the transaction stands.
    [<RequireQualifiedAccess>]
    type State =
        | Trying of E: Instant * Interval: int64<ms> * F: Instant
        | Proceeding of E: Instant * F: Instant
        | Completed of K: Instant
        | Terminated

    /// What may happen to it.
    [<RequireQualifiedAccess; Struct>]
    type Event =
        | Received of Response: Response
        | Unsendable
        | Tick

    /// What it asks for.
    [<RequireQualifiedAccess>]
    type Act =
        | Resend
        /// Pass the response just received on.
        | Pass
        | ReportTimeout
        | ReportUnsendable

    let private wake (state: State) : Instant =
        match state with
        | State.Trying(e, _, f) -> Instant.Earlier(e, f)
        | State.Proceeding(e, f) -> Instant.Earlier(e, f)
        | State.Completed k -> k
        | State.Terminated -> Instant.Never

    let private step state acts : Step<State, Act> =
        {
            State = state
            Acts = acts
            Wake = wake state
        }

    let private resend = [ Act.Resend ]
    let private pass = [ Act.Pass ]
    let private reportTimeout = [ Act.ReportTimeout ]
    let private reportUnsendable = [ Act.ReportUnsendable ]

    /// A transaction whose request has just been sent.
    let start (timing: Timing) (delivery: Delivery) (now: Instant) : Step<State, Act> =
        let e = Timing.firstResend timing delivery now
        step (State.Trying(e, timing.T1, now.After(Timing.patience timing))) []

    let private final (timing: Timing) delivery (now: Instant) =
        match delivery with
        // Timer K: a reliable transport brings no response twice.
        | Delivery.Reliable -> step State.Terminated pass
        | Delivery.Unreliable -> step (State.Completed(now.After timing.T4)) pass

    let private isProvisional (response: Response) =
        Response.classOf response.Status = Class.Provisional

    let private later (timing: Timing) delivery (now: Instant) =
        match delivery with
        | Delivery.Unreliable -> now.After timing.T2
        | Delivery.Reliable -> Instant.Never

    let private trying
        timing
        delivery
        (now: Instant)
        event
        state
        (e: Instant)
        interval
        (f: Instant)
        =
        match event with
        | Event.Received response when isProvisional response ->
            step (State.Proceeding(later timing delivery now, f)) pass
        | Event.Received _ -> final timing delivery now
        | Event.Unsendable -> step State.Terminated reportUnsendable
        | Event.Tick when f.IsDue now -> step State.Terminated reportTimeout
        | Event.Tick when e.IsDue now ->
            let interval = Timing.doubled timing interval
            step (State.Trying(now.After interval, interval, f)) resend
        | Event.Tick -> step state []

    let private proceeding timing delivery (now: Instant) event state (e: Instant) (f: Instant) =
        match event with
        | Event.Received response when isProvisional response -> step state pass
        | Event.Received _ -> final timing delivery now
        | Event.Unsendable -> step State.Terminated reportUnsendable
        | Event.Tick when f.IsDue now -> step State.Terminated reportTimeout
        // "If Timer E fires while in the Proceeding state, the request MUST be passed to the
        // transport layer for retransmission, and Timer E MUST be reset with a value of T2."
        | Event.Tick when e.IsDue now ->
            step (State.Proceeding(later timing delivery now, f)) resend
        | Event.Tick -> step state []

    let private completed (now: Instant) event state (k: Instant) =
        match event with
        | Event.Tick when k.IsDue now -> step State.Terminated []
        // "This state exists to buffer any additional response retransmissions."
        | Event.Received _
        | Event.Unsendable
        | Event.Tick -> step state []

    /// What an event makes of the transaction.
    let take timing delivery (now: Instant) (event: Event) (state: State) : Step<State, Act> =
        match state with
        | State.Trying(e, interval, f) -> trying timing delivery now event state e interval f
        | State.Proceeding(e, f) -> proceeding timing delivery now event state e f
        | State.Completed k -> completed now event state k
        | State.Terminated -> step State.Terminated []
