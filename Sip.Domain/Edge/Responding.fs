// Responding: how the server machine of an exchange steps: what the caller is sent, and what is kept of it
// to be sent again (RFC 3261 §17.2). HOT.

namespace Sip.Edge

open Sip
open Sip.Routing
open Sip.Transactions

/// Stepping the server machine.
[<RequireQualifiedAccess>]
module internal Responding =

    /// Whether the transport that the caller came by retransmits by itself.
    let delivery (source: FlowText) : Delivery =
        if Transport.isReliable source.Flow.Transport then
            Delivery.Reliable
        else
            Delivery.Unreliable

    let private back (walk: Walk) (response: Response) =
        walk.Around.Outbox.Send(walk.Source.Hop, response.Bytes)

    let private backAgain (walk: Walk) =
        match Answering.kept walk.Answering with
        | ValueSome kept -> back walk kept
        | ValueNone -> ()

    let rec private answer
        (walk: Walk)
        (invite: ServerInvite.Event)
        (other: ServerOther.Event)
        (given: Response)
        =
        let timing, delivery = walk.Around.Timing, delivery walk.Source

        match walk.Answering with
        | Answering.Invite state ->
            let step = ServerInvite.take timing delivery walk.Now invite state
            walk.Answering <- Answering.Invite step.State
            walk.AnswerWake <- step.Wake

            for act in step.Acts do
                match act with
                | ServerInvite.Act.Send -> back walk given
                | ServerInvite.Act.Resend -> backAgain walk
                | ServerInvite.Act.ReportLost -> ()
        | Answering.Other state ->
            let step = ServerOther.take timing delivery walk.Now other state
            walk.Answering <- Answering.Other step.State
            walk.AnswerWake <- step.Wake

            for act in step.Acts do
                match act with
                | ServerOther.Act.Send -> back walk given
                | ServerOther.Act.Resend -> backAgain walk
                | ServerOther.Act.OfferTrying -> respond walk (Upstream.own walk Status.trying)

    /// Gives the machine a response for the caller.
    and respond (walk: Walk) (response: Response) : unit =
        let shelf = walk.Around.Outbox.Shelf

        // What the machine may keep is put on the shelf before it is given, and taken off if it does not.
        let given =
            if Answering.mayKeep (delivery walk.Source) response walk.Answering then
                { response with
                    Bytes = shelf.Keep response.Bytes.Span
                }
            else
                response

        answer walk (ServerInvite.Event.Respond given) (ServerOther.Event.Respond given) given

        match Answering.kept walk.Answering with
        | ValueSome kept when kept.Bytes.Equals given.Bytes -> ()
        | ValueSome _
        | ValueNone when not (given.Bytes.Equals response.Bytes) -> shelf.Return given.Bytes
        | ValueSome _
        | ValueNone -> ()

    /// In the place of a response where none is given.
    let nothing: Response = Unchecked.defaultof<Response>

    /// Tells the machine of what is no response.
    let stir (walk: Walk) (invite: ServerInvite.Event) (other: ServerOther.Event) : unit =
        answer walk invite other nothing

    /// Its time has come, or not yet.
    let tick (walk: Walk) : unit =
        if walk.AnswerWake.IsDue walk.Now then
            stir walk ServerInvite.Event.Tick ServerOther.Event.Tick
