// RoutingLaws: what is true of every message that is passed on, refused or sent back.

module Sip.Properties.RoutingLaws

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Wire
open Sip.Routing

let private secret = Array.init 32 byte

let private listener index transport port : Listener =
    {
        Id = ListenerId index
        Transport = transport
        Bound =
            {
                Address = Address.ofV4 0x7F000001u
                Port = port
            }
        AdvertisedHost = Host.Name "edge.example.test"
        AdvertisedPort = port
    }

/// A realm with a listener for each transport.
let realm: Realm =
    {
        Domains = [ "example.test" ]
        Listeners =
            [|
                listener 0 Transport.Udp 5060
                listener 1 Transport.Tcp 5060
                listener 2 Transport.Tls 5061
                listener 3 Transport.Ws 8080
                listener 4 Transport.Wss 8443
            |]
        Peers =
            [
                {
                    Transport = Dialled.Udp
                    Host = Host.Name "trunk.example.net"
                    Port = 5060
                    Addresses = [ Address.ofV4 0xC0000264u ]
                }
            ]
        Admittance = Admittance.Authenticated
        Limits = Limits.usual
        Secret = secret
    }

let private flows: Gen<Flow> =
    gen {
        let! index = Gen.choose (0, 4)
        let listener = realm.Listeners[index]
        let! number = Gen.choose (1, Int32.MaxValue)
        let! address = Gen.choose (1, Int32.MaxValue)
        let! port = Gen.choose (1, 65535)

        return
            {
                Listener = listener.Id
                Transport = listener.Transport
                Connection =
                    if listener.Transport = Transport.Udp then
                        0L
                    else
                        int64 number
                Remote =
                    {
                        Address = Address.ofV4 (uint32 address)
                        Port = port
                    }
            }
    }

let private read (bytes: byte[]) =
    match Reading.message Limits.usual (ReadOnlySpan bytes) with
    | Arrival.Message message -> message
    | Arrival.Broken(fault, _) -> failtest $"%A{fault} in\n%s{Text.ofBytes (ReadOnlySpan bytes)}"

let private request (uri: string) (routes: string list) =
    let lines =
        routes |> List.map (fun route -> "Route: " + route + "\r\n") |> String.Concat

    "INVITE "
    + uri
    + " SIP/2.0\r\nVia: SIP/2.0/WS df7jal.invalid;branch=z9hG4bK776;rport;keep\r\n"
    + "Max-Forwards: 70\r\nFrom: <sip:alice@example.test>;tag=1\r\nTo: <sip:bob@example.test>\r\n"
    + "Call-ID: 1@x\r\nCSeq: 1 INVITE\r\n"
    + lines
    + "Contact: <sip:alice@df7jal.invalid;transport=ws>\r\nX-Kept:  as  it is\r\n\r\n"
    |> Text.toBytes
    |> read

let private forwarded (came: Flow) (leaves: Flow) (message: Message) =
    let way =
        Routes.strip
            realm
            (UriView.ofText "sip:bob@10.1.1.1").Value
            (Message.values HeaderName.Route message |> List.map message.Text)

    Forward.bytes
        {
            Realm = realm
            Source = came
            Request = message
            Way = way
            Hop = Hop.Flow leaves
            Leaves = Realm.listener realm leaves.Listener
            Uri = (UriView.ofText "sip:bob@10.1.1.1").Value
            Branch = Branch.derive secret [| 1uy |] 0 message
        }
    |> read

let private texts name message =
    Message.values name message |> List.map (fun slice -> message.Text slice)

let private twoFlows = Arb.fromGen (Gen.two flows)
let private oneFlow = Arb.fromGen flows

let private aliased (flow: Flow) =
    "sip:a@x.invalid;transport=ws;alias=" + Alias.mint secret flow

let private uriOf (text: string) = (UriView.ofText text).Value

let private stranger: Flow =
    {
        Listener = ListenerId 0
        Transport = Transport.Udp
        Connection = 0L
        Remote =
            {
                Address = Address.ofV4 0xCB007109u
                Port = 5060
            }
    }

let private choose text routes =
    Target.choose realm stranger (Routes.strip realm (uriOf text) routes)

let private damaged =
    gen {
        let! flow = flows
        let alias = Alias.mint secret flow
        let! at = Gen.choose (0, alias.Length - 1)
        let! other = Gen.elements [ 'A'; 'b'; '_'; '7'; '~' ]
        let! manner = Gen.choose (0, 3)

        return
            match manner with
            | 0 -> alias.Substring(0, at)
            | 1 -> alias + string other
            | 2 -> alias.Remove(at, 1)
            | _ when alias[at] = other -> ""
            | _ -> alias.Remove(at, 1).Insert(at, string other)
    }

let all =
    testList
        "Routing"
        [
            Law.holds "every forwarded request carries exactly one Via more" twoFlows
            <| fun (came, leaves) ->
                let before = request "sip:bob@example.test" []
                let after = forwarded came leaves before

                List.length (texts HeaderName.Via after) =
                    List.length (texts HeaderName.Via before) + 1

            Law.holds "a request is stamped with the source it came from" twoFlows
            <| fun (came, leaves) ->
                let after = forwarded came leaves (request "sip:bob@example.test" [])
                let second = texts HeaderName.Via after |> List.item 1

                second.EndsWith(
                    ";keep;received="
                    + Address.print came.Remote.Address
                    + ";rport="
                    + string came.Remote.Port,
                    StringComparison.Ordinal
                )

            Law.holds
                "a message that keeps its listener gets one Record-Route, one that changes gets two"
                twoFlows
            <| fun (came, leaves) ->
                let after = forwarded came leaves (request "sip:bob@example.test" [])
                let count = if came.Listener = leaves.Listener then 1 else 2
                List.length (texts HeaderName.RecordRoute after) = count

            Law.holds "a Record-Route pair goes on and comes off together" twoFlows
            <| fun (came, leaves) ->
                let recorded =
                    texts
                        HeaderName.RecordRoute
                        (forwarded came leaves (request "sip:bob@example.test" []))

                let way = Routes.strip realm (uriOf "sip:bob@10.1.1.1") (List.rev recorded)
                way.Remaining = [] && way.Passage = Passage.Recorded

            Law.holds "an in-dialog request keeps no Route of ours and every other" twoFlows
            <| fun (came, leaves) ->
                let routes = [ "<sip:edge.example.test:5060;lr>"; "<sip:next.example.net;lr>" ]

                texts HeaderName.Route (forwarded came leaves (request "sip:bob@10.1.1.1" routes)) =
                    routes.Tail

            Law.holds "a field that no step names leaves byte for byte" twoFlows
            <| fun (came, leaves) ->
                let after = forwarded came leaves (request "sip:bob@example.test" [])
                (Text.ofBytes after.Bytes).Contains "\r\nX-Kept:  as  it is\r\n"

            Law.holds "a response that comes back has one Via less, and it is the client's" twoFlows
            <| fun (came, leaves) ->
                let asked = forwarded came leaves (request "sip:bob@example.test" [])
                let answer = Reply.make secret leaves.Remote asked Status.ok "OK" [] |> read
                let back = Return.bytes realm leaves came answer |> read
                texts HeaderName.Via back = List.tail (texts HeaderName.Via asked)

            Law.holds "following an alias we minted reaches the flow it was minted for" oneFlow
            <| fun flow -> Alias.follow secret (Alias.mint secret flow) = Followed.Leads flow

            Law.holds "an alias we did not mint is never followed" (Arb.fromGen damaged)
            <| fun alias -> Alias.follow secret alias = Followed.Foreign

            Law.holds "the Contact of a client leads back to its flow" twoFlows
            <| fun (came, leaves) ->
                let after = forwarded came leaves (request "sip:bob@example.test" [])
                let contact = texts HeaderName.Contact after |> List.exactlyOne

                match choose (contact.Trim('<', '>')) [] with
                | Target.Along(Hop.Flow flow, Uri.Sip uri) ->
                    flow = came && not (Parameters.has "alias" uri.Parameters)
                | Target.Along _
                | Target.Server
                | Target.User _
                | Target.Ending _
                | Target.Nobody _ -> false

            Law.holds
                "no Route or Request-URI takes us to an address we were not configured for"
                (Arb.fromGen (Gen.two Messages.uri))
            <| fun (uri, route) ->
                let isOutside target =
                    match target with
                    | Target.Along(hop, _) -> not (Realm.leadsToPeer realm hop)
                    | Target.Ending _ -> true
                    | Target.Server
                    | Target.User _
                    | Target.Nobody _ -> false

                not (isOutside (choose uri []))
                && not (isOutside (choose uri [ "<" + route + ">" ]))

            Law.holds
                "a request that went in a circle is refused, one that changed is let through"
                twoFlows
            <| fun (came, leaves) ->
                let before = request "sip:bob@example.test" []

                let onward =
                    (Text.ofBytes (forwarded came leaves before).Bytes)
                        .Replace("INVITE sip:bob@10.1.1.1 ", "INVITE sip:bob@example.test ")

                let circled = read (Text.toBytes onward)

                let spiral =
                    read (
                        Text.toBytes (
                            onward.Replace("sip:bob@example.test SIP", "sip:carol@example.test SIP")
                        )
                    )

                Branch.hasLooped realm circled && not (Branch.hasLooped realm spiral)

            Law.holds "the same request gets the same tag and the same branch" oneFlow
            <| fun _ ->
                let one = request "sip:bob@example.test" []
                let two = request "sip:bob@example.test" []

                Branch.tag secret one = Branch.tag secret two
                && Branch.derive secret [| 7uy |] 1 one = Branch.derive secret [| 7uy |] 1 two
                && Branch.derive secret [| 7uy |] 1 one <> Branch.derive secret [| 7uy |] 2 one
        ]
