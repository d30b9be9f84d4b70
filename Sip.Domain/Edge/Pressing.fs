// Pressing: how urgent a request is when not all can be worked on (RFC 5390 §5, RFC 7339 §5.10.1). Only asked
// where something has to be refused.

namespace Sip.Edge

open System
open System.Text
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Guarding

/// Telling urgency.
[<RequireQualifiedAccess>]
module Pressing =

    let private priority = "Resource-Priority"B

    let private isPriority (line: ReadOnlySpan<byte>) =
        line.Length > priority.Length
        && Ascii.EqualsIgnoreCase(line.Slice(0, priority.Length), ReadOnlySpan priority)
        && (line[priority.Length] = ':'B
            || line[priority.Length] = ' 'B
            || line[priority.Length] = '\t'B)

    // RFC 4412 §4.1: whoever is nobody's peer is not believed, or everybody's call would be the most urgent.
    let private isMarked (source: FlowText) (request: Message) =
        let mutable found = false

        if source.Standing = Standing.Peer then
            for field in request.Fields do
                found <- found || isPriority (request.Slice field.Line)

        found

    let private hasAnswered (request: Message) =
        (Message.value HeaderName.Authorization request).IsThere
        || (Message.value HeaderName.ProxyAuthorization request).IsThere

    /// How far along the sender of a request is; `known` says whether a user has proven themselves on this flow.
    let urgency (source: FlowText) (known: bool) (method: Method) (request: Message) : Urgency =
        if (Message.toTag request).IsThere then
            Urgency.UnderWay
        elif isMarked source request then
            Urgency.Emergency
        else
            match method with
            | Method.Ack
            | Method.Cancel
            | Method.Bye
            | Method.Prack -> Urgency.UnderWay
            | Method.Register when known || hasAnswered request -> Urgency.Returning
            | Method.Register -> Urgency.Newcomer
            | Method.Invite when hasAnswered request -> Urgency.Returning
            | Method.Invite -> Urgency.Call
            | Method.Options
            | Method.Message
            | Method.Subscribe
            | Method.Notify
            | Method.Refer
            | Method.Update
            | Method.Info
            | Method.Publish
            | Method.Other -> if hasAnswered request then Urgency.Call else Urgency.Rest
