// ClientInvite: the INVITE client transaction (RFC 3261 §17.1.1, figure 5, with RFC 6026 §7.2),
// with the proxy's timer C (§16.6 step 11) and the CANCEL of a pending branch (§9.1).

namespace Sip.Transactions

open Sip

/// The INVITE client transaction.
[<RequireQualifiedAccess>]
module ClientInvite =

    /// Whether somebody still waits for this branch.
    [<RequireQualifiedAccess; Struct>]
    type Wish =
        | Wanted
        | Unwanted

    /// Where the transaction stands.
    [<RequireQualifiedAccess>]
    type State =
        | Calling of Wish: Wish * A: Instant * Interval: int64<ms> * B: Instant
        | Proceeding of C: Instant
        /// A CANCEL is on its way, which is a non-INVITE transaction with a timer E of its own;
        /// without a final response the branch is given up.
        | Cancelled of E: Instant * Interval: int64<ms> * GiveUp: Instant
        | Accepted of M: Instant
        | Completed of D: Instant
        | Terminated

    /// What may happen to it.
    [<RequireQualifiedAccess; Struct>]
    type Event =
        | Received of Response: Response
        | Cancel
        /// The CANCEL has arrived: it is not sent again.
        | CancelAnswered
        | Unsendable
        | Tick

    /// What it asks for.
    [<RequireQualifiedAccess>]
    type Act =
        | Resend
        /// Pass the response just received on.
        | Pass
        /// An ACK for the non-2xx final response just received, on the branch of the INVITE (§17.1.1.3).
        | Acknowledge
        | SendCancel
        | ReportTimeout
        | ReportUnsendable

    let private wake (state: State) : Instant =
        match state with
        | State.Calling(_, a, _, b) -> Instant.Earlier(a, b)
        | State.Proceeding c -> c
        | State.Cancelled(e, _, giveUp) -> Instant.Earlier(e, giveUp)
        | State.Accepted m -> m
        | State.Completed d -> d
        | State.Terminated -> Instant.Never

    let private step state acts : Step<State, Act> =
        {
            State = state
            Acts = acts
            Wake = wake state
        }

    let private resend = [ Act.Resend ]
    let private pass = [ Act.Pass ]
    let private acknowledge = [ Act.Acknowledge ]
    let private acknowledgeAndPass = [ Act.Acknowledge; Act.Pass ]
    let private sendCancel = [ Act.SendCancel ]
    let private reportTimeout = [ Act.ReportTimeout ]
    let private reportUnsendable = [ Act.ReportUnsendable ]

    /// A transaction whose INVITE has just been sent.
    let start (timing: Timing) (delivery: Delivery) (now: Instant) : Step<State, Act> =
        let a = Timing.firstResend timing delivery now
        step (State.Calling(Wish.Wanted, a, timing.T1, now.After(Timing.patience timing))) []

    let private final timing delivery (now: Instant) (response: Response) =
        match Response.classOf response.Status with
        | Class.Failure ->
            match delivery with
            // Timer D: a reliable transport brings no response twice.
            | Delivery.Reliable -> step State.Terminated acknowledgeAndPass
            | Delivery.Unreliable ->
                step (State.Completed(now.After(Timing.patience timing))) acknowledgeAndPass
        | Class.Success
        | Class.Provisional -> step (State.Accepted(now.After(Timing.patience timing))) pass

    let private isProvisional (response: Response) =
        Response.classOf response.Status = Class.Provisional

    let private cancel (timing: Timing) delivery (now: Instant) =
        let e = Timing.firstResend timing delivery now
        let giveUp = now.After(Timing.patience timing)
        step (State.Cancelled(e, timing.T1, giveUp)) sendCancel

    let private calling
        (timing: Timing)
        delivery
        (now: Instant)
        event
        wish
        (a: Instant)
        interval
        b
        =
        match event with
        | Event.Received response when isProvisional response ->
            match wish with
            | Wish.Wanted -> step (State.Proceeding(now.After timing.C)) pass
            // §9.1: the CANCEL that was wished for waits for this.
            | Wish.Unwanted -> cancel timing delivery now
        | Event.Received response -> final timing delivery now response
        // "If no provisional response has been received, the CANCEL request MUST NOT be sent."
        | Event.Cancel -> step (State.Calling(Wish.Unwanted, a, interval, b)) []
        | Event.Unsendable -> step State.Terminated reportUnsendable
        | Event.Tick when b.IsDue now -> step State.Terminated reportTimeout
        | Event.Tick when a.IsDue now ->
            // Timer A doubles without the bound of T2 (§17.1.1.2).
            let interval = 2L * interval
            step (State.Calling(wish, now.After interval, interval, b)) resend
        // Ignored: no CANCEL has been sent that could have been answered.
        | Event.CancelAnswered
        | Event.Tick -> step (State.Calling(wish, a, interval, b)) []

    let private proceeding (timing: Timing) delivery (now: Instant) event (c: Instant) =
        match event with
        // §16.7 step 2: timer C starts anew with each provisional response but 100.
        | Event.Received response when isProvisional response ->
            let c =
                if response.Status = Status.trying then
                    c
                else
                    now.After timing.C

            step (State.Proceeding c) pass
        | Event.Received response -> final timing delivery now response
        | Event.Cancel -> cancel timing delivery now
        // §16.8: timer C fired after a provisional response: cancel.
        | Event.Tick when c.IsDue now -> cancel timing delivery now
        | Event.Unsendable -> step State.Terminated reportUnsendable
        | Event.CancelAnswered
        | Event.Tick -> step (State.Proceeding c) []

    let private cancelled
        timing
        delivery
        (now: Instant)
        event
        (e: Instant)
        interval
        (giveUp: Instant)
        =
        match event with
        // Ignored: the branch has been given up, only its end matters.
        | Event.Received response when isProvisional response ->
            step (State.Cancelled(e, interval, giveUp)) []
        | Event.Cancel -> step (State.Cancelled(e, interval, giveUp)) []
        | Event.CancelAnswered -> step (State.Cancelled(Instant.Never, interval, giveUp)) []
        | Event.Received response -> final timing delivery now response
        // §9.1: without a final response within 64·T1 the transaction is considered cancelled.
        | Event.Tick when giveUp.IsDue now -> step State.Terminated reportTimeout
        | Event.Unsendable -> step State.Terminated reportUnsendable
        // §17.1.2.2: timer E doubles up to T2.
        | Event.Tick when e.IsDue now ->
            let interval = Timing.doubled timing interval
            step (State.Cancelled(now.After interval, interval, giveUp)) sendCancel
        | Event.Tick -> step (State.Cancelled(e, interval, giveUp)) []

    let private accepted (now: Instant) event (m: Instant) =
        match event with
        // RFC 6026 §7.2: every 2xx is passed on, whichever of a fork's callees sent it.
        | Event.Received response when Response.classOf response.Status = Class.Success ->
            step (State.Accepted m) pass
        | Event.Tick when m.IsDue now -> step State.Terminated []
        // Ignored: a 2xx has decided.
        | Event.Received _
        | Event.Cancel
        | Event.CancelAnswered
        | Event.Unsendable
        | Event.Tick -> step (State.Accepted m) []

    let private completed (now: Instant) event (d: Instant) =
        match event with
        // "Any retransmissions of the final response ... MUST cause the ACK to be re-passed."
        | Event.Received response when Response.classOf response.Status = Class.Failure ->
            step (State.Completed d) acknowledge
        | Event.Tick when d.IsDue now -> step State.Terminated []
        // Ignored: a final response has decided.
        | Event.Received _
        | Event.Cancel
        | Event.CancelAnswered
        | Event.Unsendable
        | Event.Tick -> step (State.Completed d) []

    /// What an event makes of the transaction.
    let take timing delivery (now: Instant) (event: Event) (state: State) : Step<State, Act> =
        match state with
        | State.Calling(wish, a, interval, b) -> calling timing delivery now event wish a interval b
        | State.Proceeding c -> proceeding timing delivery now event c
        | State.Cancelled(e, interval, giveUp) ->
            cancelled timing delivery now event e interval giveUp
        | State.Accepted m -> accepted now event m
        | State.Completed d -> completed now event d
        | State.Terminated -> step State.Terminated []
