// RoutingLaws: where a request goes: along an alias that we minted, to whom we are configured for, and nowhere else.

module Sip.Properties.RoutingLaws

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Properties.Crossing

/// A Request-URI that reading refuses takes nobody anywhere.
let private tryRequest (uri: string) (routes: string list) =
    match Reading.message Limits.usual (ReadOnlySpan(Text.toBytes (requestText uri routes))) with
    | Arrival.Message message -> Some message
    | Arrival.Broken _ -> None

let private targetOf (request: Message) =
    let station = Ground.station ()
    Target.choose station ValueSome Ground.stranger request (Routes.strip station request)

let private nowhere = Target.Nobody Refusal.NotOurs

let private damaged =
    Ground.oneFlow.Generator >>= (Alias.mint Ground.mint >> Messages.damagedToken)

/// Every law.
let all: Test =
    testList
        "Routing"
        [
            Law.holds
                "following an alias we minted reaches the flow it was minted for"
                Ground.oneFlow
            <| fun flow ->
                FlowToken.trace Ground.mint (Ground.at 0L) (Alias.mint Ground.mint flow) =
                    Traced.Leads flow

            Law.holds "an alias we did not mint is never followed" (Arb.fromGen damaged)
            <| fun alias -> FlowToken.trace Ground.mint (Ground.at 0L) alias = Traced.Forged

            Law.holds "an alias is followed alike whether it is remembered or not" Ground.twoFlows
            <| fun (one, other) ->
                // Two flows do not fit into a memory of one: each of these forgets.
                let small = FlowTexts(Ground.realm, 1)

                let alias (flow: Flow) =
                    Text.toBytes (Alias.mint Ground.mint flow)

                let follows (flow: Flow) =
                    match small.Follow(ReadOnlySpan(alias flow)) with
                    | Followed.Leads text -> text.Flow = flow && text.Alias = alias flow
                    | Followed.Elsewhere _
                    | Followed.Dead
                    | Followed.Forged -> false

                List.forall follows [ one; one; other; one; other; other ]

            Law.holds
                "an alias we did not mint is not followed from memory either"
                (Arb.fromGen damaged)
            <| fun alias ->
                ((Ground.station ()).Flows.Follow(ReadOnlySpan(Text.toBytes alias))).IsForged

            Law.holds "the Contact of a client leads back to its flow" Ground.twoFlows
            <| fun (came, leaves) ->
                let after = forwarded came leaves (request "sip:bob@example.test" [])
                let contact = texts HeaderName.Contact after |> List.exactlyOne

                let follow = request (contact.Trim('<', '>')) []

                match targetOf follow with
                | Target.Along(Hop.Flow flow, Heading.Unaliased) -> flow = came
                | Target.Along _
                | Target.Server
                | Target.User
                | Target.Sought _
                | Target.Instance
                | Target.Ending _
                | Target.Nobody _ -> false

            Law.holds
                "no Route or Request-URI takes us to an address we were not configured for"
                (Arb.fromGen (Gen.two Messages.uri))
            <| fun (uri, route) ->
                let isOutside request =
                    match targetOf request with
                    | Target.Along(hop, _) -> not (Realm.leadsToPeer Ground.realm hop)
                    | Target.Sought(uris, _) ->
                        not (List.forall (Realm.namesPeer Ground.realm) uris)
                    | Target.Ending _ -> true
                    | Target.Server
                    | Target.User
                    | Target.Instance
                    | Target.Nobody _ -> false

                not (Option.exists isOutside (tryRequest uri []))
                && not (Option.exists isOutside (tryRequest uri [ "<" + route + ">" ]))

            Law.holds "a Route that is no SIP URI leads nowhere" Ground.twoFlows
            <| fun _ ->
                List.forall
                    (fun route -> targetOf (request "sip:bob@10.9.9.9" [ route ]) = nowhere)
                    [ "nonsense"; "<tel:+1>"; "" ]

            Law.holds "what is ours in a view is ours in its noun" (Arb.fromGen Messages.uri)
            <| fun text ->
                let bytes = Text.toBytes text
                let view = UriView.read (ReadOnlySpan bytes) (Slice.between 0 bytes.Length)

                match UriView.ofText text with
                | ValueSome(Uri.Sip uri) ->
                    Station.owns (Ground.station ()) (ReadOnlySpan bytes) view.Value =
                        Realm.owns Ground.realm uri
                | ValueSome _
                | ValueNone -> false
        ]
