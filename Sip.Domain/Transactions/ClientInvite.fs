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
    [<RequireQualifiedAccess>]
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
        | Pass of Response: Response
        /// An ACK for this non-2xx final response, on the branch of the INVITE (§17.1.1.3).
        | Acknowledge of Response: Response
        | SendCancel
        | ReportTimeout
        | ReportUnsendable

    let private wake (state: State) : Instant =
        match state with
        | State.Calling(_, a, _, b) -> min a b
        | State.Proceeding c -> c
        | State.Cancelled(e, _, giveUp) -> min e giveUp
        | State.Accepted m -> m
        | State.Completed d -> d
        | State.Terminated -> Instant.Never

    let private step state acts : Step<State, Act> =
        {
            State = state
            Acts = acts
            Wake = wake state
        }

    /// A transaction whose INVITE has just been sent.
    let start (timing: Timing) (delivery: Delivery) (now: Instant) : Step<State, Act> =
        let a = Timing.firstResend timing delivery now
        step (State.Calling(Wish.Wanted, a, timing.T1, now.After(Timing.patience timing))) []

    let private final timing delivery (now: Instant) (response: Response) =
        match response.Status with
        | Response.Failure ->
            step
                (State.Completed(now.After(Timing.d timing delivery)))
                [ Act.Acknowledge response; Act.Pass response ]
        | Response.Success
        | Response.Provisional ->
            step (State.Accepted(now.After(Timing.patience timing))) [ Act.Pass response ]

    let private cancel (timing: Timing) delivery (now: Instant) =
        let e = Timing.firstResend timing delivery now
        let giveUp = now.After(Timing.patience timing)
        step (State.Cancelled(e, timing.T1, giveUp)) [ Act.SendCancel ]

    let private calling (timing: Timing) delivery (now: Instant) event (wish, a, interval, b) =
        match event with
        | Event.Received({ Status = Response.Provisional } as response) ->
            match wish with
            | Wish.Wanted -> step (State.Proceeding(now.After timing.C)) [ Act.Pass response ]
            // §9.1: the CANCEL that was wished for waits for this.
            | Wish.Unwanted -> cancel timing delivery now
        | Event.Received response -> final timing delivery now response
        // "If no provisional response has been received, the CANCEL request MUST NOT be sent."
        | Event.Cancel -> step (State.Calling(Wish.Unwanted, a, interval, b)) []
        | Event.Unsendable -> step State.Terminated [ Act.ReportUnsendable ]
        | Event.Tick when now >= b -> step State.Terminated [ Act.ReportTimeout ]
        | Event.Tick when now >= a ->
            // Timer A doubles without the bound of T2 (§17.1.1.2).
            let interval = 2L * interval
            step (State.Calling(wish, now.After interval, interval, b)) [ Act.Resend ]
        // Ignored: no CANCEL has been sent that could have been answered.
        | Event.CancelAnswered
        | Event.Tick -> step (State.Calling(wish, a, interval, b)) []

    let private proceeding (timing: Timing) delivery (now: Instant) event (c: Instant) =
        match event with
        // §16.7 step 2: timer C starts anew with each provisional response but 100.
        | Event.Received({ Status = Response.Provisional } as response) ->
            let c =
                if response.Status = Status.trying then
                    c
                else
                    now.After timing.C

            step (State.Proceeding c) [ Act.Pass response ]
        | Event.Received response -> final timing delivery now response
        | Event.Cancel -> cancel timing delivery now
        // §16.8: timer C fired after a provisional response: cancel.
        | Event.Tick when now >= c -> cancel timing delivery now
        | Event.Unsendable -> step State.Terminated [ Act.ReportUnsendable ]
        | Event.CancelAnswered
        | Event.Tick -> step (State.Proceeding c) []

    let private cancelled timing delivery (now: Instant) event (e: Instant, interval, giveUp) =
        match event with
        // Ignored: the branch has been given up, only its end matters.
        | Event.Received { Status = Response.Provisional }
        | Event.Cancel -> step (State.Cancelled(e, interval, giveUp)) []
        | Event.CancelAnswered -> step (State.Cancelled(Instant.Never, interval, giveUp)) []
        | Event.Received response -> final timing delivery now response
        // §9.1: without a final response within 64·T1 the transaction is considered cancelled.
        | Event.Tick when now >= giveUp -> step State.Terminated [ Act.ReportTimeout ]
        | Event.Unsendable -> step State.Terminated [ Act.ReportUnsendable ]
        // §17.1.2.2: timer E doubles up to T2.
        | Event.Tick when now >= e ->
            let interval = Timing.doubled timing interval
            step (State.Cancelled(now.After interval, interval, giveUp)) [ Act.SendCancel ]
        | Event.Tick -> step (State.Cancelled(e, interval, giveUp)) []

    let private accepted (now: Instant) event (m: Instant) =
        match event with
        // RFC 6026 §7.2: every 2xx is passed on, whichever of a fork's callees sent it.
        | Event.Received({ Status = Response.Success } as response) ->
            step (State.Accepted m) [ Act.Pass response ]
        | Event.Tick when now >= m -> step State.Terminated []
        // Ignored: a 2xx has decided.
        | Event.Received _
        | Event.Cancel
        | Event.CancelAnswered
        | Event.Unsendable
        | Event.Tick -> step (State.Accepted m) []

    let private completed (now: Instant) event (d: Instant) =
        match event with
        // "Any retransmissions of the final response ... MUST cause the ACK to be re-passed."
        | Event.Received({ Status = Response.Failure } as response) ->
            step (State.Completed d) [ Act.Acknowledge response ]
        | Event.Tick when now >= d -> step State.Terminated []
        // Ignored: a final response has decided.
        | Event.Received _
        | Event.Cancel
        | Event.CancelAnswered
        | Event.Unsendable
        | Event.Tick -> step (State.Completed d) []

    /// What an event makes of the transaction.
    let take timing delivery (now: Instant) (event: Event) (state: State) : Step<State, Act> =
        match state with
        | State.Calling(wish, a, interval, b) ->
            calling timing delivery now event (wish, a, interval, b)
        | State.Proceeding c -> proceeding timing delivery now event c
        | State.Cancelled(e, interval, giveUp) ->
            cancelled timing delivery now event (e, interval, giveUp)
        | State.Accepted m -> accepted now event m
        | State.Completed d -> completed now event d
        | State.Terminated -> step State.Terminated []
