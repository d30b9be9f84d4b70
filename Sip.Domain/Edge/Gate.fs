// Gate: who may do what (RFC 3261 §22, §26.1.1). A request is worked on for a user who has proven
// to be one, for a configured peer, or for whoever holds a sealed alias inside a dialog; nobody else.

namespace Sip.Edge

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
    /// An ACK that nothing entitles: it cannot be challenged (§22.1), so it goes nowhere.
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
        && not (isInDialog request)
        && (match address HeaderName.From request with
            | ValueSome(Uri.Sip from) -> not (Realm.owns realm from)
            | ValueSome(Uri.Tel _) -> true
            | ValueSome(Uri.Other _)
            | ValueNone -> false)

    let private isPassedOn (request: Message) =
        Message.count 2 HeaderName.Via request > 1

    /// What to demand of a request from this flow to this target. `Known` says whether a user has
    /// already proven themselves on this connection, `shown` whether it came along a flow token of ours.
    let demand
        (realm: Realm)
        (source: FlowText)
        (known: bool)
        (shown: bool)
        (target: Target)
        (request: Message)
        : Demand =
        // The registrar behind us challenges its users itself.
        let isFree = realm.Admittance = Admittance.UnsafeOpen || realm.Home.IsSome
        let isPeer = source.Standing = Standing.Peer

        let inDialog = isInDialog request

        match Message.method request, target with
        | _ when isFree -> Demand.Nothing
        // A peer may be an edge, which passes the registrations of others on (RFC 5626 §5).
        | Method.Register, _ when not isPeer || isPassedOn request -> Demand.AsRegistrar
        | _ when isPeer -> Demand.Nothing
        // The alias was sealed by us and given to the other side of a dialog only.
        | _, Target.Along(Hop.Flow _, _) when inDialog -> Demand.Nothing
        | _, (Target.Along(Hop.Dial _, _) | Target.Sought _) when inDialog && known ->
            Demand.Nothing
        // §22.1: an ACK cannot be challenged; a peer is configured, and is asked nothing by it. On a connection
        // whoever acknowledges a call has proven themselves for it.
        | Method.Ack, (Target.Along(Hop.Dial _, _) | Target.Sought _) when
            inDialog && not (Flow.isConnection source.Flow)
            ->
            Demand.Nothing
        // A GRUU may be known to anybody. Whoever is in a dialog with it has our token, or has proven to be
        // one of our users; and an ACK leads to an instance that was asked for an answer.
        | Method.Ack, Target.Instance when inDialog -> Demand.Nothing
        | _, Target.Instance when inDialog && (known || shown) -> Demand.Nothing
        | Method.Ack, _ -> Demand.Unmeetable
        // What the server says about itself it says to everybody.
        | _, (Target.Server | Target.Nobody _) -> Demand.Nothing
        | (Method.Invite | Method.Message), (Target.User | Target.Instance) when
            isStranger realm source request
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
        | Demand.AsProxy -> Message.texts HeaderName.ProxyAuthorization request

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
            Seed = Message.callId request + request.Text(Message.firstValue HeaderName.Via request)
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

    /// Whether a proven user may send this request: From is theirs, and To when they register.
    /// Inside a dialog From is what the dialog began with, which may be a number that led to them.
    let mayBe (realm: Realm) (principal: Principal) (target: Target) (request: Message) : bool =
        let names =
            match Message.method request, target with
            | Method.Register, _ -> [ HeaderName.To; HeaderName.From ]
            | _, (Target.Along _ | Target.Sought _ | Target.Instance) when isInDialog request -> []
            | _,
              (Target.Server | Target.User | Target.Instance | Target.Along _ | Target.Sought _ | Target.Ending _ | Target.Nobody _) ->
                [ HeaderName.From ]

        names
        |> List.forall (fun name ->
            match address name request with
            | ValueSome uri -> isOwn realm principal uri
            | ValueNone -> false)
