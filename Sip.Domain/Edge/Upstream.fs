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
    let own (realm: Realm) (exchange: Exchange) (status: Status) : Response =
        {
            Status = status
            Bytes =
                Reply.make
                    realm.Secret
                    exchange.Source.Remote
                    exchange.Request
                    status
                    (Status.phrase status)
                    []
                |> ReadOnlyMemory
        }

    // §16.7 step 7: the challenges of the other branches go with the best response.
    let private joined (realm: Realm) (best: Response) (others: Response list) : Response =
        let read (response: Response) =
            match Reading.message realm.Limits response.Bytes.Span with
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
            let more =
                others
                |> List.collect (fun other ->
                    match read other with
                    | ValueSome other -> fields other
                    | ValueNone -> [])
                |> List.map (fun (struct (name, text)) -> Patch.fieldAtEnd message name text)

            { best with
                Bytes = ReadOnlyMemory(Patch.apply message more)
            }

    /// The response that the context has chosen.
    let chosen (realm: Realm) (exchange: Exchange) choice (others: Response list) : Response =
        match choice with
        | Fork.Choice.Relay response -> joined realm response others
        | Fork.Choice.RequestTimeout -> own realm exchange Status.requestTimeout
        | Fork.Choice.ServerError -> own realm exchange Status.serverError
        | Fork.Choice.RequestTerminated -> own realm exchange Status.requestTerminated
        | Fork.Choice.TemporarilyUnavailable -> own realm exchange Status.temporarilyUnavailable

    /// Why a branch is cancelled, as the headers of its CANCEL (RFC 3326 §2).
    let reason (exchange: Exchange) (why: Fork.Reason) : (string * string) list =
        match why with
        | Fork.Reason.AnsweredElsewhere ->
            OwnRequest.because [ Reason.ofStatus Status.ok "Call completed elsewhere" ]
        | Fork.Reason.DeclinedEverywhere ->
            OwnRequest.because [ Reason.ofStatus Status.decline "Declined" ]
        | Fork.Reason.CallerCancelled -> exchange.Farewell
