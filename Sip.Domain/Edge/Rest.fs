// Rest: what is left of an exchange that has been answered and only absorbs what is sent again. Thousands stand so for seconds: laid
// down in their slots they are nothing for the collector to walk over or to copy. Whatever happens to one all the same happens to
// the exchange that it is taken up to again. HOT.

namespace Sip.Edge

open System
open Sip
open Sip.Routing
open Sip.Transactions

/// An exchange with one leg at rest. A machine that is over never ends.
[<Struct>]
type internal Rest =
    {
        Key: Mark
        Method: Method
        Source: FlowText
        Hop: Hop
        /// The answer that a request sent again is given, with the status it has; no bytes where none is kept.
        Final: Response
        /// When the machine that answered ends.
        AnswerEnds: Instant
        /// When the leg's machine ends.
        LegEnds: Instant
    }

/// Laying exchanges down and taking them up.
[<RequireQualifiedAccess>]
module internal Rest =

    let private nothing: Response =
        {
            Status = Status.ok
            Bytes = ReadOnlyMemory.Empty
        }

    // The response context is done: whatever still comes of the leg is not its concern.
    let private isDone (exchange: Exchange) =
        match exchange.Context.Phase with
        | Fork.Phase.Done -> exchange.Context.Pending.IsEmpty
        | Fork.Phase.Opening _
        | Fork.Phase.Searching _
        | Fork.Phase.Stopping _
        | Fork.Phase.Answered -> false

    let private legEnds (calling: Calling) : Instant voption =
        match calling with
        | Calling.Invite ClientInvite.State.Terminated
        | Calling.Other ClientOther.State.Terminated -> ValueSome Instant.Never
        | Calling.Invite(ClientInvite.State.Accepted ends)
        | Calling.Other(ClientOther.State.Completed ends) -> ValueSome ends
        | Calling.Invite(ClientInvite.State.Calling _ | ClientInvite.State.Proceeding _ | ClientInvite.State.Cancelled _ | ClientInvite.State.Completed _)
        | Calling.Other(ClientOther.State.Trying _ | ClientOther.State.Proceeding _) -> ValueNone

    let private answerEnds (answering: Answering) : Instant voption =
        match answering with
        | Answering.Invite ServerInvite.State.Terminated
        | Answering.Other ServerOther.State.Terminated -> ValueSome Instant.Never
        | Answering.Invite(ServerInvite.State.Accepted ends)
        | Answering.Other(ServerOther.State.Completed(_, ends)) -> ValueSome ends
        | Answering.Invite(ServerInvite.State.Proceeding _ | ServerInvite.State.Completed _ | ServerInvite.State.Confirmed _)
        | Answering.Other(ServerOther.State.Trying _ | ServerOther.State.Proceeding _) -> ValueNone

    /// What is left of an exchange; none where more than absorbing is still to be done, or more than one leg is out.
    let layDown (exchange: Exchange) : Rest voption =
        match exchange.Legs with
        | [| leg |] when exchange.Request.IsEmpty && leg.Early.IsEmpty && isDone exchange ->
            match answerEnds exchange.Answering, legEnds leg.Calling with
            | ValueSome answerEnds, ValueSome legEnds ->
                ValueSome
                    {
                        Key = exchange.Key
                        Method = exchange.Method
                        Source = exchange.Source
                        Hop = leg.Place.Hop
                        Final = ValueOption.defaultValue nothing (Answering.kept exchange.Answering)
                        AnswerEnds = answerEnds
                        LegEnds = legEnds
                    }
            | ValueNone, _
            | _, ValueNone -> ValueNone
        | _ -> ValueNone

    let private kind (rest: Rest) = Fork.Kind.ofMethod rest.Method

    let private calling (rest: Rest) : Calling =
        match kind rest, rest.LegEnds.Equals Instant.Never with
        | Fork.Kind.Invite, true -> Calling.Invite ClientInvite.State.Terminated
        | Fork.Kind.Invite, false -> Calling.Invite(ClientInvite.State.Accepted rest.LegEnds)
        | Fork.Kind.Other, true -> Calling.Other ClientOther.State.Terminated
        | Fork.Kind.Other, false -> Calling.Other(ClientOther.State.Completed rest.LegEnds)

    let private answering (rest: Rest) : Answering =
        match kind rest, rest.AnswerEnds.Equals Instant.Never with
        | Fork.Kind.Invite, true -> Answering.Invite ServerInvite.State.Terminated
        | Fork.Kind.Invite, false -> Answering.Invite(ServerInvite.State.Accepted rest.AnswerEnds)
        | Fork.Kind.Other, true -> Answering.Other ServerOther.State.Terminated
        | Fork.Kind.Other, false ->
            Answering.Other(ServerOther.State.Completed(rest.Final, rest.AnswerEnds))

    /// The exchange again, as far as anything can still become of it.
    let takeUp (rest: Rest) : Exchange =
        let place = Place.along rest.Hop Heading.Kept

        let leg =
            {
                Place = place
                Breadth = 0
                Calling = calling rest
                Wake = rest.LegEnds
                Reason = []
                Early = []
            }

        let context: Fork.Context =
            {
                Kind = kind rest
                Groups = 1
                Phase = Fork.Phase.Done
                Pending = Branches.none
                Outcomes = []
            }

        Exchange(
            rest.Key,
            rest.Method,
            ReadOnlyMemory.Empty,
            rest.Source,
            [ [ place ] ],
            answering rest,
            rest.AnswerEnds,
            context,
            [| leg |],
            []
        )

    /// When the last of its machines ends.
    let ends (rest: Rest) : Instant =
        if rest.AnswerEnds.Equals Instant.Never then rest.LegEnds
        elif rest.LegEnds.Equals Instant.Never then rest.AnswerEnds
        elif rest.LegEnds.IsDue rest.AnswerEnds then rest.AnswerEnds
        else rest.LegEnds

    /// Whether an ACK on the request's own branch ends something here: that of a 2xx does not, and many send it so.
    let awaitsAck (rest: Rest) : bool =
        match kind rest with
        | Fork.Kind.Invite -> rest.AnswerEnds.Equals Instant.Never
        | Fork.Kind.Other -> true
