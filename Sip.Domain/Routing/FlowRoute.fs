// FlowRoute: our URI with a client's flow in it, on the Path of a REGISTER, in a Record-Route, or as the
// Service-Route; and which way a request goes that has it on top of its Routes (RFC 5626 §5.1 and §5.3,
// RFC 3327 §5.2, RFC 3608 §6.3).

namespace Sip.Routing

open Sip
open Sip.Registrar

/// Whether a client's request came to us first.
[<RequireQualifiedAccess; Struct>]
type Position =
    | FirstHop
    | Later

/// What an edge does to a REGISTER that it passes on.
[<RequireQualifiedAccess>]
type PathStep =
    | Insert of Value: string * Headers: (string * string) list
    | Nothing
    /// 421 with `Require: path`.
    | Refuse

/// Where the Request-URI of a request within a dialog leads by itself.
[<RequireQualifiedAccess; Struct>]
type Naming =
    /// It has the alias of a flow that lives.
    | ByFlow
    /// It is a GRUU of ours.
    | ByInstance
    | ByRoute

/// Which way a request goes whose top Route has a flow token of ours.
[<RequireQualifiedAccess; Struct>]
type Direction =
    | Down of Flow: Flow
    /// It comes from the client of that flow, or needs the token no more: what follows decides.
    | Onward
    | ToNode of Node: uint32
    /// The token's flow is gone: 430.
    | Gone
    /// The token is not ours: 403.
    | Forged

/// Writing and following routes down a flow.
[<RequireQualifiedAccess>]
module FlowRoute =

    let private flag name : Parameter = { Name = name; Value = ValueNone }

    let private printed (uri: SipUri) =
        NameAddr.print (NameAddr.ofUri (Uri.Sip uri))

    /// The value that brings a request down the flow of this token: `<sip:TOKEN@host;lr;ob>`.
    let value (listener: Listener) (token: string) : string =
        printed
            { Realm.routeUri listener [ flag "lr"; flag "ob" ] with
                User = ValueSome token
            }

    /// The value that names us and no flow: no `ob`, for we are not the first hop (RFC 5626 §5.1).
    let plain (listener: Listener) : string =
        printed (Realm.routeUri listener [ flag "lr" ])

    let private own (position: Position) (listener: Listener) (token: string) =
        match position with
        | Position.FirstHop -> value listener token
        | Position.Later -> plain listener

    /// What an edge does about Path before it passes a REGISTER on to the registrar, by a listener where
    /// the registrar can reach it.
    let path
        (wish: PathWish)
        (support: Support)
        (position: Position)
        (came: Transport)
        (leaves: Listener)
        (token: string)
        : PathStep =
        let value = own position leaves token
        let isBrowser = Transport.isWebSocket came

        match support, wish with
        | Support.Stated, PathWish.WhereSupported -> PathStep.Insert(value, [])
        | Support.Stated, PathWish.Demanded -> PathStep.Insert(value, [ "Require", "path" ])
        | Support.Unstated, PathWish.WhereSupported when isBrowser -> PathStep.Insert(value, [])
        | Support.Unstated, PathWish.WhereSupported -> PathStep.Nothing
        | Support.Unstated, PathWish.Demanded -> PathStep.Refuse

    /// The Service-Route of the 200 to a REGISTER that has bound something: by us, and loosely.
    let serviceRoute (listener: Listener) : string * string = "Service-Route", plain listener

    /// Which way a request from this flow goes, by the token on top of its Routes. A client that
    /// came back on another flow still has its old token in the dialogs of its peers, and a Contact that
    /// is newer: a flow that a Request-URI names is reached, whatever became of the token, and an
    /// instance is where the token's flow is gone.
    let direction (source: Flow) (naming: Naming) (traced: Traced) : Direction =
        match traced, naming with
        | Traced.Leads flow, (Naming.ByRoute | Naming.ByInstance) when
            not (Flow.comparer.Equals(flow, source))
            ->
            Direction.Down flow
        | Traced.Leads _, (Naming.ByRoute | Naming.ByInstance | Naming.ByFlow)
        | (Traced.Elsewhere _ | Traced.Dead), (Naming.ByFlow | Naming.ByInstance) ->
            Direction.Onward
        | Traced.Elsewhere node, Naming.ByRoute -> Direction.ToNode node
        | Traced.Dead, Naming.ByRoute -> Direction.Gone
        | Traced.Forged, (Naming.ByFlow | Naming.ByInstance | Naming.ByRoute) -> Direction.Forged
