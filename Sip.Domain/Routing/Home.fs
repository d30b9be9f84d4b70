// Home: the registrar that this server stands in front of as an edge: where it is, and how it finds back to
// the clients whose registrations it is sent (RFC 5626 §5, RFC 3327 §5.2).

namespace Sip.Routing

open Sip

/// What an edge in front of a registrar thinks of Path.
[<RequireQualifiedAccess; Struct>]
type PathWish =
    /// It is inserted for clients that know it, and for browsers, which nothing else can reach.
    | WhereSupported
    /// The registrar has to honour it, and clients have to know it.
    | Demanded

/// How the registrar finds back to a client.
[<RequireQualifiedAccess; Struct>]
type WayBack =
    | ByPath of Wish: PathWish
    /// It knows nothing of Path: a Contact of ours stands in for the client's.
    | ByContact

/// The registrar behind this server.
type Home =
    {
        /// Where it is: each is resolved, and they are tried in this order.
        Servers: SipUri list
        Back: WayBack
    }
