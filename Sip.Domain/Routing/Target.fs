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
    /// Whichever live flow ends there, with the Request-URI that it shall see; never a call.
    | Ending of There: FarEnd * Heading: Heading
    | Nobody of Refusal: Refusal

/// Choosing targets.
[<RequireQualifiedAccess>]
module Target =

    let private alias = Text.toBytes Alias.parameter
    let private maddr = "maddr"B

    /// A call to an address, if it is one that we may be used to reach.
    let private dial (realm: Realm) (request: Message) (uri: UriView) : Target =
        match UriView.toUri request.Bytes uri with
        | ValueSome(Uri.Sip sip) ->
            match Hop.ofUri sip, realm.Admittance with
            | ValueNone, _ -> Target.Nobody Refusal.NoTransport
            | ValueSome hop, Admittance.UnsafeOpen -> Target.Along(hop, Heading.Kept)
            | ValueSome hop, Admittance.Authenticated when Realm.leadsToPeer realm hop ->
                Target.Along(hop, Heading.Kept)
            | ValueSome _, Admittance.Authenticated -> Target.Nobody Refusal.NotOurs
        | ValueSome _
        | ValueNone -> Target.Nobody Refusal.NotOurs

    // A plain alias proves nothing, so that only who is trusted anyway may use one.
    let private byPlainAlias (station: Station) (came: Flow) (alias: string) : Target =
        match FarEnd.tryAlias alias with
        | ValueSome there when Realm.isPeer station.Realm came ->
            Target.Ending(there, Heading.Unaliased)
        | ValueSome _
        | ValueNone -> Target.Nobody Refusal.ForgedAlias

    // §16.4, §16.5: a maddr is where the request shall go, and no maddr but ours is a way of ours.
    let private isElsewhere (station: Station) (all: ReadOnlySpan<byte>) (uri: UriView) : bool =
        let found = UriView.parameter all uri maddr

        found.Value.IsThere
        && not (Station.isOurs station (Slice.bytes all found.Value))

    let private byUri (station: Station) (came: Flow) (request: Message) (uri: UriView) : Target =
        let all = request.Bytes
        let found = UriView.parameter all uri alias

        if found.Value.IsThere then
            match station.Flows.Follow(Slice.bytes all found.Value) with
            | ValueSome text -> Target.Along(text.Hop, Heading.Unaliased)
            | ValueNone -> byPlainAlias station came (request.Text found.Value)
        elif isElsewhere station all uri then
            Target.Nobody Refusal.NotOurs
        elif not (Station.owns station all uri) then
            dial station.Realm request uri
        elif uri.User.IsThere then
            Target.User
        else
            Target.Server

    /// The target of a request that came on this flow, its own Routes being off.
    let choose (station: Station) (came: Flow) (request: Message) (way: Way) : Target =
        if way.Left > 0 then
            let route = Routes.next request way

            if route.Whole.IsThere then
                dial station.Realm request route
            else
                Target.Nobody Refusal.NotOurs
        else
            match way.Uri.Kind with
            | UriKind.Sip
            | UriKind.Sips -> byUri station came request way.Uri
            | UriKind.Tel
            | UriKind.Other -> Target.Nobody Refusal.Scheme
