// Authentication: whether a request comes from whom it says (RFC 3261 §22, RFC 7616, RFC 8760).
// In two halves, because the subscriber may have to be looked up between them: `claim` reads,
// chooses and checks all that needs no secret of the user's, `prove` hashes. An unknown user is
// hashed like a known one and gets the same answer.

namespace Sip.Identity

open Sip

/// Challenging and judging.
[<RequireQualifiedAccess>]
module Authentication =

    /// Settings with a nonce's usual lifetime and every algorithm, in the transport's order.
    let settings
        (realm: string)
        (domain: Host)
        (keys: NonceKeys)
        (transport: Transport)
        : AuthenticationSettings =
        {
            Realm = realm
            Domain = domain
            Keys = keys
            Lifetime = Nonce.lifetime
            Algorithms = Algorithm.inOrderFor transport
        }

    let private binding (settings: AuthenticationSettings) (attempt: Attempt) : NonceBinding =
        {
            Realm = settings.Realm
            Bound = attempt.Bound
        }

    // RFC 8760 §2.3: one challenge an algorithm, the most preferred at the top.
    /// The values of WWW-Authenticate or Proxy-Authenticate, in order, that answer an attempt.
    let challenges
        (settings: AuthenticationSettings)
        (now: Instant)
        (attempt: Attempt)
        (staleness: Staleness)
        : string list =
        let nonce =
            Nonce.mint settings.Keys.Current now (binding settings attempt) attempt.Seed

        settings.Algorithms
        |> List.map (fun algorithm ->
            Challenge.print
                {
                    Realm = settings.Realm
                    Nonce = nonce
                    Opaque = ValueNone
                    Staleness = staleness
                    Algorithm = AlgorithmName.Known algorithm
                    Qops = [ Qop.Auth ]
                })

    let private ours (realm: string) (read: Result<Authorization, Flaw>) : Credentials option =
        match read with
        | Ok(Authorization.Digest credentials) when credentials.Realm = realm -> Some credentials
        | Ok(Authorization.Digest _ | Authorization.OtherScheme _)
        | Error _ -> None

    let private flawOf (read: Result<Authorization, Flaw>) : Flaw option =
        match read with
        | Error flaw -> Some flaw
        | Ok _ -> None

    let private anew = Claiming.Decided(Verdict.Challenge Staleness.Fresh)

    let private malformed flaw =
        Claiming.Decided(Verdict.Malformed flaw)

    let private withNonce settings now attempt (claimed: Credentials) algorithm count : Claiming =
        let binding = binding settings attempt

        match Nonce.judge settings.Keys now settings.Lifetime binding claimed.Nonce with
        | NonceAge.Forged -> anew
        | NonceAge.Stale -> Claiming.Decided(Verdict.Challenge Staleness.Stale)
        | NonceAge.Fresh _ when not (SignedUri.names attempt.Uri claimed.Uri) ->
            Claiming.Decided(Verdict.Refused(Rejection.SignedElsewhere claimed.Uri))
        | NonceAge.Fresh minted ->
            Claiming.Claimed
                {
                    Credentials = claimed
                    Algorithm = algorithm
                    Count = count
                    Minted = minted
                    Method = attempt.Method
                }

    // We challenge with qop="auth": RFC 2069's form, auth-int and words unheard of are asked again.
    let private withAlgorithm settings now attempt algorithm (claimed: Credentials) : Claiming =
        match claimed.Protection with
        | Protection.Counted(Qop.Auth, count, _) ->
            withNonce settings now attempt claimed algorithm count
        | Protection.Counted((Qop.AuthInt | Qop.Unheard _), _, _)
        | Protection.NonceOnly -> anew

    // A client answers one of our challenges (RFC 8760 §2.4). If it answers several, the algorithm
    // that we prefer is judged and no other: one request is one guess at a password.
    let private choose settings now attempt (claimed: Credentials list) : Claiming =
        let by algorithm =
            claimed |> List.filter (fun c -> c.Algorithm = AlgorithmName.Known algorithm)

        let answered = settings.Algorithms |> List.filter (fun a -> not (by a).IsEmpty)

        match answered with
        | [] -> anew
        | algorithm :: _ ->
            match by algorithm with
            | [ only ] -> withAlgorithm settings now attempt algorithm only
            | _ -> malformed (Flaw.Ambiguous settings.Realm)

    // RFC 3261 §22.3: credentials of other realms are other proxies' business, readable or not.
    /// Reads an attempt's credentials and decides all that can be decided without the user's key.
    let claim (settings: AuthenticationSettings) (now: Instant) (attempt: Attempt) : Claiming =
        let read = List.map Credentials.read attempt.Credentials

        match List.choose (ours settings.Realm) read, List.tryPick flawOf read with
        | [], None -> anew
        | [], Some flaw -> malformed flaw
        | claimed, _ -> choose settings now attempt claimed

    /// The user whose subscriber a claim needs, as wire text.
    let user (claim: Claim) : string = claim.Credentials.Username

    // The store may compare names more loosely than we do, so what it found is compared here.
    let private keyOf settings (claim: Claim) (found: Subscriber voption) : Ha1 voption =
        match found with
        | ValueSome one when one.User = user claim && one.Realm = settings.Realm ->
            Subscriber.ha1 claim.Algorithm one
        | ValueSome _
        | ValueNone -> ValueNone

    let private verify (claim: Claim) (key: Ha1) : Proof =
        let signed =
            {
                Method = claim.Method
                Uri = claim.Credentials.Uri
                Nonce = claim.Credentials.Nonce
                Protection = claim.Credentials.Protection
            }

        Digest.verify key signed claim.Credentials.Response

    let private spend settings (claim: Claim) (one: Subscriber) (key: Ha1) window : Verdict =
        let principal =
            {
                User = one.SpeaksAs
                Domain = settings.Domain
                Until = one.Until
            }

        match Window.step claim.Count window with
        | Counting.Replayed -> Verdict.Challenge Staleness.Stale
        | Counting.Counted window ->
            Verdict.Proven(
                principal,
                {
                    Id = claim.Minted.Id
                    Window = window
                    Forget = Nonce.forget settings.Lifetime claim.Minted
                },
                AuthenticationInfo(key, claim.Credentials)
            )

    /// Proves a claim by the subscriber of its user, if there is one, and counts the nonce's use.
    let prove
        (settings: AuthenticationSettings)
        (claim: Claim)
        (found: Subscriber voption)
        (window: Window)
        : Verdict =
        let key = keyOf settings claim found

        let proof =
            verify claim (ValueOption.defaultValue (Ha1.ofNobody claim.Algorithm) key)

        match found, key, proof with
        | ValueSome one, ValueSome key, Proof.Right -> spend settings claim one key window
        | _, ValueSome _, (Proof.Right | Proof.Wrong)
        | _, ValueNone, (Proof.Right | Proof.Wrong) -> Verdict.Challenge Staleness.Fresh

    /// Both halves at once, for those who have subscribers and windows at hand.
    let judge
        (settings: AuthenticationSettings)
        (now: Instant)
        (lookup: string -> Subscriber voption)
        (windowOf: NonceId -> Window)
        (attempt: Attempt)
        : Verdict =
        match claim settings now attempt with
        | Claiming.Decided verdict -> verdict
        | Claiming.Claimed claim ->
            prove settings claim (lookup (user claim)) (windowOf claim.Minted.Id)
