// Upstream: what the caller of an exchange is told: responses of our own, and the best of several with
// the challenges of the others (RFC 3261 §16.7 steps 6 and 7).

namespace Sip.Edge

open System
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Transactions

/// Making the caller's answers.
[<RequireQualifiedAccess>]
module Upstream =

    /// A response of our own to the exchange's request.
    let own (around: Surroundings) (exchange: Exchange) (status: Status) : Response =
        let station = around.Station
        let source = station.Flows.Of exchange.Source
        let phrase = Status.phrase status
        around.Out.Clear()
        Reply.write station source exchange.Request status phrase [] around.Out

        {
            Status = status
            Bytes = ReadOnlyMemory(around.Out.Written.ToArray())
        }

    // §16.7 step 7: the challenges of the other branches go with the best response.
    let private joined (around: Surroundings) (best: Response) (others: Response list) : Response =
        let read (response: Response) =
            match Reading.message around.Station.Realm.Limits response.Bytes.Span with
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
            let edits = around.Edits
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

    /// The response that the context has chosen.
    let chosen
        (around: Surroundings)
        (exchange: Exchange)
        choice
        (others: Response list)
        : Response =
        match choice with
        | Fork.Choice.Relay response -> joined around response others
        | Fork.Choice.RequestTimeout -> own around exchange Status.requestTimeout
        | Fork.Choice.ServerError -> own around exchange Status.serverError
        | Fork.Choice.RequestTerminated -> own around exchange Status.requestTerminated
        | Fork.Choice.TemporarilyUnavailable -> own around exchange Status.temporarilyUnavailable

    /// How a leg has ended: a client whose connection died is away, not broken: 480, not 500.
    let lost
        (around: Surroundings)
        (exchange: Exchange)
        (leg: Leg)
        (outcome: Fork.Outcome)
        : Fork.Outcome =
        match outcome, leg.Hop with
        | Fork.Outcome.TransportFailed, Hop.Flow flow when Flow.isConnection flow ->
            Fork.Outcome.Final(own around exchange Status.temporarilyUnavailable)
        | Fork.Outcome.TransportFailed, _
        | Fork.Outcome.Final _, _
        | Fork.Outcome.TimedOut, _ -> outcome

    /// Why a branch is cancelled, as the headers of its CANCEL (RFC 3326 §2).
    let reason (exchange: Exchange) (why: Fork.Reason) : (string * string) list =
        match why with
        | Fork.Reason.AnsweredElsewhere ->
            OwnRequest.because [ Reason.ofStatus Status.ok "Call completed elsewhere" ]
        | Fork.Reason.DeclinedEverywhere ->
            OwnRequest.because [ Reason.ofStatus Status.decline "Declined" ]
        | Fork.Reason.CallerCancelled -> exchange.Farewell
