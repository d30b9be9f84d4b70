// Forking: how the response context of an exchange steps: which legs it opens, moves on and cancels, and
// what of their responses and ends goes to the caller (RFC 3261 §16.6, §16.7, §16.9). What happens to a leg
// may be an event of the context, and what that does one of a leg. HOT.

namespace Sip.Edge

open System
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Transactions

/// Stepping the response context.
[<RequireQualifiedAccess>]
module internal Forking =

    // The response that an event is about, for the context to have it sent on.
    let private about (event: Fork.Event) : Response =
        match event with
        | Fork.Event.Provisional(_, response)
        | Fork.Event.Ended(_, Fork.Outcome.Final response) -> response
        | Fork.Event.Ended(_,
                           (Fork.Outcome.TimedOut | Fork.Outcome.TransportFailed | Fork.Outcome.Withheld))
        | Fork.Event.Opened _
        | Fork.Event.Moved _
        | Fork.Event.Cancelled -> Responding.nothing

    // One branch alone has its end told by its final response.
    let private mayFork (walk: Walk) =
        match walk.Places with
        | [ [ place ] ] -> not place.Spare.IsEmpty
        | _ -> true

    // RFC 6228 §6: what rings is remembered only where its end may have to be told.
    let private ring (walk: Walk) (id: int) (response: Response) =
        if
            walk.Method = Method.Invite
            && mayFork walk
            && Answering.isPending walk.Answering
            && Upstream.hearing walk = Hearing.Hears
        then
            let leg = walk.Legs[id]
            let tag = walk.Came.Text(Message.toTag walk.Came)

            walk.SetLeg(
                id,
                { leg with
                    Early = EarlyEnd.heard response.Status tag leg.Early
                }
            )

    let private statusOf (attempt: Attempt) =
        match attempt with
        | Attempt.Answered status -> status
        | Attempt.TimedOut -> Status.requestTimeout
        | Attempt.Broke
        | Attempt.Withheld -> Status.serviceUnavailable

    /// Something has happened to the context, of which the legs and the caller may hear.
    let rec step (walk: Walk) (event: Fork.Event) : unit =
        carryOut walk (Fork.Context.step event walk.Context) (about event)

    and private carryOut (walk: Walk) (step: Fork.Step) (just: Response) =
        walk.Context <- step.State
        walk.Touch()

        for act in step.Acts do
            match act with
            | Fork.Act.OpenGroup group -> openGroup walk group
            | Fork.Act.Forward -> Responding.respond walk just
            // RFC 3841 §9.1: the caller wants to have every answer.
            | Fork.Act.CancelBranch(_, Fork.Reason.AnsweredElsewhere) when
                (Choosing.disposition walk.Request).Cancelling = Cancelling.NoCancel
                ->
                ()
            | Fork.Act.CancelBranch(id, why) ->
                let reason = Upstream.reason walk why
                walk.SetLeg(id, { walk.Legs[id] with Reason = reason })
                stepLeg walk id LegEvent.Cancel
            | Fork.Act.Best(choice, others) ->
                Responding.respond walk (Upstream.chosen walk choice others)

    and private openGroup (walk: Walk) (group: int) =
        let first = walk.Legs.Length
        let mutable places = walk.Places[group]
        let mutable dead = Branches.none
        let mutable kept = Branches.none
        // The whole breadth is there again for each group: none is begun before the last is over.
        let count = places.Length
        let whole = MaxBreadth.incoming (Message.number HeaderName.MaxBreadth walk.Request)

        while not places.IsEmpty do
            let id = walk.Legs.Length
            let breadth = MaxBreadth.share whole count (id - first)

            match Downstream.openLeg walk id places.Head breadth with
            | Opened.Sent -> ()
            | Opened.Nowhere -> dead <- Branches.add id dead
            | Opened.Withheld -> kept <- Branches.add id kept

            places <- places.Tail

        step walk (Fork.Event.Opened(first, walk.Legs.Length - first))

        while not dead.IsEmpty do
            let id = dead.First
            dead <- Branches.remove id dead
            unreachable walk id

        while not kept.IsEmpty do
            let id = kept.First
            kept <- Branches.remove id kept
            withheld walk id

    // Nobody is at the end of the flow any more.
    and private unreachable (walk: Walk) (id: int) =
        if not (movesOn walk id Attempt.Broke) then
            ended walk id (Fork.Outcome.Final(Upstream.own walk Status.temporarilyUnavailable))

    // Somebody else may bear what whoever was asked for cannot.
    and private withheld (walk: Walk) (id: int) =
        if not (movesOn walk id Attempt.Withheld) then
            ended walk id Fork.Outcome.Withheld

    /// Whether a branch that failed goes on by another way to the same place, as a new transaction.
    and private movesOn (walk: Walk) (id: int) (attempt: Attempt) : bool =
        let tried = walk.Legs[id]

        match tried.Place.Hop, attempt with
        | Hop.Dial there, (Attempt.TimedOut | Attempt.Broke) ->
            walk.Around.Pulses.Failed(walk.Now, there)
        | Hop.Dial there, Attempt.Answered status when status = Status.serviceUnavailable ->
            walk.Around.Pulses.Failed(walk.Now, there)
        | Hop.Dial _, (Attempt.Answered _ | Attempt.Withheld)
        | Hop.Flow _, _ -> ()

        if
            tried.Place.Spare.IsEmpty
            || walk.Legs.Length = Branches.most
            || not (Fork.Context.isSeeking walk.Context)
        then
            false
        else
            match Failover.after attempt tried.Place.Spare with
            | Next.Try(first, rest) ->
                let entered = walk.Legs.Length
                let next = { first with Spare = rest }

                tellEarlyEnd walk id (statusOf attempt)

                let opened =
                    if Downstream.isSameServer tried.Place.Hop next.Hop then
                        Downstream.openLegAsItIs walk entered next tried.Breadth
                    else
                        Downstream.openLeg walk entered next tried.Breadth

                step walk (Fork.Event.Moved(id, entered))

                match opened with
                | Opened.Sent -> ()
                | Opened.Nowhere -> unreachable walk entered
                | Opened.Withheld -> withheld walk entered

                true
            | Next.Settle -> false

    // §6 of RFC 6228: the early dialogs of a branch that has ended while others have not.
    and private tellEarlyEnd (walk: Walk) (id: int) (status: Status) =
        let leg = walk.Legs[id]

        if not leg.Early.IsEmpty then
            let fate =
                if Answering.isPending walk.Answering then
                    Fate.Held
                else
                    Fate.Relayed

            walk.SetLeg(id, { leg with Early = [] })

            match EarlyEnd.decide (Upstream.hearing walk) fate status leg.Early with
            | EarlyEnd.Tell tags ->
                for tag in tags do
                    Responding.respond walk (Upstream.earlyEnd walk tag status)
            | EarlyEnd.Silence -> ()

    // A response that is kept until another has been chosen has bytes of its own.
    and private ended (walk: Walk) (id: int) (outcome: Fork.Outcome) =
        match outcome with
        | Fork.Outcome.Final response when Response.classOf response.Status = Class.Failure ->
            let own =
                { response with
                    Bytes = ReadOnlyMemory(response.Bytes.ToArray())
                }

            step walk (Fork.Event.Ended(id, Fork.Outcome.Final own))
        | Fork.Outcome.Final _
        | Fork.Outcome.TimedOut
        | Fork.Outcome.TransportFailed
        | Fork.Outcome.Withheld -> step walk (Fork.Event.Ended(id, outcome))

        tellEarlyEnd walk id (Fork.Choice.statusOf outcome)

    and private pass (walk: Walk) (id: int) (response: Response) =
        match Response.classOf response.Status with
        | Class.Provisional ->
            ring walk id response
            step walk (Fork.Event.Provisional(id, response))
        | Class.Success -> ended walk id (Fork.Outcome.Final response)
        | Class.Failure ->
            if not (movesOn walk id (Attempt.Answered response.Status)) then
                ended walk id (Fork.Outcome.Final response)

    /// Something has happened to a leg, of which the context may hear.
    and stepLeg (walk: Walk) (id: int) (event: LegEvent) : unit =
        match Requesting.step walk id event with
        | LegReport.Nothing -> ()
        | LegReport.Pass ->
            match event with
            | LegEvent.Received response -> pass walk id response
            // Nothing but a response is passed on.
            | LegEvent.Cancel
            | LegEvent.CancelAnswered
            | LegEvent.Unsendable
            | LegEvent.Tick -> ()
        | LegReport.TimedOut ->
            if not (movesOn walk id Attempt.TimedOut) then
                ended walk id Fork.Outcome.TimedOut
        | LegReport.FellSilent -> ended walk id Fork.Outcome.TimedOut
        | LegReport.Unsendable ->
            if not (movesOn walk id Attempt.Broke) then
                ended walk id (Upstream.lost walk walk.Legs[id])

    /// A context with its first group on the way.
    let start (walk: Walk) (kind: Fork.Kind) : unit =
        carryOut walk (Fork.Context.start kind walk.Places.Length) Responding.nothing
