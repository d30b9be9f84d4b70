// Identities: who has registered over which connection, here or at the registrar behind us, for as long as
// the connection lives (RFC 3325 §5: the proxy knows the user by what was authenticated before). A datagram
// proves nothing about the next one from there, so it is for connections only.

namespace Sip.Edge

open System
open System.Collections.Generic
open Sip
open Sip.Wire
open Sip.Routing

/// The users of one ledger's connections.
[<Sealed>]
type internal Identities(outbox: Outbox) =
    let known = Dictionary<Flow, Asserted list>(Flow.comparer)

    let expires = "expires"B

    // A connection speaks for so many users at most.
    let most = 16

    let find (flow: Flow) =
        match known.TryGetValue flow with
        | true, found -> found
        | false, _ -> []

    let isZero (digits: ReadOnlySpan<byte>) =
        not digits.IsEmpty && digits.IndexOfAnyExcept '0'B < 0

    // RFC 3261 §10.2.2: an interval of zero takes a contact away, and so does `*`.
    let leaves (request: Message) =
        let general = Message.value HeaderName.Expires request
        let generally = general.IsThere && isZero (request.Slice general)

        let goes (contact: Slice) =
            match AddressView.read request.Bytes contact with
            | ValueSome view ->
                let own = ParameterView.find request.Bytes view.Parameters expires

                if own.Next >= 0 then
                    isZero (request.Slice own.Value)
                else
                    generally
            | ValueNone -> generally

        match Message.values HeaderName.Contact request with
        | [] -> false
        | contacts -> List.forall goes contacts

    let take (flow: Flow) (one: Asserted) (speech: Speech) =
        let others = find flow |> List.filter (fun other -> other.Aor <> one.Aor)

        match speech with
        | Speech.Begins -> known[flow] <- one :: List.truncate (most - 1) others
        | Speech.Ends -> known[flow] <- others

    // The shard of the connection may be another, and its answers may go by any.
    let spread (flow: Flow) (one: Asserted) (speech: Speech) =
        match find flow, speech with
        | last :: _, Speech.Begins when last = one -> ()
        | [], Speech.Ends -> ()
        | _, (Speech.Begins | Speech.Ends) ->
            take flow one speech
            outbox.Tell(Told.Speaks(flow, one, speech))

    /// Who has registered over this connection, the last first.
    member _.Of(flow: Flow) : Asserted list = find flow

    /// A REGISTER from there has succeeded.
    member _.Registered(source: FlowText, request: Message) : unit =
        match Registration.target request with
        | ValueSome user when Flow.isConnection source.Flow && source.Standing = Standing.Client ->
            let speech = if leaves request then Speech.Ends else Speech.Begins
            spread source.Flow (Assertion.ofUri user) speech
        | ValueSome _
        | ValueNone -> ()

    /// Another shard has told.
    member _.Take(flow: Flow, user: Asserted, speech: Speech) : unit = take flow user speech

    /// The connection is gone.
    member _.Close(flow: Flow) : unit = known.Remove flow |> ignore
