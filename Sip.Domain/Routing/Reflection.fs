// Reflection: how much may be said to a datagram whose source nobody has proven: one answer, and of at most
// half as many bytes again (RFC 3261 §26.3.2.4), for it may be sent to whoever was named as the source.

namespace Sip.Routing

open Sip
open Sip.Wire

/// Answering whoever may be somebody else.
[<RequireQualifiedAccess>]
module Reflection =

    /// Whether the source of a request that proves nothing may be made up.
    let isPossible (realm: Realm) (source: FlowText) : bool =
        source.Flow.Transport = Transport.Udp
        && source.Standing = Standing.Client
        && realm.Admittance = Admittance.Authenticated

    // What IPv4 and UDP put before either.
    let private headers = 28

    /// The bytes that the answer may have.
    let allowance (request: Message) : int =
        (request.Bytes.Length + headers) * 3 / 2 - headers

    /// The phrase of an answer that was too long.
    let phrase = "No"

    let private isChallenge (name: string, _: string) =
        name = "WWW-Authenticate" || name = "Proxy-Authenticate"

    /// The headers of an answer that was too long: one challenge, and nothing else.
    let shortened (headers: (string * string) list) : (string * string) list =
        headers |> List.filter isChallenge |> List.truncate 1
