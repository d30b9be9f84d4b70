// Return: a response as it goes back (RFC 3261 §16.7 steps 3, 8 and 9, §18.2.2): our Via comes off,
// the callee's Contact is named by its flow, and the way is that of the request, never an address
// that the response itself names. HOT.

namespace Sip.Routing

open System
open Sip
open Sip.Wire

/// Rewriting responses.
[<RequireQualifiedAccess>]
module Return =

    let private dropTopVia (edits: Edits) (response: Message) =
        let field = Message.field HeaderName.Via response
        let end' = Values.endOfFirst response.Bytes field.Value.Start field.Value.End

        if end' < field.Value.End then
            Patch.remove edits (Slice.between field.Value.Start (end' + 1))
        else
            Patch.remove edits field.Line

    /// Whether a Via is left for the response to follow once ours is off.
    let hasFurther (response: Message) : bool =
        Message.count 2 HeaderName.Via response > 1

    /// Why a response from there goes back to nobody as it is: a challenge passes from peers only, lest a
    /// client answer with a digest of its password whoever happens to be called (RFC 3261 §22.3).
    let judge (realm: Realm) (came: Standing) (status: Status) : Refusal voption =
        if
            came = Standing.Client
            && realm.Admittance = Admittance.Authenticated
            && (status = Status.unauthorized || status = Status.proxyAuthenticationRequired)
        then
            ValueSome Refusal.ForeignChallenge
        else
            ValueNone

    /// Makes the edits to a response that came on one flow, by which these users have registered, and
    /// goes back on another.
    let write
        (station: Station)
        (edits: Edits)
        (came: FlowText)
        (asserted: Asserted list)
        (back: FlowText)
        (response: Message)
        : unit =
        dropTopVia edits response

        match back.Standing with
        | Standing.Peer ->
            let asks = Station.asks station back
            OverloadControl.replace edits response (ReadOnlySpan asks)
        | Standing.Client -> ()

        ContactAlias.put station edits came response
        Assertion.put edits came.Standing back.Standing asserted response
        ContentLength.complete edits back.Flow.Transport response
