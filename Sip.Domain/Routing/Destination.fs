// Destination: one place to call, what this server can do to get there, and why a URI may lead to none
// (RFC 3263 §4).

namespace Sip.Routing

open Sip

/// The families of addresses that our listeners reach.
[<RequireQualifiedAccess; Struct>]
type Families =
    | V4
    | V6
    | Both

/// What this server can do.
type Means =
    {
        /// The transports that it calls on, the preferred one first.
        Transports: Dialled list
        Families: Families
        /// Addresses that are never called, whatever a name resolves to.
        Barred: Cidr list
    }

/// One place to call.
type Destination =
    {
        Transport: Dialled
        Address: Address
        Port: int
        /// The host that a certificate has to name (RFC 5922 §4).
        Domain: Host
    }

/// Why a URI leads nowhere.
[<RequireQualifiedAccess; Struct>]
type Astray =
    /// It wants a transport on which no server can be called, or none of ours.
    | NoTransport
    /// It is under `.invalid`, or no name or address has been found.
    | NoAddress
    /// Every address that was found is barred.
    | Barred
    /// The domain name system did not answer.
    | NoAnswer

/// What is known of a URI's way.
[<RequireQualifiedAccess>]
type Resolved =
    | Ask of Questions: Question list
    | To of Destinations: Destination list
    | Nowhere of Astray: Astray
