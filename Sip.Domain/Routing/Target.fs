// Target: whom a request is for (RFC 3261 §16.5): this server, one of its users, a flow that we
// named ourselves (RFC 5626 §5.3), a neighbour that is configured, or nobody. HOT, but for calls to
// neighbours.

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
    /// One instance of a user of ours, by its GRUU.
    | Instance
    /// One place, with the Request-URI that it shall see.
    | Along of Hop: Hop * Heading: Heading
    /// Whoever is found behind the first of these URIs that has somebody, with the Request-URI that
    /// they shall see.
    | Sought of Uris: SipUri list * Sight: Heading
    /// Whichever live flow ends at the first of these where one does, with the Request-URI that it shall see; never a call.
    | Ending of There: FarEnd list * Heading: Heading
    | Nobody of Refusal: Refusal

/// The living flow by which an agent is reached that had this one: this one itself, or another that the agent
/// has come back by; none where it is away.
type Living = Flow -> Flow voption

/// Choosing targets.
[<RequireQualifiedAccess>]
module Target =

    let private alias = Text.toBytes Alias.parameter
    let private maddr = "maddr"B

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
            Target.Ending([ there ], Heading.Unaliased)
        | ValueSome _
        | ValueNone -> Target.Nobody Refusal.ForgedAlias

    // §16.4, §16.5: a maddr is where the request shall go, and no maddr but ours is a way of ours.
    let private isElsewhere (station: Station) (all: ReadOnlySpan<byte>) (uri: UriView) : bool =
        let found = UriView.parameter all uri maddr

        found.Value.IsThere
        && not (Station.isOurs station (Slice.bytes all found.Value))

    // What a token or an alias leads to now.
    let private trace (station: Station) (living: Living) (token: ReadOnlySpan<byte>) : Traced =
        match station.Flows.Follow token with
        | Followed.Leads text ->
            match living text.Flow with
            | ValueSome flow -> Traced.Leads flow
            | ValueNone -> Traced.Dead
        | Followed.Dead -> Traced.Dead
        | Followed.Elsewhere node -> Traced.Elsewhere node
        | Followed.Forged -> Traced.Forged

    let private byUri (station: Station) living came (request: Message) (uri: UriView) : Target =
        let all = request.Bytes
        let found = UriView.parameter all uri alias

        if found.Value.IsThere then
            match trace station living (Slice.bytes all found.Value) with
            | Traced.Leads flow -> Target.Along((station.Flows.Of flow).Hop, Heading.Unaliased)
            | Traced.Elsewhere _
            | Traced.Dead -> Target.Nobody Refusal.FlowGone
            | Traced.Forged -> byPlainAlias station came (request.Text found.Value)
        elif isElsewhere station all uri then
            Target.Nobody Refusal.NotOurs
        elif not (Station.owns station all uri) then
            dial station request uri
        elif station.Realm.Home.IsSome then
            match Standin.read station all uri with
            | Unsealed.Contact(text, written) -> Target.Along(text.Hop, Heading.Written written)
            | Unsealed.Gone -> Target.Nobody Refusal.FlowGone
            | Unsealed.Forged -> Target.Nobody Refusal.ForgedAlias
            | Unsealed.Plain when uri.User.IsThere -> Target.User
            | Unsealed.Plain -> Target.Server
        elif Station.ownsGruu station all uri then
            Target.Instance
        elif uri.User.IsThere then
            Target.User
        else
            Target.Server

    let private received = "received"B

    // What a peer reads in our own Route is a flow's far end, as Kamailio's path module writes it.
    let private byReceived (station: Station) (came: Flow) (request: Message) (way: Way) =
        if
            way.Off = 0
            || way.Left > 0
            || (station.Flows.Of came).Standing = Standing.Client
        then
            []
        else
            match AddressView.read request.Bytes (Message.firstValue HeaderName.Route request) with
            | ValueSome route ->
                let found = UriView.parameter request.Bytes route.Uri received

                if found.Value.IsThere then
                    FarEnd.ofReceived (request.Text found.Value)
                else
                    []
            | ValueNone -> []

    // Where a request goes when our own Routes say nothing more about it.
    let private onward (station: Station) living came (request: Message) (way: Way) : Target =
        if way.Left > 0 then
            let route = Routes.next request way

            if route.Whole.IsThere then
                dial station request route
            else
                Target.Nobody Refusal.NotOurs
        else
            match way.Uri.Kind with
            | UriKind.Sip
            | UriKind.Sips -> byUri station living came request way.Uri
            | UriKind.Tel
            | UriKind.Other -> Target.Nobody Refusal.Scheme

    // A Route of others is still to be followed, so that the Request-URI names nothing yet.
    let private namingOf station (living: Living) (request: Message) (way: Way) : Naming =
        let found = UriView.parameter request.Bytes way.Uri alias

        if way.Left > 0 then
            Naming.ByRoute
        elif found.Value.IsThere then
            match trace station living (request.Slice found.Value) with
            | Traced.Leads _ -> Naming.ByFlow
            | Traced.Elsewhere _
            | Traced.Dead
            | Traced.Forged -> Naming.ByRoute
        elif Station.ownsGruu station request.Bytes way.Uri then
            Naming.ByInstance
        else
            Naming.ByRoute

    // Both halves of a pair have their say: the one of whoever sends says nothing.
    let private direction station living (came: Flow) (request: Message) (way: Way) : Direction =
        let naming = namingOf station living request way

        match FlowRoute.direction came naming (trace station living (request.Slice way.Token)) with
        | Direction.Onward when way.Twin.IsThere ->
            FlowRoute.direction came naming (trace station living (request.Slice way.Twin))
        | Direction.Onward
        | Direction.Down _
        | Direction.ToNode _
        | Direction.Gone
        | Direction.Forged as direction -> direction

    // The Request-URI may still have the alias of a flow that is gone.
    let private down (station: Station) (flow: Flow) (request: Message) (way: Way) : Target =
        let found = UriView.parameter request.Bytes way.Uri alias

        let heading =
            if way.Left > 0 || not found.Value.IsThere then
                Heading.Kept
            else
                Heading.Unaliased

        Target.Along((station.Flows.Of flow).Hop, heading)

    /// The target of a request that came on this flow, its own Routes being off.
    let choose station (living: Living) (came: Flow) (request: Message) (way: Way) : Target =
        if not way.Token.IsThere then
            match byReceived station came request way with
            | [] -> onward station living came request way
            | there -> Target.Ending(there, Heading.Kept)
        else
            match direction station living came request way with
            | Direction.Onward -> onward station living came request way
            | Direction.Down flow -> down station flow request way
            | Direction.ToNode _
            | Direction.Gone -> Target.Nobody Refusal.FlowGone
            | Direction.Forged -> Target.Nobody Refusal.ForgedToken
