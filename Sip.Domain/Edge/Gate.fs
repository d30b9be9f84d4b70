// Gate: who may do what (RFC 3261 §22, §26.1.1). A request is worked on for a user who has proven
// to be one, for a configured peer, or for whoever holds a sealed alias inside a dialog; nobody else.

namespace Sip.Edge

open System
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Identity

/// What must be proven before a request goes on.
[<RequireQualifiedAccess; Struct>]
type Demand =
    | Nothing
    /// The user's own password, asked for with 401 as the registrar does.
    | AsRegistrar
    /// The user's own password, asked for with 407 as a proxy does.
    | AsProxy
    /// Nothing, for a user of ours may be called by anybody (`Inbound.Anybody`); whoever does is counted by their
    /// address, and hears of no user whether there is one.
    | AsStranger
    /// An ACK or a PRACK that nothing entitles: neither can be challenged (§22.1; RFC 3262 §3: sent again with
    /// another CSeq it would be another one), so it goes nowhere.
    | Unmeetable

/// Deciding what to demand and judging what is shown.
[<RequireQualifiedAccess>]
module Gate =

    let private isInDialog (request: Message) =
        (Message.tag HeaderName.To request).IsThere

    let private address (name: HeaderName) (request: Message) : Uri voption =
        match AddressView.read request.Bytes (Message.value name request) with
        | ValueSome view -> UriView.toUri request.Bytes view.Uri
        | ValueNone -> ValueNone

    // A stranger may not call themselves as one of our users does, and a datagram proves nothing about
    // where it comes from: what is answered to it, and sent again, would go to a victim.
    let private isStranger (realm: Realm) (source: FlowText) (request: Message) =
        realm.Inbound = Inbound.Anybody
        && Flow.isConnection source.Flow
        && (match address HeaderName.From request with
            | ValueSome(Uri.Sip from) -> not (Realm.owns realm from)
            | ValueSome(Uri.Tel _) -> true
            | ValueSome(Uri.Other _)
            | ValueNone -> false)

    let private isPassedOn (request: Message) =
        Message.count 2 HeaderName.Via request > 1

    // The registrar behind us challenges its users itself.
    let private isFree (realm: Realm) =
        realm.Admittance = Admittance.UnsafeOpen || realm.Home.IsSome

    /// Whether it matters in whose name a request is: within a dialog of a client's.
    let asksWho (realm: Realm) (source: FlowText) (request: Message) : bool =
        isInDialog request && source.Standing <> Standing.Peer && not (isFree realm)

    let private isPeers (station: Station) (target: Target) : bool =
        match target with
        | Target.Along(hop, _) -> Station.standing station hop = Standing.Peer
        // Nobody else is called by name.
        | Target.Sought _ -> true
        | Target.Server
        | Target.User
        | Target.Instance
        | Target.Ending _
        | Target.Nobody _ -> false

    // A name of another server's is said to peers only, which are told who the user is and know what they
    // have called them by.
    let private isEntitled (station: Station) (speaker: Speaker) (target: Target) : bool =
        match speaker with
        | Speaker.Own -> true
        | Speaker.Alien -> isPeers station target
        | Speaker.Stranger -> false

    /// What to demand of a request from this flow to this target, in whose name it was proven on the flow to be.
    /// Whoever knows our alias of a user, or their GRUU, may have been in a dialog with them, or not.
    let demand
        (station: Station)
        (source: FlowText)
        (speaker: Speaker)
        (target: Target)
        (request: Message)
        : Demand =
        let isFree = isFree station.Realm
        let isPeer = source.Standing = Standing.Peer
        let inDialog = isInDialog request
        let isEntitled = inDialog && isEntitled station speaker target

        match Message.method request, target with
        | _ when isFree -> Demand.Nothing
        // A peer may be an edge, which passes the registrations of others on (RFC 5626 §5).
        | Method.Register, _ when not isPeer || isPassedOn request -> Demand.AsRegistrar
        | _ when isPeer -> Demand.Nothing
        // What the server says about itself it says to everybody.
        | Method.Ack, (Target.Server | Target.Nobody _) -> Demand.Unmeetable
        | _, (Target.Server | Target.Nobody _) -> Demand.Nothing
        // §22.1: an ACK cannot be challenged, and asks nothing of whoever it comes to.
        | Method.Ack, (Target.Along(Hop.Flow _, _) | Target.Instance) when inDialog ->
            Demand.Nothing
        // A peer is configured; and on a connection whoever acknowledges a call has proven themselves for it.
        | Method.Ack, (Target.Along(Hop.Dial _, _) | Target.Sought _) when
            isEntitled || (inDialog && not (Flow.isConnection source.Flow))
            ->
            Demand.Nothing
        | Method.Prack, (Target.Along _ | Target.Sought _ | Target.Instance) when isEntitled ->
            Demand.Nothing
        // The calls that strangers may begin go on and end, with users and nobody else.
        | _, (Target.Along(Hop.Flow _, _) | Target.Instance) when
            inDialog
            && not (isPeers station target)
            && isStranger station.Realm source request
            ->
            Demand.AsStranger
        | (Method.Ack | Method.Prack), _ -> Demand.Unmeetable
        | _, (Target.Along(Hop.Flow _, _) | Target.Instance) when isEntitled -> Demand.Nothing
        // A datagram may have a source that is made up: that is no proof to a trunk.
        | _, (Target.Along(Hop.Dial _, _) | Target.Sought _) when
            isEntitled && Flow.isConnection source.Flow
            ->
            Demand.Nothing
        | (Method.Invite | Method.Message), (Target.User | Target.Instance) when
            not inDialog && isStranger station.Realm source request
            ->
            Demand.AsStranger
        | _, (Target.User | Target.Instance | Target.Along _ | Target.Sought _ | Target.Ending _) ->
            Demand.AsProxy

    /// The header that credentials for this demand stand in.
    let credentials (demand: Demand) (request: Message) : string list =
        match demand with
        | Demand.Nothing
        | Demand.AsStranger
        | Demand.Unmeetable -> []
        | Demand.AsRegistrar -> Message.texts HeaderName.Authorization request
        // RFC 8898 §2.1.4 has a token in Authorization, whoever asks for it.
        | Demand.AsProxy ->
            Message.texts HeaderName.ProxyAuthorization request
            @ (Message.texts HeaderName.Authorization request
               |> List.filter (fun value -> (Bearer.token value).IsSome))

    let private branch (request: Message) : string =
        match Message.topVia request with
        | ValueSome via when via.Branch.IsThere -> request.Text via.Branch
        | ValueSome _
        | ValueNone -> ""

    /// What is authenticated of a request. A nonce counts only for the address that it was sent to, so
    /// that whoever proves themselves from an address hears what is sent there, and no datagram with
    /// a false source makes an alias for its victim.
    let attempt (demand: Demand) (flow: Flow) (request: Message) : Attempt =
        let uri =
            match request.Start with
            | StartLine.Request(_, _, uri) -> request.Text uri.Whole
            | StartLine.Response _ -> ""

        {
            Method = request.Text(Message.methodName request)
            Uri = uri
            Credentials = credentials demand request
            Bound = Address.print flow.Remote.Address
            Seed = String.Concat(Message.callId request, branch request)
        }

    /// The transport of whoever is challenged: behind a peer, which may be an edge, that of the client, who
    /// wrote the last Via.
    let transport (source: FlowText) (request: Message) : Transport =
        match source.Standing with
        | Standing.Client -> source.Flow.Transport
        | Standing.Peer ->
            let isWebSocket (via: Slice) =
                match ViaView.read request.Bytes via with
                | ValueSome view ->
                    let name = request.Text view.Transport
                    Text.sameText name "WS" || Text.sameText name "WSS"
                | ValueNone -> false

            match List.tryLast (Message.values HeaderName.Via request) with
            | Some last when isWebSocket last -> Transport.Ws
            | Some _
            | None -> source.Flow.Transport

    /// The status and the header name of a challenge.
    let challenge (demand: Demand) : struct (Status * string) =
        match demand with
        | Demand.AsProxy -> struct (Status.proxyAuthenticationRequired, "Proxy-Authenticate")
        | Demand.Nothing
        | Demand.AsStranger
        | Demand.Unmeetable
        | Demand.AsRegistrar -> struct (Status.unauthorized, "WWW-Authenticate")

    let private isOwn (realm: Realm) (principal: Principal) (uri: Uri) =
        realm.Domains
        |> List.exists (fun domain ->
            match Host.tryRead domain with
            | ValueSome host ->
                Principal.mayUse { principal with Domain = host } uri <> Use.Foreign
            | ValueNone -> false)

    // As nearly everybody writes it: nothing is made to see that.
    let private isSpeltOut
        (station: Station)
        (principal: Principal)
        (all: ReadOnlySpan<byte>)
        (uri: UriView)
        =
        Station.isDomain station (Slice.bytes all uri.Host)
        && Speaker.isSpelt principal.User (Slice.bytes all uri.User)

    /// Whether a proven user may send this request: From is theirs, and To when they register. Within a dialog
    /// they may be called otherwise by a peer.
    let mayBe
        (station: Station)
        (keys: Keyring)
        (principal: Principal)
        (target: Target)
        (request: Message)
        : bool =
        let isTheirs (name: HeaderName) =
            let all = request.Bytes

            match AddressView.read all (Message.value name request) with
            | ValueSome view when isSpeltOut station principal all view.Uri -> true
            | ValueSome view ->
                match UriView.toUri all view.Uri with
                | ValueSome uri -> isOwn station.Realm principal uri
                | ValueNone -> false
            | ValueNone -> false

        match Message.method request with
        | Method.Register -> isTheirs HeaderName.To && isTheirs HeaderName.From
        | _ when isInDialog request ->
            isEntitled station (Speaker.ofRequest station keys principal.User request) target
        | _ -> isTheirs HeaderName.From
