// ServerInvite: the INVITE server transaction (RFC 3261 §17.2.1, figure 7, with RFC 6026 §7.1).

namespace Sip.Transactions

open Sip

/// The INVITE server transaction.
[<RequireQualifiedAccess>]
module ServerInvite =

    /// Where the transaction stands.
    [<RequireQualifiedAccess>]
    type State =
        | Proceeding of Last: Response voption
        | Accepted of L: Instant
        | Completed of Final: Response * G: Instant * Interval: int64<ms> * H: Instant
        | Confirmed of I: Instant
        | Terminated

    /// What may happen to it.
    [<RequireQualifiedAccess; Struct>]
    type Event =
        | Retransmitted
        | Respond of Response: Response
        | Acknowledged
        | Unsendable
        | Tick

    /// What it asks for.
    [<RequireQualifiedAccess>]
    type Act =
        /// Send the response just given.
        | Send
        /// Send the response that the state keeps.
        | Resend
        /// A final response was never acknowledged (timer H).
        | ReportLost

    let private wake (state: State) : Instant =
        match state with
        | State.Proceeding _
        | State.Terminated -> Instant.Never
        | State.Accepted l -> l
        | State.Completed(_, g, _, h) -> Instant.Earlier(g, h)
        | State.Confirmed i -> i

    let private step state acts : Step<State, Act> =
        {
            State = state
            Acts = acts
            Wake = wake state
        }

    let private send = [ Act.Send ]
    let private resend = [ Act.Resend ]
    let private reportLost = [ Act.ReportLost ]

    /// A transaction whose INVITE has just arrived.
    let start: State = State.Proceeding ValueNone

    let private respond (timing: Timing) delivery (now: Instant) (response: Response) =
        match Response.classOf response.Status with
        | Class.Provisional -> step (State.Proceeding(ValueSome response)) send
        // RFC 6026 §7.1: a 2xx moves the machine to Accepted, where timer L runs.
        | Class.Success -> step (State.Accepted(now.After(Timing.patience timing))) send
        | Class.Failure ->
            let g = Timing.firstResend timing delivery now
            let h = now.After(Timing.patience timing)
            step (State.Completed(response, g, timing.T1, h)) send

    let private proceeding timing delivery now event state (last: Response voption) =
        match event with
        // "If a retransmitted INVITE is received while in Proceeding, the most recent provisional
        // response MUST be passed to the transport layer."
        | Event.Retransmitted -> step state (if last.IsSome then resend else [])
        | Event.Respond response -> respond timing delivery now response
        | Event.Unsendable -> step State.Terminated []
        // Ignored: there is nothing yet that an ACK could acknowledge, and no timer runs.
        | Event.Acknowledged
        | Event.Tick -> step state []

    let private accepted (now: Instant) event state (l: Instant) =
        match event with
        // RFC 6026 §7.1: retransmissions are absorbed; every further 2xx is passed on.
        | Event.Respond response when Response.classOf response.Status = Class.Success ->
            step state send
        | Event.Tick when l.IsDue now -> step State.Terminated []
        // Ignored: the 2xx is decided, and its ACK belongs to the user agents.
        | Event.Respond _
        | Event.Retransmitted
        | Event.Acknowledged
        | Event.Unsendable
        | Event.Tick -> step state []

    let private completed
        timing
        delivery
        (now: Instant)
        event
        state
        final
        (g: Instant)
        interval
        (h: Instant)
        =
        match event with
        | Event.Retransmitted -> step state resend
        // Timer I: T4 on unreliable transports, zero on reliable ones.
        | Event.Acknowledged ->
            match delivery with
            | Delivery.Reliable -> step State.Terminated []
            | Delivery.Unreliable -> step (State.Confirmed(now.After timing.T4)) []
        | Event.Tick when h.IsDue now -> step State.Terminated reportLost
        | Event.Tick when g.IsDue now ->
            let interval = Timing.doubled timing interval
            step (State.Completed(final, now.After interval, interval, h)) resend
        | Event.Unsendable -> step State.Terminated []
        // Ignored: a final response has been given.
        | Event.Respond _
        | Event.Tick -> step state []

    let private confirmed (now: Instant) event state (i: Instant) =
        match event with
        | Event.Tick when i.IsDue now -> step State.Terminated []
        // "The purpose of the Confirmed state is to absorb any additional ACK messages."
        | Event.Tick
        | Event.Retransmitted
        | Event.Respond _
        | Event.Acknowledged
        | Event.Unsendable -> step state []

    /// What an event makes of the transaction.
    let take timing delivery (now: Instant) (event: Event) (state: State) : Step<State, Act> =
        match state with
        | State.Proceeding last -> proceeding timing delivery now event state last
        | State.Accepted l -> accepted now event state l
        | State.Completed(final, g, interval, h) ->
            completed timing delivery now event state final g interval h
        | State.Confirmed i -> confirmed now event state i
        | State.Terminated -> step State.Terminated []
