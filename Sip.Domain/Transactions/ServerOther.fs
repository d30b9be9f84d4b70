// ServerOther: the non-INVITE server transaction (RFC 3261 §17.2.2, figure 8, with RFC 4320).

namespace Sip.Transactions

open Sip

/// The non-INVITE server transaction.
[<RequireQualifiedAccess>]
module ServerOther =

    /// Where the transaction stands; until `Deadline` a final response still helps the client.
    [<RequireQualifiedAccess>]
    type State =
        | Trying of Patience: Instant * Deadline: Instant
        | Proceeding of Last: Response * Deadline: Instant
        | Completed of Final: Response * J: Instant
        | Terminated

    /// What may happen to it.
    [<RequireQualifiedAccess; Struct>]
    type Event =
        | Retransmitted
        | Respond of Response: Response
        | Unsendable
        | Tick

    /// What it asks for.
    [<RequireQualifiedAccess>]
    type Act =
        /// Send the response just given.
        | Send
        /// Send the response that the state keeps.
        | Resend
        /// The client would soon retransmit at T2: a 100 may be sent now (RFC 4320 §4.1).
        | OfferTrying

    let private wake (state: State) : Instant =
        match state with
        | State.Trying(patience, deadline) -> Instant.Earlier(patience, deadline)
        | State.Proceeding(_, deadline) -> deadline
        | State.Completed(_, j) -> j
        | State.Terminated -> Instant.Never

    let private step state acts : Step<State, Act> =
        {
            State = state
            Acts = acts
            Wake = wake state
        }

    let private send = [ Act.Send ]
    let private resend = [ Act.Resend ]
    let private offerTrying = [ Act.OfferTrying ]

    // RFC 4320 §4.1: no 100 before the client's timer E has been reset to T2, which takes
    // T1 + 2·T1 + 4·T1 on unreliable transports; on reliable ones not at all before timer F.
    /// A transaction whose request has just arrived.
    let start (timing: Timing) (delivery: Delivery) (now: Instant) : Step<State, Act> =
        let patience =
            match delivery with
            | Delivery.Unreliable -> now.After(7L * timing.T1)
            | Delivery.Reliable -> Instant.Never

        step (State.Trying(patience, now.After(Timing.patience timing))) []

    let private respond timing delivery (now: Instant) (response: Response) deadline =
        match Response.classOf response.Status with
        // RFC 4320 §4.1: no provisional response but 100 to a non-INVITE request.
        | Class.Provisional when response.Status = Status.trying ->
            step (State.Proceeding(response, deadline)) send
        | Class.Provisional -> step (State.Proceeding(response, deadline)) []
        // RFC 4320 §4.2: no 408 to a non-INVITE request; the client's own timer has fired.
        | Class.Failure when response.Status = Status.requestTimeout -> step State.Terminated []
        | Class.Success
        | Class.Failure ->
            match delivery with
            // Timer J: a reliable transport brings no request twice.
            | Delivery.Reliable -> step State.Terminated send
            | Delivery.Unreliable ->
                step (State.Completed(response, now.After(Timing.patience timing))) send

    let private trying timing delivery (now: Instant) event state (patience: Instant) deadline =
        match event with
        | Event.Respond response -> respond timing delivery now response deadline
        | Event.Unsendable -> step State.Terminated []
        // RFC 4320 §4.2: a final response after 64·T1 is of no use to anybody.
        | Event.Tick when deadline.IsDue now -> step State.Terminated []
        | Event.Tick when patience.IsDue now ->
            step (State.Trying(Instant.Never, deadline)) offerTrying
        // "Once in the Trying state, any further request retransmissions are discarded."
        | Event.Retransmitted
        | Event.Tick -> step state []

    let private proceeding timing delivery (now: Instant) event state (last: Response) deadline =
        match event with
        | Event.Respond response -> respond timing delivery now response deadline
        // "The most recently sent provisional response is passed to the transport layer."
        | Event.Retransmitted when last.Status = Status.trying -> step state resend
        | Event.Unsendable -> step State.Terminated []
        | Event.Tick when deadline.IsDue now -> step State.Terminated []
        | Event.Retransmitted
        | Event.Tick -> step state []

    let private completed (now: Instant) event state (j: Instant) =
        match event with
        | Event.Retransmitted -> step state resend
        | Event.Tick when j.IsDue now -> step State.Terminated []
        | Event.Unsendable -> step State.Terminated []
        // "Any other final responses passed by the TU MUST be discarded."
        | Event.Respond _
        | Event.Tick -> step state []

    /// What an event makes of the transaction.
    let take timing delivery (now: Instant) (event: Event) (state: State) : Step<State, Act> =
        match state with
        | State.Trying(patience, deadline) ->
            trying timing delivery now event state patience deadline
        | State.Proceeding(last, deadline) ->
            proceeding timing delivery now event state last deadline
        | State.Completed(_, j) -> completed now event state j
        | State.Terminated -> step State.Terminated []
