// RouteLaws: what becomes of Route and Record-Route, from loose routers and strict ones (RFC 3261 §16.4, §16.6).

module Sip.Properties.RouteLaws

open System
open Expecto
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Properties.Crossing

/// Every law.
let all: Test =
    testList
        "Routing"
        [
            Law.holds
                "a message gets one Record-Route, two when it changes its listener or goes between connections"
                Ground.twoFlows
            <| fun (came, leaves) ->
                let after = forwarded came leaves (request "sip:bob@example.test" [])

                let between = Flow.isConnection came && Flow.isConnection leaves

                let count =
                    if came.Listener = leaves.Listener && not between then
                        1
                    else
                        2

                List.length (texts HeaderName.RecordRoute after) = count

            Law.holds "a Record-Route pair goes on and comes off together" Ground.twoFlows
            <| fun (came, leaves) ->
                let recorded =
                    texts
                        HeaderName.RecordRoute
                        (forwarded came leaves (request "sip:bob@example.test" []))

                let way =
                    Routes.strip
                        (Ground.station ())
                        (request "sip:bob@10.1.1.1" (List.rev recorded))

                way.Left = 0 && way.Passage = Passage.Recorded

            Law.holds "an in-dialog request keeps no Route of ours and every other" Ground.twoFlows
            <| fun (came, leaves) ->
                let routes = [ "<sip:edge.example.test:5060;lr>"; "<sip:next.example.net;lr>" ]

                texts HeaderName.Route (forwarded came leaves (request "sip:bob@10.1.1.1" routes)) =
                    routes.Tail

            Law.holds
                "an INVITE leaves with a Record-Route of ours, which is a SIP URI"
                Ground.twoFlows
            <| fun (came, leaves) ->
                let after = forwarded came leaves (request "sip:bob@example.test" [])
                let routes = texts HeaderName.RecordRoute after

                not routes.IsEmpty
                && routes |> List.forall (fun route -> route.StartsWith "<sip:")

            Law.holds
                "a SIPS request is recorded by SIPS URIs, but for listeners that have no TLS"
                Ground.twoFlows
            <| fun (came, leaves) ->
                let isSecure (flow: Flow) =
                    flow.Transport = Transport.Tls || flow.Transport = Transport.Wss

                let heads =
                    [
                        headed "sips:bob@10.1.1.1", "sips:bob@example.test"
                        Heading.Kept, "sips:bob@example.test"
                    ]

                heads
                |> List.forall (fun (heading, uri) ->
                    let after = forwardedTo heading came leaves (request uri [])
                    let routes = texts HeaderName.RecordRoute after
                    let secure = routes |> List.map _.StartsWith("<sips:")

                    match secure with
                    | [ one ] -> one = isSecure leaves
                    | [ outward; inward ] -> outward = isSecure leaves && inward = isSecure came
                    | _ -> false)

            Law.holds
                "a strict router finds itself in the Request-URI and the target last"
                Ground.twoFlows
            <| fun (came, leaves) ->
                let routes = [ "<sip:strict.example.net>"; "<sip:next.example.net;lr>" ]
                let after = forwarded came leaves (request "sip:bob@10.9.9.9" routes)

                (Text.ofBytes after.Bytes).StartsWith("INVITE sip:strict.example.net SIP/2.0")
                && texts HeaderName.Route after = [ routes[1]; "<sip:bob@10.1.1.1>" ]

            Law.holds "what a strict router did to a request is mended" Ground.twoFlows
            <| fun (came, leaves) ->
                let routes = [ "<sip:next.example.net;lr>"; "<sip:bob@10.9.9.9>" ]
                let message = request "sip:edge.example.test:5060;lr" routes
                let way = Routes.strip (Ground.station ()) message

                message.Text way.Uri.Whole = "sip:bob@10.9.9.9"
                && way.Passage = Passage.Recorded
                && texts HeaderName.Route (forwarded came leaves message) = [ routes[0] ]

            Law.holds "the headers of a Route never get into a Request-URI" Ground.twoFlows
            <| fun (came, leaves) ->
                let strict = [ "<sip:strict.example.net?Subject=x>"; "<sip:next.example.net;lr>" ]
                let after = forwarded came leaves (request "sip:bob@10.9.9.9" strict)
                let mended = [ "<sip:next.example.net;lr>"; "<sip:bob@10.9.9.9?Route=x>" ]
                let message = request "sip:edge.example.test:5060;lr" mended
                let way = Routes.strip (Ground.station ()) message

                (Text.ofBytes after.Bytes).StartsWith("INVITE sip:strict.example.net SIP/2.0")
                && message.Text way.Uri.Whole = "sip:bob@10.9.9.9"
        ]
