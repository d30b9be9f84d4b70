// Meters: what each proven user has set going, counted where a call or a message of theirs begins. One entry for a
// user who has proven to be one and each kind of destination, so at most two for each who is enrolled.

namespace Sip.Edge

open System.Collections.Generic
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Identity

/// The meters of one ledger.
[<Sealed>]
type internal Meters(station: Station, calls: Calls) =
    let metering = station.Realm.Metering
    let towardsUsers = Dictionary<string, Usage>()
    let towardsPeers = Dictionary<string, Usage>()

    let begins (request: Message) =
        match Message.method request with
        | Method.Invite
        | Method.Message -> not (Message.toTag request).IsThere
        | Method.Ack
        | Method.Bye
        | Method.Cancel
        | Method.Register
        | Method.Options
        | Method.Subscribe
        | Method.Notify
        | Method.Refer
        | Method.Update
        | Method.Info
        | Method.Prack
        | Method.Publish
        | Method.Other -> false

    let kind (decision: Decision) : Afar voption =
        match decision with
        | Decision.Forward((place :: _) :: _) ->
            match Station.standing station place.Hop with
            | Standing.Peer -> ValueSome Afar.Peers
            | Standing.Client -> ValueSome Afar.Users
        | Decision.Seek _ -> ValueSome Afar.Peers
        | Decision.Forward _
        | Decision.Answer _
        | Decision.Refuse _
        | Decision.Absorb -> ValueNone

    // FNV-1a: whoever finds two that are alike is counted as calling one.
    let hash (text: System.ReadOnlySpan<byte>) =
        let mutable mixed = 0xCBF29CE484222325UL

        for octet in text do
            mixed <- (mixed ^^^ uint64 octet) * 0x100000001B3UL

        mixed

    /// What came of a request of this user's that is decided about; none where it sets nothing going.
    member _.Take
        (now: Instant, user: string, request: Message, way: Way, decision: Decision)
        : Metered =
        match kind decision with
        | ValueSome afar when begins request ->
            let table =
                match afar with
                | Afar.Users -> towardsUsers
                | Afar.Peers -> towardsPeers

            let usage =
                match table.TryGetValue user with
                | true, found -> found
                | false, _ -> Metering.fresh

            let destination = hash (request.Slice way.Uri.User)
            let struct (after, metered) = Metering.count metering afar now destination usage
            table[user] <- after

            match metered with
            | Metered.Passes when
                Message.method request = Method.Invite
                && not (calls.Begins(now, user, afar, request))
                ->
                Metered.Full
            | Metered.Passes
            | Metered.Trips
            | Metered.Stopped
            | Metered.Full -> metered
        | ValueSome _
        | ValueNone -> Metered.Passes
