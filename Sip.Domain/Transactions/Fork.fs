// Fork: the response context, which makes one answer of many branches (RFC 3261 §16.7, §16.10).

namespace Sip.Transactions.Fork

open Sip
open Sip.Transactions

/// What was forked.
[<RequireQualifiedAccess; Struct>]
type Kind =
    | Invite
    | Other

/// Telling what is forked.
[<RequireQualifiedAccess>]
module Kind =

    /// What a request of this method is to its context.
    let ofMethod (method: Method) : Kind =
        if method = Method.Invite then Kind.Invite else Kind.Other

/// Why a branch is cancelled.
[<RequireQualifiedAccess; Struct>]
type Reason =
    | AnsweredElsewhere
    | DeclinedEverywhere
    | CallerCancelled

/// How a branch ended. The response of one that is kept has bytes of its own.
[<RequireQualifiedAccess; Struct>]
type Outcome =
    | Final of response: Response
    | TimedOut
    | TransportFailed
    /// Nothing was sent, for whoever is there asks for fewer requests.
    | Withheld

/// What the caller is told at the end; all but Relay are responses of our own.
[<RequireQualifiedAccess>]
type Choice =
    | Relay of Response
    | RequestTimeout
    | ServerError
    /// Nobody asked could bear it.
    | ServiceUnavailable
    | RequestTerminated
    | TemporarilyUnavailable

/// What can happen to the context; Opened numbers all branches of the group just asked for. A branch that
/// moved on to another way to the same place goes on under another number, and has not ended.
[<RequireQualifiedAccess; Struct>]
type Event =
    | Opened of first: int * count: int
    | Moved of left: int * entered: int
    | Provisional of ringing: int * response: Response
    | Ended of branch: int * outcome: Outcome
    | Cancelled

/// What the context wants done; Forward means the response just received; Best carries the other challenges to be joined to the best.
[<RequireQualifiedAccess>]
type Act =
    | OpenGroup of group: int
    | Forward
    | CancelBranch of branch: int * Reason
    | Best of Choice * challenges: Response list

/// How far the search has come.
[<RequireQualifiedAccess; Struct>]
type Phase =
    | Opening of opening: int
    | Searching of searching: int
    | Stopping of why: Reason
    | Answered
    | Done

/// The response context: the branches that are out, and the outcomes of the others.
[<Struct>]
type Context =
    {
        Kind: Kind
        Groups: int
        Phase: Phase
        Pending: Branches
        Outcomes: Outcome list
    }

/// The next context and what to do.
[<Struct>]
type Step = { State: Context; Acts: Act list }

/// Which final response is the best (§16.7 step 6).
[<RequireQualifiedAccess>]
module Choice =
    /// The code that an outcome stands for (§16.7, §16.8, §16.9).
    let statusOf (outcome: Outcome) : Status =
        match outcome with
        | Outcome.Final response -> response.Status
        | Outcome.TimedOut -> Status.requestTimeout
        | Outcome.TransportFailed
        | Outcome.Withheld -> Status.serviceUnavailable

    /// The place of a code in the order of preference; the lowest is the best.
    let rank (status: Status) : int =
        match status.Number with
        | code when code >= 600 -> 0
        // "preference to responses that provide information affecting resubmission"
        | 401
        | 407
        | 415
        | 420
        | 484 -> 40
        | 408
        | 430 -> 42
        | 503 -> 51
        | code when code >= 500 -> 50
        | code when code >= 400 -> 41
        | code -> code / 10

    let private challenge (outcome: Outcome) : Response option =
        match outcome with
        | Outcome.Final response ->
            match response.Status.Number with
            | 401
            | 407 -> Some response
            | _ -> None
        | Outcome.TimedOut
        | Outcome.TransportFailed
        | Outcome.Withheld -> None

    let private choiceOf (outcome: Outcome) : Choice =
        match outcome with
        // "A proxy which receives a 503 SHOULD NOT forward it" (§16.7 step 6)
        | Outcome.Final response when response.Status = Status.serviceUnavailable ->
            Choice.ServerError
        | Outcome.Final response -> Choice.Relay response
        | Outcome.TimedOut -> Choice.RequestTimeout
        | Outcome.TransportFailed -> Choice.ServerError
        | Outcome.Withheld -> Choice.ServiceUnavailable

    /// The best of the outcomes, earliest first, and the other challenges (§16.7 step 7).
    let ofOutcomes (none: Choice) (outcomes: Outcome list) : Choice * Response list =
        match List.sortBy (statusOf >> rank) outcomes with
        | [] -> none, []
        | best :: others ->
            match challenge best with
            | Some _ -> choiceOf best, List.choose challenge others
            | None -> choiceOf best, []

/// The response context's decisions.
[<RequireQualifiedAccess>]
module Context =
    let private go acts context : Step = { State = context; Acts = acts }

    // What happens to every request that is not forked costs no list.
    let private openFirst = [ Act.OpenGroup 0 ]
    let private forward = [ Act.Forward ]

    let private best none context =
        let choice, challenges = Choice.ofOutcomes none (List.rev context.Outcomes)

        // §9.1: a branch that never answered its CANCEL counts as cancelled, not as timed out.
        let choice =
            if
                choice = Choice.RequestTimeout
                && context.Phase = Phase.Stopping Reason.CallerCancelled
            then
                none
            else
                choice

        go [ Act.Best(choice, challenges) ] { context with Phase = Phase.Done }

    let private openGroup group context =
        if group < context.Groups then
            go
                (if group = 0 then openFirst else [ Act.OpenGroup group ])
                { context with
                    Phase = Phase.Opening group
                }
        else
            best Choice.TemporarilyUnavailable context

    // A request that goes in circles does so by the other targets, too: to try them one after another where
    // breadth has run out would make thousands of it (RFC 5393 §3).
    let private hasCircled (context: Context) =
        context.Outcomes
        |> List.exists (fun outcome ->
            let status = Choice.statusOf outcome

            status = Status.loopDetected
            || status = Status.tooManyHops
            || status = Status.maxBreadthExceeded)

    // What follows once nothing more is out.
    let private settle context =
        match context.Phase with
        | Phase.Searching _ when context.Pending.IsEmpty && hasCircled context ->
            best Choice.TemporarilyUnavailable context
        | Phase.Searching group when context.Pending.IsEmpty -> openGroup (group + 1) context
        | Phase.Stopping _ when context.Pending.IsEmpty -> best Choice.RequestTerminated context
        | Phase.Answered when context.Pending.IsEmpty -> go [] { context with Phase = Phase.Done }
        | Phase.Opening _
        | Phase.Searching _
        | Phase.Stopping _
        | Phase.Answered
        | Phase.Done -> go [] context

    let private following acts (step: Step) =
        if step.Acts.IsEmpty then
            { step with Acts = acts }
        else
            { step with Acts = acts @ step.Acts }

    // §9.1: only an INVITE is cancelled.
    let private cancelPending reason context =
        match context.Kind with
        | Kind.Invite when not context.Pending.IsEmpty ->
            Branches.toList context.Pending
            |> List.map (fun branch -> Act.CancelBranch(branch, reason))
        | Kind.Invite
        | Kind.Other -> []

    /// The context of a request with so many groups of targets, which asks for the first.
    let start (kind: Kind) (groups: int) : Step =
        openGroup
            0
            {
                Kind = kind
                Groups = groups
                Phase = Phase.Opening 0
                Pending = Branches.none
                Outcomes = []
            }

    let private opened first count context =
        let mutable pending = context.Pending

        for branch in first .. first + count - 1 do
            pending <- Branches.add branch pending

        let context = { context with Pending = pending }

        match context.Phase with
        | Phase.Opening group ->
            settle
                { context with
                    Phase = Phase.Searching group
                }
        | Phase.Stopping reason -> go (cancelPending reason context) context
        // The answer was given while these branches were being opened.
        | Phase.Answered
        | Phase.Done -> go (cancelPending Reason.AnsweredElsewhere context) context
        | Phase.Searching _ -> go [] context

    /// Whether branches may still be begun.
    let isSeeking (context: Context) : bool =
        match context.Phase with
        | Phase.Opening _
        | Phase.Searching _ -> true
        | Phase.Stopping _
        | Phase.Answered
        | Phase.Done -> false

    let private moved left entered context =
        if context.Pending.Contains left then
            go
                []
                { context with
                    Pending = context.Pending |> Branches.remove left |> Branches.add entered
                }
        else
            go [] context

    // §16.7 step 5: every 1xx but 100 goes upstream at once, until a final has.
    let private provisional branch (response: Response) context =
        match context.Phase with
        | Phase.Opening _
        | Phase.Searching _
        | Phase.Stopping _ when context.Pending.Contains branch && response.Status <> Status.trying ->
            go forward context
        | Phase.Opening _
        | Phase.Searching _
        | Phase.Stopping _
        | Phase.Answered
        | Phase.Done -> go [] context

    // §16.7 step 5: "any 2xx response to an INVITE" goes upstream, step 10 cancels the rest.
    let private success context =
        match context.Phase, context.Kind with
        | (Phase.Opening _ | Phase.Searching _), _ ->
            let acts =
                match cancelPending Reason.AnsweredElsewhere context with
                | [] -> forward
                | cancels -> Act.Forward :: cancels

            settle { context with Phase = Phase.Answered } |> following acts
        // The others have been cancelled already.
        | Phase.Stopping _, _ -> settle { context with Phase = Phase.Answered } |> following forward
        | (Phase.Answered | Phase.Done), Kind.Invite -> settle context |> following forward
        | (Phase.Answered | Phase.Done), Kind.Other -> settle context

    // §16.7 step 5: on a 6xx "the proxy SHOULD cancel all client pending transactions".
    let private failure outcome context =
        let context =
            { context with
                Outcomes = outcome :: context.Outcomes
            }

        match context.Phase with
        | Phase.Opening _
        | Phase.Searching _ when (Choice.statusOf outcome).Number >= 600 ->
            settle
                { context with
                    Phase = Phase.Stopping Reason.DeclinedEverywhere
                }
            |> following (cancelPending Reason.DeclinedEverywhere context)
        | Phase.Opening _
        | Phase.Searching _
        | Phase.Stopping _
        | Phase.Answered
        | Phase.Done -> settle context

    let private ended branch outcome context =
        let wasPending = context.Pending.Contains branch

        let context =
            { context with
                Pending = Branches.remove branch context.Pending
            }

        match outcome with
        | Outcome.Final response when response.Status.Number < 300 -> success context
        | Outcome.Final _
        | Outcome.TimedOut
        | Outcome.TransportFailed
        | Outcome.Withheld when wasPending -> failure outcome context
        | Outcome.Final _
        | Outcome.TimedOut
        | Outcome.TransportFailed
        | Outcome.Withheld -> go [] context

    // §16.10: a CANCEL cancels every pending branch; no further group is opened.
    let private cancelled context =
        match context.Phase, context.Kind with
        | (Phase.Opening _ | Phase.Searching _), Kind.Invite ->
            settle
                { context with
                    Phase = Phase.Stopping Reason.CallerCancelled
                }
            |> following (cancelPending Reason.CallerCancelled context)
        | (Phase.Opening _ | Phase.Searching _), Kind.Other
        | (Phase.Stopping _ | Phase.Answered | Phase.Done), _ -> go [] context

    /// What one event does.
    let step (event: Event) (context: Context) : Step =
        match event with
        | Event.Opened(first, count) -> opened first count context
        | Event.Moved(left, entered) -> moved left entered context
        | Event.Provisional(branch, response) -> provisional branch response context
        | Event.Ended(branch, outcome) -> ended branch outcome context
        | Event.Cancelled -> cancelled context
