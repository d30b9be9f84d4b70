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
        Admits = Admits.Anybody
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
                    Proof = PeerProof.Address
                }
            ]
        Home = ValueNone
        Barred = []
        Metering = Identity.Metering.usual
        Bearing = Identity.Bearing.Nowhere
        Algorithms = Identity.Algorithm.usual
        Admittance = Admittance.Authenticated
        Inbound = Inbound.Known
        Limits = Limits.usual
        Secret = secret
        Node = 0u
        Epoch = 1UL
        Born = 1_800_000_000L<s>
    }

/// Who seals for it.
let mint = Mint.ofRealm realm

let private now = Instant.FromMilliseconds 0L

// A station belongs to one thread, and laws are tried on several.
let private stations =
    new Threading.ThreadLocal<Station>(fun () -> Station.ofRealm realm)

/// The realm made ready.
let station () = stations.Value

/// A flow from there to the listener of that transport; a datagram's is no connection.
let flow (transport: Transport) (connection: int64) (address: Address) (port: int) : Flow =
    let listener = realm.Listeners |> Array.find (fun one -> one.Transport = transport)

    {
        Listener = listener.Id
        Transport = transport
        Connection = if transport = Transport.Udp then 0L else connection
        Remote = { Address = address; Port = port }
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

let private requestBytes (uri: string) (routes: string list) =
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

/// A request to this URI along these Routes, within a dialog.
let request (uri: string) (routes: string list) = read (requestBytes uri routes)

/// A Request-URI that reading refuses takes nobody anywhere.
let private tryRequest (uri: string) (routes: string list) =
    match Reading.message Limits.usual (ReadOnlySpan(requestBytes uri routes)) with
    | Arrival.Message message -> Some message
    | Arrival.Broken _ -> None

/// A request as it goes on from one flow to another.
let private forwardedTo (heading: Heading) (came: Flow) (leaves: Flow) (message: Message) =
    let outgoing =
        {
            Station = station ()
            Source = (station ()).Flows.Of came
            Request = message
            Way = Routes.strip (station ()) message
            Hop = Hop.Flow leaves
            Leaves = Realm.listener realm leaves.Listener
            Heading = heading
            Path = ReadOnlyMemory.Empty
            Breadth = 60
            Towards = Standing.Client
            Asserted = []
            Transaction = Prf.hash (station ()).TransactionKey (ReadOnlySpan "1"B)
            Index = 0
        }

    let edits = Edits()
    Forward.write edits &outgoing
    read (Patch.toBytes edits message)

let private headed (uri: string) =
    Heading.Written(ReadOnlyMemory(Text.toBytes uri))

let forwarded = forwardedTo (headed "sip:bob@10.1.1.1")

let private written (write: Octets -> unit) =
    let out = Octets 64
    write out
    Text.ofBytes out.Written

let private returned (came: Flow) (back: Flow) (response: Message) =
    let edits = Edits()

    Return.write
        (station ())
        edits
        ((station ()).Flows.Of came)
        []
        ((station ()).Flows.Of back)
        response

    read (Patch.toBytes edits response)

let private answered (source: Flow) (request: Message) =
    let out = Octets 64
    Reply.write (station ()) ((station ()).Flows.Of source) request Status.ok "OK" [] out
    read (out.Written.ToArray())

/// The values of a field.
let texts name message =
    Message.values name message |> List.map (fun slice -> message.Text slice)

/// Any two flows.
let twoFlows = Arb.fromGen (Gen.two flows)
let private oneFlow = Arb.fromGen flows

let private aliased (flow: Flow) =
    "sip:a@x.invalid;transport=ws;alias=" + Alias.mint mint flow

/// Somebody whom nobody knows.
let stranger: Flow =
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

let private targetOf (request: Message) =
    Target.choose (station ()) ValueSome stranger request (Routes.strip (station ()) request)

let private nowhere = Target.Nobody Refusal.NotOurs

let private damaged =
    gen {
        let! flow = flows
        let alias = Alias.mint mint flow
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
            Law.holds "every forwarded request says its breadth once" twoFlows
            <| fun (came, leaves) ->
                let text = Text.ofBytes (ReadOnlySpan(requestBytes "sip:bob@example.test" []))

                [ ""; "Max-Breadth: 70\r\n"; "max-breadth:5\r\n"; "Max-Breadth:\r\n" ]
                |> List.forall (fun line ->
                    let asked = read (Text.toBytes (text.Replace("Contact:", line + "Contact:")))
                    texts HeaderName.MaxBreadth (forwarded came leaves asked) = [ "60" ])

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
                "a message gets one Record-Route, two when it changes its listener or goes between connections"
                twoFlows
            <| fun (came, leaves) ->
                let after = forwarded came leaves (request "sip:bob@example.test" [])

                let between = Flow.isConnection came && Flow.isConnection leaves

                let count =
                    if came.Listener = leaves.Listener && not between then
                        1
                    else
                        2

                List.length (texts HeaderName.RecordRoute after) = count

            Law.holds "a Record-Route pair goes on and comes off together" twoFlows
            <| fun (came, leaves) ->
                let recorded =
                    texts
                        HeaderName.RecordRoute
                        (forwarded came leaves (request "sip:bob@example.test" []))

                let way = Routes.strip (station ()) (request "sip:bob@10.1.1.1" (List.rev recorded))

                way.Left = 0 && way.Passage = Passage.Recorded

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
                let back = returned leaves came (answered leaves asked)
                texts HeaderName.Via back = List.tail (texts HeaderName.Via asked)

            Law.holds "following an alias we minted reaches the flow it was minted for" oneFlow
            <| fun flow -> FlowToken.trace mint now (Alias.mint mint flow) = Traced.Leads flow

            Law.holds "an alias we did not mint is never followed" (Arb.fromGen damaged)
            <| fun alias -> FlowToken.trace mint now alias = Traced.Forged

            Law.holds "the Contact of a client leads back to its flow" twoFlows
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

            Law.holds "a client sees its own Contact in the Request-URI, without our alias" twoFlows
            <| fun (came, leaves) ->
                let contact = "sip:alice@df7jal.invalid;transport=ws"
                let bytes = requestBytes (contact + ";alias=" + Alias.mint mint came + ";x=/") []
                let message = read bytes

                let outgoing =
                    {
                        Station = station ()
                        Source = (station ()).Flows.Of leaves
                        Request = message
                        Way = Routes.strip (station ()) message
                        Hop = Hop.Flow came
                        Leaves = Realm.listener realm came.Listener
                        Heading = Heading.Unaliased
                        Path = ReadOnlyMemory.Empty
                        Breadth = 60
                        Towards = Standing.Client
                        Asserted = []
                        Transaction = Prf.hash (station ()).TransactionKey (ReadOnlySpan "1"B)
                        Index = 0
                    }

                let edits = Edits()
                Forward.write edits &outgoing

                (Text.ofBytes (ReadOnlySpan(Patch.toBytes edits message)))
                    .StartsWith("INVITE " + contact + ";x=/ SIP/2.0", StringComparison.Ordinal)

            Law.holds "a strict router finds itself in the Request-URI and the target last" twoFlows
            <| fun (came, leaves) ->
                let routes = [ "<sip:strict.example.net>"; "<sip:next.example.net;lr>" ]
                let after = forwarded came leaves (request "sip:bob@10.9.9.9" routes)

                (Text.ofBytes after.Bytes).StartsWith("INVITE sip:strict.example.net SIP/2.0")
                && texts HeaderName.Route after = [ routes[1]; "<sip:bob@10.1.1.1>" ]

            Law.holds "what a strict router did to a request is mended" twoFlows
            <| fun (came, leaves) ->
                let routes = [ "<sip:next.example.net;lr>"; "<sip:bob@10.9.9.9>" ]
                let message = request "sip:edge.example.test:5060;lr" routes
                let way = Routes.strip (station ()) message

                message.Text way.Uri.Whole = "sip:bob@10.9.9.9"
                && way.Passage = Passage.Recorded
                && texts HeaderName.Route (forwarded came leaves message) = [ routes[0] ]

            Law.holds "the headers of a Route never get into a Request-URI" twoFlows
            <| fun (came, leaves) ->
                let strict = [ "<sip:strict.example.net?Subject=x>"; "<sip:next.example.net;lr>" ]
                let after = forwarded came leaves (request "sip:bob@10.9.9.9" strict)
                let mended = [ "<sip:next.example.net;lr>"; "<sip:bob@10.9.9.9?Route=x>" ]
                let message = request "sip:edge.example.test:5060;lr" mended
                let way = Routes.strip (station ()) message

                (Text.ofBytes after.Bytes).StartsWith("INVITE sip:strict.example.net SIP/2.0")
                && message.Text way.Uri.Whole = "sip:bob@10.9.9.9"

            Law.holds
                "no Route or Request-URI takes us to an address we were not configured for"
                (Arb.fromGen (Gen.two Messages.uri))
            <| fun (uri, route) ->
                let isOutside request =
                    match targetOf request with
                    | Target.Along(hop, _) -> not (Realm.leadsToPeer realm hop)
                    | Target.Sought(uris, _) -> not (List.forall (Realm.namesPeer realm) uris)
                    | Target.Ending _ -> true
                    | Target.Server
                    | Target.User
                    | Target.Instance
                    | Target.Nobody _ -> false

                not (Option.exists isOutside (tryRequest uri []))
                && not (Option.exists isOutside (tryRequest uri [ "<" + route + ">" ]))

            Law.holds "a Route that is no SIP URI leads nowhere" twoFlows
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
                    Station.owns (station ()) (ReadOnlySpan bytes) view.Value = Realm.owns realm uri
                | ValueSome _
                | ValueNone -> false

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

                Branch.hasLooped (station ()) circled
                && not (Branch.hasLooped (station ()) spiral)

            Law.holds "the same request gets the same tag and the same branch" oneFlow
            <| fun _ ->
                let one = request "sip:bob@example.test" []
                let two = request "sip:bob@example.test" []

                let mark = Prf.hash (station ()).TransactionKey (ReadOnlySpan "7"B)

                let branch index message =
                    written (Branch.derive (station ()) mark index message)

                written (Branch.tag (station ()) one) = written (Branch.tag (station ()) two)
                && branch 1 one = branch 1 two
                && branch 1 one <> branch 2 one

            Law.holds "a branch begins with the cookie, and those of two targets differ" twoFlows
            <| fun (came, leaves) ->
                let asked = request "sip:bob@example.test" []
                let mark = Prf.hash (station ()).TransactionKey (ReadOnlySpan "7"B)

                let branch index =
                    written (Branch.derive (station ()) mark index asked)

                let after = forwarded came leaves asked

                after.Text((Message.topVia after).Value.Branch).StartsWith "z9hG4bK"
                && List.length (List.distinct [ for index in 0..63 -> branch index ]) = 64

            Law.holds "an INVITE leaves with a Record-Route of ours, which is a SIP URI" twoFlows
            <| fun (came, leaves) ->
                let after = forwarded came leaves (request "sip:bob@example.test" [])
                let routes = texts HeaderName.RecordRoute after

                not routes.IsEmpty
                && routes |> List.forall (fun route -> route.StartsWith "<sip:")

            Law.holds
                "a SIPS request is recorded by SIPS URIs, but for listeners that have no TLS"
                twoFlows
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

            Law.holds "a request without Max-Forwards leaves with 70" twoFlows
            <| fun (came, leaves) ->
                let text = Text.ofBytes (ReadOnlySpan(requestBytes "sip:bob@example.test" []))
                let asked = read (Text.toBytes (text.Replace("Max-Forwards: 70\r\n", "")))
                texts HeaderName.MaxForwards (forwarded came leaves asked) = [ "70" ]

            Law.holds "on a stream a request says how long its body is" twoFlows
            <| fun (came, leaves) ->
                let text = Text.ofBytes (ReadOnlySpan(requestBytes "sip:bob@example.test" []))
                let after = forwarded came leaves (read (Text.toBytes (text + "v=0\r\n")))

                match leaves.Transport with
                | Transport.Tcp
                | Transport.Tls -> texts HeaderName.ContentLength after = [ "5" ]
                | Transport.Udp
                | Transport.Ws
                | Transport.Wss -> (texts HeaderName.ContentLength after).IsEmpty

            // RFC 5393 §4.2.1: a CANCEL has the branch of what it cancels.
            Law.holds "a branch depends on the number of a CSeq, not on its method" oneFlow
            <| fun _ ->
                let text = Text.ofBytes (ReadOnlySpan(requestBytes "sip:bob@example.test" []))
                let mark = Prf.hash (station ()).TransactionKey (ReadOnlySpan "7"B)

                let branch (text: string) =
                    written (Branch.derive (station ()) mark 0 (read (Text.toBytes text)))

                branch (text.Replace("INVITE", "CANCEL")) = branch text
                && branch (text.Replace("CSeq: 1", "CSeq: 2")) <> branch text

            Law.holds "our own tag is known again, and no other is" oneFlow
            <| fun flow ->
                let asked = request "sip:bob@example.test" []
                let bytes = requestBytes "sip:bob@example.test" []
                let tag = (answered flow asked).Text(Message.toTag (answered flow asked))

                let back (tag: string) =
                    (Text.ofBytes (ReadOnlySpan bytes))
                        .Replace(
                            "To: <sip:bob@example.test>",
                            "To: <sip:bob@example.test>;tag=" + tag
                        )
                    |> Text.toBytes
                    |> read

                Branch.isTagged (station ()) (back tag)
                && not (Branch.isTagged (station ()) (back (tag + "x")))
                && not (Branch.isTagged (station ()) asked)

            Law.holds "an alias is followed alike whether it is remembered or not" twoFlows
            <| fun (one, other) ->
                // Two flows do not fit into a memory of one: each of these forgets.
                let small = FlowTexts(realm, 1)
                let alias (flow: Flow) = Text.toBytes (Alias.mint mint flow)

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
            <| fun alias -> ((station ()).Flows.Follow(ReadOnlySpan(Text.toBytes alias))).IsForged
        ]
