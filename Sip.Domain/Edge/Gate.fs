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

/// Deciding what to demand and judging what is shown.
[<RequireQualifiedAccess>]
module Gate =

    let private method (request: Message) =
        match request.Start with
        | StartLine.Request(method, _, _) -> method
        | StartLine.Response _ -> Method.Other

    let private isInDialog (request: Message) =
        (Message.tag HeaderName.To request).IsThere

    /// What to demand of a request from this flow to this target. `Known` says whether a user has
    /// already proven themselves on this connection.
    let demand
        (realm: Realm)
        (flow: Flow)
        (known: bool)
        (target: Target)
        (request: Message)
        : Demand =
        let exempt =
            realm.Admittance = Admittance.UnsafeOpen
            || Realm.isPeer realm flow
            || (isInDialog request && known)

        match method request, target with
        | _ when exempt -> Demand.Nothing
        // §22.1: neither can be challenged.
        | (Method.Ack | Method.Cancel), _ -> Demand.Nothing
        | Method.Register, _ -> Demand.AsRegistrar
        // The alias was sealed by us and given to the other side of a dialog only.
        | _, Target.Along(Hop.Flow _, _) when isInDialog request -> Demand.Nothing
        | Method.Options, Target.Server -> Demand.Nothing
        | _, Target.Nobody _ -> Demand.Nothing
        | _, (Target.Server | Target.User | Target.Along _) -> Demand.AsProxy

    /// The header that credentials for this demand stand in.
    let credentials (demand: Demand) (request: Message) : string list =
        match demand with
        | Demand.Nothing -> []
        | Demand.AsRegistrar -> Message.texts HeaderName.Authorization request
        | Demand.AsProxy -> Message.texts HeaderName.ProxyAuthorization request

    /// What is authenticated of a request.
    let attempt (demand: Demand) (request: Message) : Attempt =
        let uri =
            match request.Start with
            | StartLine.Request(_, _, uri) -> request.Text uri.Whole
            | StartLine.Response _ -> ""

        {
            Method = request.Text(Message.methodName request)
            Uri = uri
            Credentials = credentials demand request
            Bound = ""
            Seed =
                request.Text(Message.value HeaderName.CallId request)
                + request.Text(Message.firstValue HeaderName.Via request)
        }

    /// The status and the header name of a challenge.
    let challenge (demand: Demand) : struct (Status * string) =
        match demand with
        | Demand.AsProxy -> struct (Status.proxyAuthenticationRequired, "Proxy-Authenticate")
        | Demand.Nothing
        | Demand.AsRegistrar -> struct (Status.unauthorized, "WWW-Authenticate")

    let private address (name: HeaderName) (request: Message) : Uri voption =
        match AddressView.read request.Bytes (Message.value name request) with
        | ValueSome view -> UriView.toUri request.Bytes view.Uri
        | ValueNone -> ValueNone

    let private isOwn (realm: Realm) (principal: Principal) (uri: Uri) =
        realm.Domains
        |> List.exists (fun domain ->
            match Host.tryRead domain with
            | ValueSome host ->
                Principal.mayUse { principal with Domain = host } uri <> Use.Foreign
            | ValueNone -> false)

    /// Whether a proven user may send this request: From is theirs, and To when they register.
    let mayBe (realm: Realm) (principal: Principal) (request: Message) : bool =
        let names =
            match method request with
            | Method.Register -> [ HeaderName.To; HeaderName.From ]
            | Method.Invite
            | Method.Ack
            | Method.Bye
            | Method.Cancel
            | Method.Options
            | Method.Message
            | Method.Subscribe
            | Method.Notify
            | Method.Refer
            | Method.Update
            | Method.Info
            | Method.Prack
            | Method.Publish
            | Method.Other -> [ HeaderName.From ]

        names
        |> List.forall (fun name ->
            match address name request with
            | ValueSome uri -> isOwn realm principal uri
            | ValueNone -> false)
