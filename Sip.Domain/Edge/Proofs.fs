// Proofs: who can prove themselves, who has, and which nonces have been spent (RFC 3261 §22).

namespace Sip.Edge

open System
open System.Collections.Generic
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Identity

/// The subscribers and their proofs, of one ledger.
[<Sealed>]
type internal Proofs(realm: Realm, agenda: Agenda) =
    let subscribers = Dictionary<string, Subscriber>()
    let windows = Dictionary<NonceId, Spent>()
    let proven = HashSet<Flow>()

    let keys: NonceKeys =
        let bytes = Seal.digest realm.Secret "nonce" []

        {
            Current = (NonceKey.TryOf(1uy, ReadOnlySpan bytes)).Value
            Previous = ValueNone
        }

    let settingsOn =
        let name = Realm.name realm
        let host = Host.tryRead name |> ValueOption.defaultValue (Host.Name name)
        Authentication.settings name host keys

    let onWebSocket = settingsOn Transport.Ws
    let elsewhere = settingsOn Transport.Udp

    let settings (transport: Transport) =
        if Transport.isWebSocket transport then
            onWebSocket
        else
            elsewhere

    let subscriber (user: string) =
        match subscribers.TryGetValue user with
        | true, found -> ValueSome found
        | false, _ -> ValueNone

    let window (id: NonceId) =
        match windows.TryGetValue id with
        | true, spent -> spent.Window
        | false, _ -> Window.unused

    /// A user may sign in from now on, or again with another password.
    member _.Enroll(one: Subscriber) : unit = subscribers[one.User] <- one

    /// Whether a URI names one of the users.
    member _.Knows(uri: Uri) : bool =
        match uri with
        | Uri.Sip sip ->
            match sip.User with
            | ValueSome user -> subscribers.ContainsKey(Escape.decode user)
            | ValueNone -> false
        | Uri.Tel _
        | Uri.Other _ -> false

    /// What a request's credentials prove.
    member _.Judge(now: Instant, transport: Transport, attempt: Attempt) : Verdict =
        Authentication.judge (settings transport) now subscriber window attempt

    /// The challenges that answer an attempt.
    member _.Challenges
        (now: Instant, transport: Transport, attempt: Attempt, staleness: Staleness)
        : string list =
        Authentication.challenges (settings transport) now attempt staleness

    /// Remembers a nonce's use until it is stale anyway.
    member _.Spend(spent: Spent) : unit =
        windows[spent.Id] <- spent
        agenda.Remind(spent.Forget, Due.Nonce spent.Id)

    /// A nonce that is stale by now.
    member _.Forget(id: NonceId) : unit = windows.Remove id |> ignore

    /// A user has proven themselves on this connection.
    member _.Vouch(flow: Flow) : unit =
        if Flow.isConnection flow then
            proven.Add flow |> ignore

    /// Whether a user has, on this connection.
    member _.Vouched(flow: Flow) : bool = proven.Contains flow

    /// The connection is gone.
    member _.Close(flow: Flow) : unit = proven.Remove flow |> ignore

    /// How many nonces and connections are remembered.
    member _.Held: int = windows.Count + proven.Count
