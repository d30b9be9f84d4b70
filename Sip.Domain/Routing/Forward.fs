// Forward: the request as it goes on: RFC 3261 §16.6 as a list of rewrites in its order. Each is a
// few edits over the bytes that came; what no step names leaves as it was.

namespace Sip.Routing

open System
open Sip
open Sip.Wire

/// One copy of a request on its way to one target.
type Outgoing =
    {
        Realm: Realm
        /// Where the request came from.
        Source: Flow
        Request: Message
        Way: Way
        Hop: Hop
        /// The listener that the copy leaves by.
        Leaves: Listener
        /// The Request-URI that the target shall see.
        Uri: Uri
        Branch: string
    }

/// Rewriting requests.
[<RequireQualifiedAccess>]
module Forward =

    type private Step = Outgoing -> Edit list

    let private methodOf (request: Message) =
        match request.Start with
        | StartLine.Request(method, _, _) -> method
        | StartLine.Response _ -> Method.Other

    // §16.6 step 6: a strict router finds itself in the Request-URI and the target in the last Route.
    let private headed (outgoing: Outgoing) : struct (Uri * string list) =
        match Routes.next outgoing.Way with
        | ValueSome route when Routes.nextIsStrict outgoing.Way ->
            let target = NameAddr.print (NameAddr.ofUri outgoing.Uri)
            struct (Uri.Sip route, List.tail outgoing.Way.Remaining @ [ target ])
        | ValueSome _
        | ValueNone -> struct (outgoing.Uri, outgoing.Way.Remaining)

    // 2. Request-URI
    let private requestUri: Step =
        fun outgoing ->
            match outgoing.Request.Start with
            | StartLine.Request(_, _, written) ->
                let struct (uri, _) = headed outgoing
                let text = Uri.print uri

                if text = outgoing.Request.Text written.Whole then
                    []
                else
                    [ Patch.replace written.Whole text ]
            | StartLine.Response _ -> []

    // 3. Max-Forwards
    let private spendHop: Step =
        fun outgoing ->
            let field = Message.field HeaderName.MaxForwards outgoing.Request

            if field.Value.IsThere then
                let left = Message.number HeaderName.MaxForwards outgoing.Request - 1L
                [ Patch.replace field.Value (string (max 0L left)) ]
            else
                [ Patch.fieldAtEnd outgoing.Request HeaderName.MaxForwards "70" ]

    // 4. Record-Route, where a dialog may begin or be refreshed
    let private recordRoute: Step =
        fun outgoing ->
            match methodOf outgoing.Request with
            | Method.Invite
            | Method.Subscribe
            | Method.Refer
            | Method.Notify
            | Method.Update ->
                let inward = Realm.listener outgoing.Realm outgoing.Source.Listener
                let values = RecordRoute.values inward outgoing.Leaves
                let first = Message.field HeaderName.RecordRoute outgoing.Request

                let place =
                    if first.Line.IsThere then
                        first
                    else
                        Message.field HeaderName.Via outgoing.Request

                List.map (Patch.fieldBefore place HeaderName.RecordRoute) values
            | Method.Ack
            | Method.Bye
            | Method.Cancel
            | Method.Register
            | Method.Options
            | Method.Message
            | Method.Info
            | Method.Prack
            | Method.Publish
            | Method.Other -> []

    let private fieldsOf (name: HeaderName) (request: Message) : Field list =
        let fields = request.Fields
        let mutable found = []

        for i in fields.Length - 1 .. -1 .. 0 do
            if fields[i].Name = name then
                found <- fields[i] :: found

        found

    // 6. Route: ours are off, and a strict router's is in the Request-URI
    let private routes: Step =
        fun outgoing ->
            let struct (_, remaining) = headed outgoing
            let written = Message.values HeaderName.Route outgoing.Request

            if List.map outgoing.Request.Text written = remaining then
                []
            else
                let removed =
                    fieldsOf HeaderName.Route outgoing.Request |> List.map Patch.removeField

                match remaining with
                | [] -> removed
                | _ ->
                    let value = String.Join(", ", remaining)
                    let via = Message.field HeaderName.Via outgoing.Request
                    Patch.fieldBefore via HeaderName.Route value :: removed

    // 8. Via: ours on top, and the one below stamped with the true source
    let private via: Step =
        fun outgoing ->
            let top = Message.field HeaderName.Via outgoing.Request

            let ours =
                {
                    Transport = Transport.inVia outgoing.Leaves.Transport
                    Host = outgoing.Leaves.AdvertisedHost
                    Port = ValueSome outgoing.Leaves.AdvertisedPort
                    Parameters =
                        [
                            {
                                Name = "branch"
                                Value = ValueSome outgoing.Branch
                            }
                        ]
                }

            Patch.fieldBefore top HeaderName.Via (Via.print ours)
            :: Received.stamp outgoing.Source.Remote outgoing.Request

    // 9. Content-Length, which a stream must have and a datagram or a WebSocket message need not
    let private contentLength: Step =
        fun outgoing ->
            match Hop.transport outgoing.Hop with
            | Transport.Tcp
            | Transport.Tls when
                not (Message.value HeaderName.ContentLength outgoing.Request).IsThere
                ->
                [
                    Patch.fieldAtEnd
                        outgoing.Request
                        HeaderName.ContentLength
                        (string outgoing.Request.Body.Length)
                ]
            | Transport.Tcp
            | Transport.Tls
            | Transport.Udp
            | Transport.Ws
            | Transport.Wss -> []

    let private contact: Step =
        fun outgoing -> ContactAlias.put outgoing.Realm outgoing.Source outgoing.Request

    // §22.3: credentials for our realm end here. They are of use to nobody beyond, but to somebody who
    // would guess the password at leisure.
    let private credentials: Step =
        fun outgoing ->
            let ours = String.Concat("realm=\"", Realm.name outgoing.Realm, "\"")

            fieldsOf HeaderName.ProxyAuthorization outgoing.Request
            |> List.filter (fun field ->
                (outgoing.Request.Text field.Value).Contains(ours, StringComparison.Ordinal))
            |> List.map Patch.removeField

    let private steps: Step list =
        [
            requestUri
            spendHop
            recordRoute
            contact
            credentials
            routes
            via
            contentLength
        ]

    /// The bytes of the copy.
    let bytes (outgoing: Outgoing) : byte[] =
        Patch.apply outgoing.Request (List.collect (fun step -> step outgoing) steps)
