// Refusal: every reason for which a request is answered here instead of going on, with its status,
// its words and the headers that belong to it (RFC 3261 §8.2, §16.3, §21.4).

namespace Sip.Routing

open System
open Sip
open Sip.Wire

/// Why a request goes no further.
[<RequireQualifiedAccess>]
type Refusal =
    | Faulty of Fault: Fault
    | Scheme
    | Hops
    | Loop
    | Extensions of Unsupported: string list
    /// The registrar behind us has to be told a Path, and the client knows nothing of it.
    | LacksPath
    | NotAllowed of Allow: string
    | Unimplemented
    | NoSuchUser
    | NobodyThere
    /// Of those who are registered none is as the caller wants (RFC 3841).
    | NobodySuits
    | FlowGone
    | NotOurs
    | ForgedAlias
    /// A Route of ours has a flow token that we did not mint.
    | ForgedToken
    /// From, or To of a REGISTER, is not the user who has proven themselves.
    | NotYou
    /// Whoever was asked wants a password that is none of theirs to want.
    | ForeignChallenge
    /// The user has set more going than their meters allow.
    | Metered
    | NoTransport
    /// No name, or no address, was found for where it is to go.
    | NoAddress
    /// The domain name system does not answer.
    | NoAnswer
    /// Too much is asked, by everybody or by this one: come back in so many seconds.
    | Overloaded of RetryAfter: int64<s>
    /// It may have no branch more (RFC 5393 §5.3.3).
    | TooBroad

/// What a refusal says.
[<RequireQualifiedAccess>]
module Refusal =

    /// The status to answer.
    let status (refusal: Refusal) : Status =
        match refusal with
        | Refusal.Faulty fault -> Fault.status fault
        | Refusal.Scheme -> Status.unsupportedUriScheme
        | Refusal.Hops -> Status.tooManyHops
        | Refusal.Loop -> Status.loopDetected
        | Refusal.Extensions _ -> Status.badExtension
        | Refusal.LacksPath -> Status.extensionRequired
        | Refusal.NotAllowed _ -> Status.methodNotAllowed
        | Refusal.Unimplemented -> Status.notImplemented
        | Refusal.NoSuchUser -> Status.notFound
        | Refusal.NobodyThere
        | Refusal.NobodySuits
        | Refusal.NoAddress
        | Refusal.NoTransport -> Status.temporarilyUnavailable
        | Refusal.NoAnswer -> Status.serverTimeout
        | Refusal.FlowGone -> Status.flowFailed
        | Refusal.NotOurs
        | Refusal.ForgedAlias
        | Refusal.ForgedToken
        | Refusal.NotYou
        | Refusal.ForeignChallenge
        | Refusal.Metered -> Status.forbidden
        | Refusal.Overloaded _ -> Status.serviceUnavailable
        | Refusal.TooBroad -> Status.maxBreadthExceeded

    /// The reason phrase: the RFC's, or words that say what to do.
    let words (refusal: Refusal) : string =
        match refusal with
        | Refusal.Faulty fault -> Fault.words fault
        | Refusal.NotOurs -> "Forbidden: This Server Does Not Relay There"
        | Refusal.ForgedAlias -> "Forbidden: The Alias Is Not Ours"
        | Refusal.ForgedToken -> "Forbidden: The Flow Token Is Not Ours"
        | Refusal.NotYou -> "Forbidden: From Is Not The User Who Signed In"
        | Refusal.ForeignChallenge -> "Forbidden: The Other Side Asked For A Password"
        | Refusal.Metered -> "Forbidden: Too Many Calls From This User, Ask The Operator"
        | Refusal.NoTransport -> "Temporarily Unavailable: No Transport Leads There"
        | Refusal.NoAddress -> "Temporarily Unavailable: No Address Was Found There"
        | Refusal.NobodyThere -> "Temporarily Unavailable: Nobody Is Registered"
        | Refusal.NobodySuits -> "Temporarily Unavailable: Nobody Suits The Caller's Preferences"
        | Refusal.Scheme
        | Refusal.Hops
        | Refusal.Loop
        | Refusal.Extensions _
        | Refusal.LacksPath
        | Refusal.NotAllowed _
        | Refusal.Unimplemented
        | Refusal.NoSuchUser
        | Refusal.FlowGone
        | Refusal.NoAnswer
        | Refusal.Overloaded _
        | Refusal.TooBroad -> Status.phrase (status refusal)

    // Refusing has to be cheap when it happens often.
    let private retryAfter =
        Array.init 64 (fun seconds -> [ "Retry-After", string seconds ])

    /// The headers that the answer carries.
    let headers (refusal: Refusal) : (string * string) list =
        match refusal with
        | Refusal.Extensions unsupported -> [ "Unsupported", String.Join(", ", unsupported) ]
        | Refusal.LacksPath -> [ "Require", "path" ]
        | Refusal.NotAllowed allow -> [ "Allow", allow ]
        | Refusal.Overloaded seconds -> retryAfter[int (max 1L<s> (min 63L<s> seconds))]
        | Refusal.Faulty _
        | Refusal.Scheme
        | Refusal.Hops
        | Refusal.Loop
        | Refusal.Unimplemented
        | Refusal.NoSuchUser
        | Refusal.NobodyThere
        | Refusal.NobodySuits
        | Refusal.FlowGone
        | Refusal.NotOurs
        | Refusal.ForgedAlias
        | Refusal.ForgedToken
        | Refusal.NotYou
        | Refusal.ForeignChallenge
        | Refusal.Metered
        | Refusal.NoAddress
        | Refusal.NoAnswer
        | Refusal.NoTransport
        | Refusal.TooBroad -> []
