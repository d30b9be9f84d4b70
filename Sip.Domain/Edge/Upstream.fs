// Upstream: what the caller of an exchange is told: responses of our own, and the best of several with
// the challenges of the others (RFC 3261 §16.7 steps 6 and 7).

namespace Sip.Edge

open System
open Sip
open Sip.Wire
open Sip.Registrar
open Sip.Routing
open Sip.Transactions

/// Making the caller's answers.
[<RequireQualifiedAccess>]
module internal Upstream =

    /// A response of our own to the exchange's request.
    let own (walk: Walk) (status: Status) : Response =
        {
            Status = status
            Bytes =
                walk.Around.Outbox.Made(walk.Source, walk.Request, status, Status.phrase status, [])
        }

    /// A refusal in place of what a branch has answered.
    let refused (walk: Walk) (came: Flow) (refusal: Refusal) : Response =
        let status, words = Refusal.status refusal, Refusal.words refusal
        let outbox = walk.Around.Outbox
        outbox.Note(Note.Refused(came, Message.callId walk.Request, status.Number, words))

        {
            Status = status
            Bytes = outbox.Made(walk.Source, walk.Request, status, words, Refusal.headers refusal)
        }

    // §16.7 step 7: the challenges of the other branches go with the best response.
    let private joined (walk: Walk) (best: Response) (others: Response list) : Response =
        let read (response: Response) =
            match Reading.message walk.Around.Station.Realm.Limits response.Bytes.Span with
            | Arrival.Message message -> ValueSome message
            | Arrival.Broken _ -> ValueNone

        let fields message =
            [ HeaderName.WwwAuthenticate; HeaderName.ProxyAuthenticate ]
            |> List.collect (fun name ->
                Message.texts name message |> List.map (fun text -> struct (name, text)))

        match others, read best with
        | [], _
        | _, ValueNone -> best
        | _, ValueSome message ->
            let edits = walk.Around.Edits
            edits.Clear()

            others
            |> List.collect (fun other ->
                match read other with
                | ValueSome other -> fields other
                | ValueNone -> [])
            |> List.iter (fun (struct (name, text)) -> Patch.fieldAtEnd edits message name text)

            { best with
                Bytes = ReadOnlyMemory(Patch.toBytes edits message)
            }

    // RFC 5626 §11.5: a flow that has failed is a neighbour's business, and none of a caller's.
    let private told (walk: Walk) (response: Response) : Response =
        let status = KeptFlow.told response.Status

        if status = response.Status || walk.Source.Standing = Standing.Peer then
            response
        else
            own walk status

    /// The response that the context has chosen.
    let chosen (walk: Walk) (choice: Fork.Choice) (others: Response list) : Response =
        match choice with
        | Fork.Choice.Relay response -> joined walk (told walk response) others
        | Fork.Choice.RequestTimeout -> own walk Status.requestTimeout
        | Fork.Choice.ServerError -> own walk Status.serverError
        // RFC 7339 §5.10: without Retry-After, which would keep everything else away, too.
        | Fork.Choice.ServiceUnavailable -> own walk Status.serviceUnavailable
        | Fork.Choice.RequestTerminated -> own walk Status.requestTerminated
        | Fork.Choice.TemporarilyUnavailable -> own walk Status.temporarilyUnavailable

    /// How a branch whose bytes could not be sent has ended: a client whose connection died is away, not
    /// broken: 480, not 500.
    let lost (walk: Walk) (leg: Leg) : Fork.Outcome =
        match leg.Place.Hop with
        | Hop.Flow flow when Flow.isConnection flow && Answering.isPending walk.Answering ->
            Fork.Outcome.Final(own walk Status.temporarilyUnavailable)
        | Hop.Flow _
        | Hop.Dial _ -> Fork.Outcome.TransportFailed

    /// Whether the caller wants to be told of early dialogs that end (RFC 6228 §6).
    let hearing (walk: Walk) : Hearing =
        let request = walk.Request

        let lists name tag = Message.lists name tag request

        if
            lists HeaderName.Supported "199"
            && not (lists HeaderName.Require "100rel" || lists HeaderName.ProxyRequire "100rel")
        then
            Hearing.Hears
        else
            Hearing.Deaf

    /// The early dialog with this tag has ended by this status.
    let earlyEnd (walk: Walk) (tag: string) (status: Status) : Response =
        let reason = OwnRequest.because [ Reason.ofStatus status (Status.phrase status) ]
        let outbox = walk.Around.Outbox

        {
            Status = Status.earlyDialogTerminated
            Bytes =
                outbox.MadeIn(tag, walk.Source, walk.Request, Status.earlyDialogTerminated, reason)
        }

    /// Why a branch is cancelled, as the headers of its CANCEL (RFC 3326 §2).
    let reason (walk: Walk) (why: Fork.Reason) : (string * string) list =
        match why with
        | Fork.Reason.AnsweredElsewhere ->
            OwnRequest.because [ Reason.ofStatus Status.ok "Call completed elsewhere" ]
        | Fork.Reason.DeclinedEverywhere ->
            OwnRequest.because [ Reason.ofStatus Status.decline "Declined" ]
        | Fork.Reason.CallerCancelled -> walk.Farewell
