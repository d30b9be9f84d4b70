// Target: whom a request is for (RFC 3261 §16.5): this server, one of its users, a flow that we
// named ourselves, a neighbour that is configured, or nobody.

namespace Sip.Routing

open Sip


/// Whom a request is for.
[<RequireQualifiedAccess>]
type Target =
    /// This server itself.
    | Server
    /// A user of ours: the location service knows where.
    | User of Aor: Sip.Registrar.Aor
    /// One place, with the Request-URI that it shall see.
    | Along of Hop: Hop * Uri: Uri
    /// Whichever live flow ends there, with the Request-URI that it shall see; never a call.
    | Ending of There: FarEnd * Uri: Uri
    | Nobody of Refusal: Refusal

/// Choosing targets.
[<RequireQualifiedAccess>]
module Target =

    let private withoutAlias (uri: SipUri) =
        { uri with
            Parameters = Parameters.remove Alias.parameter uri.Parameters
        }

    /// A call to an address, if it is one that we may be used to reach.
    let private dial (realm: Realm) (seen: Uri) (uri: SipUri) : Target =
        match Hop.ofUri uri, realm.Admittance with
        | ValueNone, _ -> Target.Nobody Refusal.NoTransport
        | ValueSome hop, Admittance.UnsafeOpen -> Target.Along(hop, seen)
        | ValueSome hop, Admittance.Authenticated when Realm.leadsToPeer realm hop ->
            Target.Along(hop, seen)
        | ValueSome _, Admittance.Authenticated -> Target.Nobody Refusal.NotOurs

    // A plain alias proves nothing, so that only who is trusted anyway may use one.
    let private byPlainAlias (realm: Realm) (came: Flow) (uri: SipUri) (alias: string) : Target =
        match FarEnd.tryAlias alias with
        | ValueSome there when Realm.isPeer realm came ->
            Target.Ending(there, Uri.Sip(withoutAlias uri))
        | ValueSome _
        | ValueNone -> Target.Nobody Refusal.ForgedAlias

    let private byAlias (realm: Realm) (came: Flow) (uri: SipUri) (alias: string) : Target =
        match Alias.follow realm.Secret alias with
        | Followed.Leads flow -> Target.Along(Hop.Flow flow, Uri.Sip(withoutAlias uri))
        | Followed.Foreign -> byPlainAlias realm came uri alias

    let private byUri (realm: Realm) (came: Flow) (uri: SipUri) : Target =
        match Parameters.value Alias.parameter uri.Parameters with
        | ValueSome alias -> byAlias realm came uri alias
        | ValueNone when not (Realm.owns realm uri) -> dial realm (Uri.Sip uri) uri
        | ValueNone when uri.User.IsNone -> Target.Server
        | ValueNone -> Target.User(Sip.Registrar.Aor.ofSip uri)

    /// The target of a request that came on this flow, its own Routes being off.
    let choose (realm: Realm) (came: Flow) (way: Way) : Target =
        match way.Remaining, way.Uri with
        | [], Uri.Sip uri -> byUri realm came uri
        | [], (Uri.Tel _ | Uri.Other _) -> Target.Nobody Refusal.Scheme
        | _ :: _, _ ->
            match Routes.next way with
            | ValueSome route -> dial realm way.Uri route
            | ValueNone -> Target.Nobody Refusal.NotOurs
