// Homeward: at the edge in front of a registrar, everything that clients ask goes to that registrar, which
// knows them and challenges them; only what is in a dialog and names a client's flow goes straight down it
// (RFC 5626 §5.3, RFC 3608 §6).

namespace Sip.Routing

open Sip
open Sip.Wire

/// Sending clients' requests to the registrar behind us.
[<RequireQualifiedAccess>]
module Homeward =

    let private isInDialog (request: Message) =
        (Message.tag HeaderName.To request).IsThere

    let private instead (home: Home) (request: Message) (way: Way) (target: Target) : Target =
        let there = Target.Sought(home.Servers, Heading.Kept)

        match target with
        // What keeps a browser's connection alive is answered here.
        | Target.Server when Message.method request = Method.Options -> target
        | Target.Server
        | Target.User
        | Target.Instance -> there
        | Target.Along(Hop.Flow _, _) when not (isInDialog request) -> there
        | Target.Along _
        | Target.Sought _
        | Target.Ending _ -> target
        // A client that came back by another flow has the old one in its dialogs; the way on is known.
        | Target.Nobody Refusal.FlowGone when way.Left > 0 -> there
        // It may be an address that only the registrar knows what to do with.
        | Target.Nobody(Refusal.NotOurs | Refusal.NoTransport) -> there
        | Target.Nobody _ -> target

    /// Whom a request is for, at the edge if we are one.
    let redirect
        (station: Station)
        (source: FlowText)
        (request: Message)
        (way: Way)
        (target: Target)
        : Target =
        match station.Realm.Home, source.Standing with
        | ValueSome home, Standing.Client -> instead home request way target
        | ValueSome _, Standing.Peer
        | ValueNone, _ -> target
