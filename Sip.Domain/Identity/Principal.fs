// Principal: who was proven, and which addresses of record that lets them speak for
// (RFC 3261 §22.1, §26.1.1: authenticated as one user, speaking as another).

namespace Sip.Identity

open Sip

/// A user who was proven, at the domain that their realm stands for, and the second of Unix time that this
/// ends at. The name is wire text without escapes.
type Principal =
    {
        User: string
        Domain: Host
        Until: int64<s>
    }

/// What a principal's claim to an address comes to.
[<RequireQualifiedAccess; Struct>]
type Use =
    /// It is the principal's own address.
    | Own
    /// It is nobody's: the address of a user who hides (RFC 3323 §4.1.1.3).
    | Anonymous
    /// It is somebody else's.
    | Foreign

/// Deciding what principals may call themselves.
[<RequireQualifiedAccess>]
module Principal =

    /// The user of this name at a domain, for as long as nobody asks.
    let at (domain: Host) (user: string) : Principal =
        {
            User = user
            Domain = domain
            Until = Subscriber.unending
        }

    let private hidden = Host.Name "anonymous.invalid"

    let private isOwn (principal: Principal) (user: string) (host: Host) : bool =
        host = principal.Domain && Escape.decode user = principal.User

    let private mayUseSip (principal: Principal) (address: SipUri) : Use =
        match address.User with
        | _ when address.Host = hidden -> Use.Anonymous
        | ValueSome user when isOwn principal user address.Host -> Use.Own
        | ValueSome _
        | ValueNone -> Use.Foreign

    /// Whether a principal may stand in From, or be registered by To: scheme sip or sips, the same
    /// host, the same user with case; a port or parameters make no other user.
    let mayUse (principal: Principal) (address: Uri) : Use =
        match address with
        | Uri.Sip address -> mayUseSip principal address
        | Uri.Tel _
        | Uri.Other _ -> Use.Foreign
