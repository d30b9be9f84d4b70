// Verdict: what is asked of authentication and what it can answer (RFC 3261 §22, RFC 7616 §3.4).
// A verdict may need the subscriber's key; what is known before it is looked up is a claim.

namespace Sip.Identity

open Sip

/// How one realm authenticates. Names are wire text; the order of the algorithms is the order in
/// which they are offered and preferred.
type AuthenticationSettings =
    {
        Realm: string
        Domain: Host
        Keys: NonceKeys
        Lifetime: int64<ms>
        Algorithms: Algorithm list
    }

/// What of a request is authenticated. `Credentials` are the values of Authorization or of
/// Proxy-Authorization; `Bound` is the flow that nonces are bound to, or empty; `Seed` is any text
/// that tells the request from others of the same millisecond, such as its Call-ID and branch.
type Attempt =
    {
        Method: string
        Uri: string
        Credentials: string list
        Bound: string
        Seed: string
    }

/// Why a request whose credentials can be read is not let in and not asked again.
[<RequireQualifiedAccess>]
type Rejection =
    /// The credentials were made for another Request-URI: answer 400 (RFC 7616 §3.4.6).
    | SignedElsewhere of Signed: string
    /// Too many wrong passwords have been shown for this user, or from this address: none is looked at until then.
    | TooManyGuesses of Wait: int64<s>

/// The use of a nonce, to be kept until `Forget`: its window in the table of windows.
[<Struct>]
type Spent =
    {
        Id: NonceId
        Window: Window
        Forget: Instant
    }

/// What came of looking at a request's credentials.
[<RequireQualifiedAccess>]
type Verdict =
    /// The user is who they say; the window is to be kept. The info proves us to them.
    | Proven of Principal: Principal * Spent: Spent * Info: AuthenticationInfo
    /// Nothing is proven: answer 401 or 407 with `Authentication.challenges`.
    | Challenge of Staleness: Staleness
    /// The credentials are no credentials: answer 400.
    | Malformed of Flaw: Flaw
    /// The credentials are for something else.
    | Refused of Rejection: Rejection

/// Credentials that only the user's key can still prove or disprove.
type Claim =
    {
        Credentials: Credentials
        Algorithm: Algorithm
        Count: NonceCount
        Minted: Minted
        Method: string
    }

/// What the first half comes to.
[<RequireQualifiedAccess>]
type Claiming =
    /// Look up the subscriber of this name and the window of this nonce, then prove.
    | Claimed of Claim: Claim
    /// It is decided without either.
    | Decided of Verdict: Verdict
