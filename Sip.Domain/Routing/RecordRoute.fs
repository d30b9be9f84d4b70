// RecordRoute: puts on one Record-Route, or two when the request changes its transport or listener
// (RFC 3261 §16.6 step 4, RFC 5658 §5 double record-routing, marked r2=on as the field does).

namespace Sip.Routing

open System
open Sip

/// Recording our place on the way.
[<RequireQualifiedAccess>]
module RecordRoute =

    let private flag name : Parameter = { Name = name; Value = ValueNone }

    let private pair: Parameters =
        [ { Name = "r2"; Value = ValueSome "on" }; flag "lr" ]

    let private value listener parameters =
        NameAddr.print (NameAddr.ofUri (Uri.Sip(Realm.routeUri listener parameters)))

    /// The values to put on top, in wire order: the side that the request leaves by stands first.
    let values (inward: Listener) (outward: Listener) : string list =
        if inward.Id = outward.Id then
            [ value inward [ flag "lr" ] ]
        else
            [ value outward pair; value inward pair ]
