// SignedUri: whether the uri that a client signed is the Request-URI that came with it
// (RFC 7616 §3.4.6, RFC 8760 §2.6 item 6). A proxy in between may have added or removed
// parameters, or written the same user and host otherwise; it may not have changed them.

namespace Sip.Identity

open System
open Sip

/// A SIP URI's text in the parts that are compared.
[<Struct>]
type private Target =
    {
        Scheme: string
        User: string
        Host: string
    }

/// Comparing what was signed with what was asked.
[<RequireQualifiedAccess>]
module SignedUri =

    // SIP-URI = "sip:" [ userinfo ] hostport uri-parameters [ headers ]
    // An "@" stands only after userinfo, where ";" and "?" belong to the user.
    let private target (text: string) : Target =
        let rest = text.IndexOf ':' + 1
        let host = text.IndexOf '@' + 1

        let start = max rest host
        let tail = text.AsSpan start
        let length = tail.IndexOfAny(';', '?')

        {
            Scheme = text.Substring(0, rest)
            User =
                if host > rest then
                    text.Substring(rest, host - rest)
                else
                    ""
            Host = (if length < 0 then tail else tail.Slice(0, length)).ToString()
        }

    let private isSip (target: Target) : bool =
        Text.sameText target.Scheme "sip:" || Text.sameText target.Scheme "sips:"

    /// Whether both texts name the same user at the same host and port by the same scheme;
    /// schemes other than sip and sips are compared as text.
    let names (requestUri: string) (signed: string) : bool =
        if String.Equals(requestUri, signed, StringComparison.Ordinal) then
            true
        else
            let asked = target requestUri
            let claimed = target signed

            isSip asked
            && Text.sameText asked.Scheme claimed.Scheme
            && Escape.decode asked.User = Escape.decode claimed.User
            && Text.sameText asked.Host claimed.Host
