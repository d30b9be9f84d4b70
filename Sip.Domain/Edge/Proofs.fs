// Proofs: who can prove themselves, who has, and which nonces have been spent (RFC 3261 §22).

namespace Sip.Edge

open System
open System.Collections.Generic
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Identity
open Sip.Guarding

/// A user who has proven themselves on a flow, and until when that counts.
[<Struct>]
type internal Voucher = { User: string; Until: Instant }

/// The subscribers and their proofs, of one ledger.
[<Sealed>]
type internal Proofs
    (station: Station, windows: Windows, guard: Guard, ban: Instant -> Address -> Offence -> unit) =
    let realm = station.Realm
    let subscribers = Dictionary<string, Subscriber>()
    // Whose a connection is by the token of its handshake.
    let visitors = Dictionary<Flow, Principal>(Flow.comparer)
    let onConnections = Dictionary<Flow, Voucher[]>(Flow.comparer)
    // Nobody hears of the end of a datagram flow: this is forgotten when it is full, and whoever was in it is
    // asked again.
    let onDatagrams = Dictionary<Flow, Voucher[]>(Flow.comparer)
    let mostDatagrams = 65536
    // A connection speaks for so many users at most.
    let mostUsers = 16
    // However long the login, whoever was proven is asked again after an hour.
    let longest = 3_600_000L<ms>
    let names = (Mint.ofRealm realm).Keys

    let tableOf (flow: Flow) =
        if Flow.isConnection flow then
            onConnections
        else
            onDatagrams

    let nobody: Voucher[] = [||]

    let vouchers (flow: Flow) : Voucher[] =
        match (tableOf flow).TryGetValue flow with
        | true, found -> found
        | false, _ -> nobody

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

    /// What the credentials of a request of a client on this transport prove, which came on this flow.
    member _.Judge(now: Instant, transport: Transport, flow: Flow, attempt: Attempt) : Verdict =
        asked <- now
        let settings = settings transport

        match Authentication.claim settings now attempt with
        | Claiming.Decided verdict -> verdict
        | Claiming.Claimed claim ->
            let ends = Nonce.forget settings.Lifetime claim.Minted

            match windows.Of(claim.Minted.Id, ends) with
            | ValueSome window -> prove settings now flow.Remote.Address claim window
            | ValueNone -> Verdict.Challenge Staleness.Stale

    /// What a token among them proves. It is overheard on the last hop as on the first.
    member _.Bears(now: Instant, flow: Flow, attempt: Attempt) : Borne =
        match Bearer.rules realm.Bearing flow.Transport with
        | ValueSome rules ->
            Bearer.judge rules elsewhere.Domain (Realm.unixTime realm now) attempt.Credentials
        | ValueNone -> Borne.Nothing

    /// The challenges that answer an attempt, with what is wrong with its token. Phones look at the first, and
    /// browsers (JsSIP, SIP.js) at the last: there both find a password asked for.
    member _.Challenges
        (
            now: Instant,
            transport: Transport,
            flow: Flow,
            attempt: Attempt,
            staleness: Staleness,
            flaw: JwtFlaw voption
        ) : string list =
        let settings = settings transport
        let digests = Authentication.challenges settings now attempt staleness

        match Bearer.rules realm.Bearing flow.Transport with
        | ValueSome rules ->
            let token = Bearer.challenge rules settings.Realm flaw

            if Transport.isWebSocket transport then
                token :: digests
            else
                digests @ [ token ]
        | ValueNone -> digests

    /// Remembers a nonce's use until it is stale anyway.
    member _.Spend(spent: Spent) : unit = windows.Spend spent

    /// A nonce that is stale by now.
    member _.Forget(id: NonceId) : unit = windows.Forget id

    /// This user has proven themselves on this flow, which counts until then.
    member _.Vouch(flow: Flow, user: string, until: Instant) : unit =
        if not (Flow.isConnection flow) && onDatagrams.Count >= mostDatagrams then
            onDatagrams.Clear()

        let others =
            vouchers flow
            |> Array.filter (fun one -> one.User <> user)
            |> Array.truncate (mostUsers - 1)

        (tableOf flow)[flow] <- Array.append [| { User = user; Until = until } |] others

    /// A connection is this user's until that second of Unix time.
    member this.Visit(now: Instant, flow: Flow, user: string, until: int64<s>) : unit =
        visitors[flow] <-
            { Principal.at onWebSocket.Domain user with
                Until = until
            }

        this.Vouch(flow, user, Realm.instantOf realm now until)

    /// Whose a connection is, if it is somebody's now.
    member _.Visitor(now: Instant, flow: Flow) : Principal voption =
        match visitors.TryGetValue flow with
        | true, principal when principal.Until > Realm.unixTime realm now -> ValueSome principal
        | true, _
        | false, _ -> ValueNone

    /// Until when the proof of this user that was judged now counts, if that is news.
    member _.News(now: Instant, flow: Flow, principal: Principal) : Instant voption =
        let left = principal.Until - Realm.unixTime realm now

        let until =
            if left > longest / 1000L<ms / s> then
                now.After longest
            else
                Realm.instantOf realm now principal.Until

        // Half of the time is as good as all of it.
        let isNews (one: Voucher) =
            one.User = principal.User
            && (one.Until.Since now * 2L < longest && one.Until < until)

        let isKnown =
            vouchers flow
            |> Array.exists (fun one -> one.User = principal.User && not (isNews one))

        if isKnown then ValueNone else ValueSome until

    /// Whether a user has proven themselves on this flow, who ever it was.
    member _.Vouched(now: Instant, flow: Flow) : bool =
        let those = vouchers flow
        let mutable found = false

        for one in those do
            found <- found || not (one.Until.IsDue now)

        found

    /// In whose name a request on this flow is, as far as that was proven on it.
    member _.Speaker(now: Instant, flow: Flow, request: Message) : Speaker =
        let those = vouchers flow
        let mutable speaker = Speaker.Stranger
        let mutable i = 0

        while i < those.Length && speaker <> Speaker.Own do
            if not (those[i].Until.IsDue now) then
                match Speaker.ofRequest station names those[i].User request with
                | Speaker.Stranger -> ()
                | Speaker.Own
                | Speaker.Alien as heard -> speaker <- heard

            i <- i + 1

        speaker

    /// Whether this user may send this request.
    member _.MayBe(principal: Principal, target: Target, request: Message) : bool =
        Gate.mayBe station names principal target request

    /// The connection is gone.
    member _.Close(flow: Flow) : unit =
        onConnections.Remove flow |> ignore
        visitors.Remove flow |> ignore

    /// How many nonces and connections are remembered.
    member _.Held: int = windows.Held + onConnections.Count + visitors.Count
