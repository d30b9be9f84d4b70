// Requesting: how a leg of an exchange steps: what an event makes of its client machine, and what goes to
// it (RFC 3261 §9.1, §17.1). What the response context is to hear comes last of all acts. HOT.

namespace Sip.Edge

open Sip.Transactions

/// What the response context hears of a leg.
[<RequireQualifiedAccess; Struct>]
type internal LegReport =
    | Nothing
    /// The response that has just come goes on.
    | Pass
    /// Its time is up, and nobody is known to have been reached.
    | TimedOut
    /// Its time is up, and it had rung or been called off.
    | FellSilent
    | Unsendable

/// Stepping legs.
[<RequireQualifiedAccess>]
module internal Requesting =

    // What rang, or was called off, has been reached.
    let private late (before: ClientInvite.State) : LegReport =
        match before with
        | ClientInvite.State.Calling _ -> LegReport.TimedOut
        | ClientInvite.State.Proceeding _
        | ClientInvite.State.Cancelled _
        | ClientInvite.State.Accepted _
        | ClientInvite.State.Completed _
        | ClientInvite.State.Terminated -> LegReport.FellSilent

    let private invite (walk: Walk) (id: int) (before: Leg) state (event: LegEvent) : LegReport =
        let event =
            match event with
            | LegEvent.Received response -> ClientInvite.Event.Received response
            | LegEvent.Cancel -> ClientInvite.Event.Cancel
            | LegEvent.CancelAnswered -> ClientInvite.Event.CancelAnswered
            | LegEvent.Unsendable -> ClientInvite.Event.Unsendable
            | LegEvent.Tick -> ClientInvite.Event.Tick

        let delivery = Leg.delivery before.Place
        let step = ClientInvite.take walk.Around.Timing delivery walk.Now event state

        let after =
            { before with
                Calling = Calling.Invite step.State
                Wake = step.Wake
            }

        walk.SetLeg(id, after)

        let mutable report = LegReport.Nothing

        for act in step.Acts do
            match act with
            | ClientInvite.Act.Resend -> Downstream.resend walk id after
            | ClientInvite.Act.Pass -> report <- LegReport.Pass
            | ClientInvite.Act.Acknowledge -> Downstream.acknowledge walk id after
            | ClientInvite.Act.SendCancel -> Downstream.cancel walk id after
            | ClientInvite.Act.ReportTimeout -> report <- late state
            | ClientInvite.Act.ReportUnsendable -> report <- LegReport.Unsendable

        report

    let private other (walk: Walk) (id: int) (before: Leg) state (event: LegEvent) : LegReport =
        // A request that is no INVITE is not cancelled (§9.1): its leg ends by itself.
        let event =
            match event with
            | LegEvent.Received response -> ClientOther.Event.Received response
            | LegEvent.Unsendable -> ClientOther.Event.Unsendable
            | LegEvent.Cancel
            | LegEvent.CancelAnswered
            | LegEvent.Tick -> ClientOther.Event.Tick

        let delivery = Leg.delivery before.Place
        let step = ClientOther.take walk.Around.Timing delivery walk.Now event state

        let after =
            { before with
                Calling = Calling.Other step.State
                Wake = step.Wake
            }

        walk.SetLeg(id, after)

        let mutable report = LegReport.Nothing

        for act in step.Acts do
            match act with
            | ClientOther.Act.Resend -> Downstream.resend walk id after
            | ClientOther.Act.Pass -> report <- LegReport.Pass
            | ClientOther.Act.ReportTimeout -> report <- LegReport.TimedOut
            | ClientOther.Act.ReportUnsendable -> report <- LegReport.Unsendable

        report

    /// What an event makes of a leg; what goes to the leg is in the outbox.
    let step (walk: Walk) (id: int) (event: LegEvent) : LegReport =
        let before = walk.Legs[id]

        match before.Calling with
        | Calling.Invite state -> invite walk id before state event
        | Calling.Other state -> other walk id before state event
