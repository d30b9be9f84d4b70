// Pulse: whether a server behind us answers: an OPTIONS to it every half minute (RFC 3261 §11), more often
// while it is silent. Requests that it did not take count at once; only an answer makes it one that answers.

namespace Sip.Edge

open Sip
open Sip.Transactions

/// Whether a server answers.
[<RequireQualifiedAccess; Struct>]
type Condition =
    | Alive
    | Silent

/// What is known of a server, and what is asked of it now.
[<RequireQualifiedAccess; Struct>]
type Pulse =
    | Resting of Rested: Condition * Until: Instant
    | Asking of Asked: Condition * Calling: ClientOther.State * Wake: Instant

/// What may happen.
[<RequireQualifiedAccess; Struct>]
type PulseEvent =
    | Tick
    | Answered of Response: Response
    | Unsendable
    /// A request of somebody's was not taken.
    | Failed

/// What to do.
[<RequireQualifiedAccess; Struct>]
type PulseAct =
    /// Send an OPTIONS with a branch of its own.
    | Ask
    | Repeat

/// Taking pulses.
[<RequireQualifiedAccess>]
module Pulse =
    let private pauseOf (condition: Condition) =
        match condition with
        | Condition.Alive -> 30_000L<ms>
        | Condition.Silent -> 5_000L<ms>

    // What takes longer than eight seconds counts as silence.
    let private brisk (timing: Timing) : Timing = { timing with T1 = timing.T1 / 4L }

    /// What is thought of a server that nothing is known of: it is asked at once.
    let fresh (now: Instant) : Pulse = Pulse.Resting(Condition.Alive, now)

    /// Whether the server answers.
    let condition (pulse: Pulse) : Condition =
        match pulse with
        | Pulse.Resting(condition, _)
        | Pulse.Asking(condition, _, _) -> condition

    /// When to tick.
    let wake (pulse: Pulse) : Instant =
        match pulse with
        | Pulse.Resting(_, until) -> until
        | Pulse.Asking(_, _, wake) -> wake

    let private rest (now: Instant) condition =
        struct (Pulse.Resting(condition, now.After(pauseOf condition)), ValueNone)

    let private judged (response: Response) =
        if response.Status = Status.serviceUnavailable then
            Condition.Silent
        else
            Condition.Alive

    let private asking timing delivery now condition (event: ClientOther.Event) state =
        let step = ClientOther.take (brisk timing) delivery now event state

        match event, step.Acts with
        | _, ClientOther.Act.Resend :: _ ->
            struct (Pulse.Asking(condition, step.State, step.Wake), ValueSome PulseAct.Repeat)
        | _, (ClientOther.Act.ReportTimeout | ClientOther.Act.ReportUnsendable) :: _ ->
            rest now Condition.Silent
        | ClientOther.Event.Received response, ClientOther.Act.Pass :: _ when
            not (Status.isProvisional response.Status)
            ->
            rest now (judged response)
        | _, _ -> struct (Pulse.Asking(condition, step.State, step.Wake), ValueNone)

    /// What an event makes of it.
    let step
        (timing: Timing)
        (delivery: Delivery)
        (now: Instant)
        (event: PulseEvent)
        (pulse: Pulse)
        : struct (Pulse * PulseAct voption) =
        match pulse, event with
        | Pulse.Resting(condition, until), PulseEvent.Tick when until.IsDue now ->
            let step = ClientOther.start (brisk timing) delivery now
            struct (Pulse.Asking(condition, step.State, step.Wake), ValueSome PulseAct.Ask)
        | Pulse.Resting(Condition.Alive, _), PulseEvent.Failed -> rest now Condition.Silent
        | Pulse.Resting _, _ -> struct (pulse, ValueNone)
        | Pulse.Asking(_, state, wake), PulseEvent.Failed ->
            struct (Pulse.Asking(Condition.Silent, state, wake), ValueNone)
        | Pulse.Asking(condition, state, _), PulseEvent.Tick ->
            asking timing delivery now condition ClientOther.Event.Tick state
        | Pulse.Asking(condition, state, _), PulseEvent.Unsendable ->
            asking timing delivery now condition ClientOther.Event.Unsendable state
        | Pulse.Asking(condition, state, _), PulseEvent.Answered response ->
            asking timing delivery now condition (ClientOther.Event.Received response) state
