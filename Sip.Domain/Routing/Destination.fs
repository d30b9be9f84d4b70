// Destination: what this server can do to reach another, and why a URI may lead to none
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

/// Telling what this server can do.
[<RequireQualifiedAccess>]
module Means =

    /// What a realm's listeners allow: whoever does not listen on a transport does not call on it.
    let ofRealm (realm: Realm) : Means =
        let listens transport =
            realm.Listeners
            |> Array.exists (fun listener -> listener.Transport = Hop.dialled transport)

        let reaches (isFamily: Address -> bool) =
            realm.Listeners
            |> Array.exists (fun listener ->
                Address.isUnspecified listener.Bound.Address || isFamily listener.Bound.Address)

        {
            Transports = List.filter listens [ Dialled.Udp; Dialled.Tcp; Dialled.Tls ]
            Families =
                match reaches Address.isV4, reaches (Address.isV4 >> not) with
                | true, false -> Families.V4
                | false, true -> Families.V6
                | true, true
                | false, false -> Families.Both
            Barred = realm.Barred
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
