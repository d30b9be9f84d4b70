// Target: whom a request is for (RFC 3261 §16.5): this server, one of its users, a flow that we
// named ourselves, a neighbour that is configured, or nobody. HOT, but for calls to neighbours.

namespace Sip.Routing

open System
open Sip
open Sip.Wire

/// Whom a request is for.
[<RequireQualifiedAccess; Struct>]
type Target =
    /// This server itself.
    | Server
    /// The user of ours that the way's URI names: the location service knows where.
    | User
    /// One place, with the Request-URI that it shall see.
    | Along of Hop: Hop * Heading: Heading
    /// Whoever is found behind the first of these URIs that has somebody, with the Request-URI that
    /// they shall see.
    | Sought of Uris: SipUri list * Sight: Heading
    /// Whichever live flow ends there, with the Request-URI that it shall see; never a call.
    | Ending of There: FarEnd * Heading: Heading
    | Nobody of Refusal: Refusal

/// Choosing targets.
[<RequireQualifiedAccess>]
module Target =

    let private alias = Text.toBytes Alias.parameter

    /// A call to an address, if it is one that we may be used to reach.
    let private dial (station: Station) (request: Message) (uri: UriView) : Target =
        let realm = station.Realm

        match UriView.toUri request.Bytes uri with
        | ValueSome(Uri.Sip sip) ->
            match Hop.ofUri sip, realm.Admittance with
            | Lead.Nowhere, _ -> Target.Nobody Refusal.NoTransport
            | Lead.Straight hop, Admittance.UnsafeOpen -> Target.Along(hop, Heading.Kept)
            | Lead.Straight hop, Admittance.Authenticated when
                Station.standing station hop = Standing.Peer
                ->
                Target.Along(hop, Heading.Kept)
            | Lead.Sought uri, Admittance.UnsafeOpen -> Target.Sought([ uri ], Heading.Kept)
            | Lead.Sought uri, Admittance.Authenticated when Realm.namesPeer realm uri ->
                Target.Sought([ uri ], Heading.Kept)
            | (Lead.Straight _ | Lead.Sought _), Admittance.Authenticated ->
                Target.Nobody Refusal.NotOurs
        | ValueSome _
        | ValueNone -> Target.Nobody Refusal.NotOurs

    // A plain alias proves nothing, so that only who is trusted anyway may use one.
    let private byPlainAlias (station: Station) (came: Flow) (alias: string) : Target =
        match FarEnd.tryAlias alias with
        | ValueSome there when (station.Flows.Of came).Standing = Standing.Peer ->
            Target.Ending(there, Heading.Unaliased)
        | ValueSome _
        | ValueNone -> Target.Nobody Refusal.ForgedAlias

    let private byUri (station: Station) (came: Flow) (request: Message) (uri: UriView) : Target =
        let all = request.Bytes
        let found = UriView.parameter all uri alias

        if found.Value.IsThere then
            match station.Flows.Follow(Slice.bytes all found.Value) with
            | ValueSome text -> Target.Along(text.Hop, Heading.Unaliased)
            | ValueNone -> byPlainAlias station came (request.Text found.Value)
        elif not (Station.owns station all uri) then
            dial station request uri
        elif station.Realm.Home.IsSome then
            match Standin.read station all uri with
            | Unsealed.Contact(text, written) -> Target.Along(text.Hop, Heading.Written written)
            | Unsealed.Forged -> Target.Nobody Refusal.ForgedAlias
            | Unsealed.Plain when uri.User.IsThere -> Target.User
            | Unsealed.Plain -> Target.Server
        elif uri.User.IsThere then
            Target.User
        else
            Target.Server

    /// The target of a request that came on this flow, its own Routes being off.
    let choose (station: Station) (came: Flow) (request: Message) (way: Way) : Target =
        if way.Left > 0 then
            let route = Routes.next request way

            if route.Whole.IsThere then
                dial station request route
            else
                Target.Nobody Refusal.NotOurs
        else
            match way.Uri.Kind with
            | UriKind.Sip
            | UriKind.Sips -> byUri station came request way.Uri
            | UriKind.Tel
            | UriKind.Other -> Target.Nobody Refusal.Scheme
