// Proofs: who can prove themselves, who has, and which nonces have been spent (RFC 3261 §22).

namespace Sip.Edge

open System
open System.Collections.Generic
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Identity
open Sip.Guarding

/// The subscribers and their proofs, of one ledger.
[<Sealed>]
type internal Proofs
    (station: Station, windows: Windows, guard: Guard, ban: Instant -> Address -> Offence -> unit) =
    let realm = station.Realm
    let subscribers = Dictionary<string, Subscriber>()
    let proven = HashSet<Flow>(Flow.comparer)

    let keys: NonceKeys =
        let bytes = Seal.digest realm.Secret "nonce" []

        {
            Current =
                (NonceKey.TryOf(
                    1uy,
                    ReadOnlySpan(bytes, 0, NonceKey.Size),
                    byte station.Sharding.Number
                ))
                    .Value
            Previous = ValueNone
        }

    let settingsOn =
        let name = Realm.name realm
        let host = Host.tryRead name |> ValueOption.defaultValue (Host.Name name)

        fun transport ->
            let settings = Authentication.settings name host keys transport

            { settings with
                Algorithms =
                    settings.Algorithms
                    |> List.filter (fun one -> List.contains one realm.Algorithms)
            }

    let temporaries = TemporaryKey.Of realm.Secret
    let onWebSocket = settingsOn Transport.Ws
    let elsewhere = settingsOn Transport.Udp

    let settings (transport: Transport) =
        if Transport.isWebSocket transport then
            onWebSocket
        else
            elsewhere

    // When it is asked; here, so that the look-up is no new function each time.
    let mutable asked = Instant.Never

    let subscriber (user: string) =
        match subscribers.TryGetValue user with
        | true, found -> ValueSome found
        | false, _ ->
            Temporary.subscriber temporaries (Realm.name realm) (Realm.unixTime realm asked) user

    let patience = 120L<s>

    // A password is looked at only while its user and its address have guesses left, and only a nonce that was
    // sent to that very address gets that far.
    let prove settings (now: Instant) (from: Address) (claim: Claim) (window: Window) =
        let user = Authentication.user claim

        if not (guard.MayGuess(now, user, from)) then
            Verdict.Refused(Rejection.TooManyGuesses patience)
        else
            let verdict = Authentication.prove settings claim (subscriber user) window

            match verdict with
            | Verdict.Proven _ -> guard.Right(now, user, from)
            | Verdict.Challenge Staleness.Fresh ->
                if guard.Wrong(now, user, from) then
                    ban now from Offence.Guessing
            | Verdict.Challenge Staleness.Stale
            | Verdict.Malformed _
            | Verdict.Refused _ -> ()

            verdict

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

    /// What the credentials of a request from there prove.
    member _.Judge(now: Instant, transport: Transport, from: Address, attempt: Attempt) : Verdict =
        asked <- now
        let settings = settings transport

        match Authentication.claim settings now attempt with
        | Claiming.Decided verdict -> verdict
        | Claiming.Claimed claim ->
            let ends = Nonce.forget settings.Lifetime claim.Minted

            match windows.Of(claim.Minted.Id, ends) with
            | ValueSome window -> prove settings now from claim window
            | ValueNone -> Verdict.Challenge Staleness.Stale

    /// The challenges that answer an attempt.
    member _.Challenges
        (now: Instant, transport: Transport, attempt: Attempt, staleness: Staleness)
        : string list =
        Authentication.challenges (settings transport) now attempt staleness

    /// Remembers a nonce's use until it is stale anyway.
    member _.Spend(spent: Spent) : unit = windows.Spend spent

    /// A nonce that is stale by now.
    member _.Forget(id: NonceId) : unit = windows.Forget id

    /// A user has proven themselves on this connection.
    member _.Vouch(flow: Flow) : unit =
        if Flow.isConnection flow then
            proven.Add flow |> ignore

    /// Whether a user has, on this connection.
    member _.Vouched(flow: Flow) : bool = proven.Contains flow

    /// The connection is gone.
    member _.Close(flow: Flow) : unit = proven.Remove flow |> ignore

    /// How many nonces and connections are remembered.
    member _.Held: int = windows.Held + proven.Count
