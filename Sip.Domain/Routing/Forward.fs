// Forward: the request as it goes on: RFC 3261 §16.6 as a list of rewrites in its order. Each is a
// few edits over the bytes that came; what no step names leaves as it was. HOT.

namespace Sip.Routing

open System
open Sip
open Sip.Wire

/// One copy of a request on its way to one target.
[<Struct; NoEquality; NoComparison>]
type Outgoing =
    {
        Station: Station
        /// Where the request came from.
        Source: FlowText
        Request: Message
        Way: Way
        /// Where the copy goes next, and the listener that it leaves by.
        Hop: Hop
        Leaves: Listener
        /// The Request-URI that the target shall see.
        Heading: Heading
        /// The Routes that lead there, where the request has none of its own; may be empty.
        Path: ReadOnlyMemory<byte>
        /// How many branches the copy may have at once, all the way down.
        Breadth: int
        /// Whether it goes to a peer, who is told who the client is.
        Towards: Standing
        /// Who has registered over the connection that it came by.
        Asserted: Asserted list
        /// The transaction that the request belongs to, and which of its copies this is.
        Transaction: Mark
        Index: int
    }

/// Rewriting requests.
[<RequireQualifiedAccess>]
module Forward =

    let private alias = Text.toBytes Alias.parameter
    let private opening = "<"B
    let private closing = ">\r\n"B
    let private lineEnd = "\r\n"B

    /// Puts the URI that the target shall see into the edit begun last.
    let private putHeading (edits: Edits) (outgoing: inref<Outgoing>) =
        let all = outgoing.Request.Bytes
        let uri = outgoing.Way.Uri

        match outgoing.Heading with
        | Heading.Written text -> Patch.put edits text.Span
        | Heading.Kept -> Patch.put edits (Slice.bytes all uri.Whole)
        | Heading.Unaliased ->
            let found = UriView.parameter all uri alias
            let before = Slice.between uri.Whole.Start (found.Name.Start - 1)
            Patch.put edits (Slice.bytes all before)
            Patch.put edits (Slice.bytes all (Slice.between found.Next uri.Whole.End))

    // 2. Request-URI; §16.6 step 6: that of a strict router is its own.
    let private requestUri (edits: Edits) (outgoing: inref<Outgoing>) (strict: UriView) =
        match outgoing.Request.Start, outgoing.Heading, outgoing.Way.Mending with
        | StartLine.Request(_, _, written), _, _ when strict.Whole.IsThere ->
            Patch.replace edits written.Whole (outgoing.Request.Slice strict.Whole)
        | StartLine.Request _, Heading.Kept, Mending.Whole -> ()
        | StartLine.Request(_, _, written), _, _ ->
            Patch.remove edits written.Whole
            putHeading edits &outgoing
        | StartLine.Response _, _, _ -> ()

    // 3. Max-Forwards
    let private spendHop (edits: Edits) (outgoing: inref<Outgoing>) =
        let field = Message.field HeaderName.MaxForwards outgoing.Request

        if field.Value.IsThere then
            let left = Message.number HeaderName.MaxForwards outgoing.Request - 1L
            Patch.remove edits field.Value
            Patch.putNumber edits (max 0L left)
        else
            Patch.fieldAtEnd edits outgoing.Request HeaderName.MaxForwards "70"

    // RFC 5393 §5.3.3: every copy says its breadth once.
    let private breadth (edits: Edits) (outgoing: inref<Outgoing>) =
        let request = outgoing.Request
        let field = Message.field HeaderName.MaxBreadth request

        if field.Value.Length > 0 then
            Patch.remove edits field.Value
            Patch.putNumber edits (int64 outgoing.Breadth)
        else
            if field.Line.IsThere then
                Patch.remove edits field.Line

            Patch.beginField edits (Patch.endOfHead request) HeaderName.MaxBreadth
            Patch.putNumber edits (int64 outgoing.Breadth)
            Patch.endField edits

    let private noToken: byte[] = [||]

    // Only a connection has a token to be recorded by.
    let private tokenOf (station: Station) (hop: Hop) : byte[] =
        match hop with
        | Hop.Flow flow when Flow.isConnection flow -> (station.Flows.Of flow).Token
        | Hop.Flow _
        | Hop.Dial _ -> noToken

    let private sips = "sips:"B

    /// The scheme that the copy is bound to: SIPS where its Request-URI or the Route next to it is.
    let private schemeOf (outgoing: inref<Outgoing>) (next: UriView) : Scheme =
        let isHeaded =
            match outgoing.Heading with
            | Heading.Written text -> text.Span.StartsWith(ReadOnlySpan sips)
            | Heading.Kept
            | Heading.Unaliased -> outgoing.Way.Uri.Kind = UriKind.Sips

        if isHeaded || (next.Whole.IsThere && next.Kind = UriKind.Sips) then
            Scheme.Sips
        else
            Scheme.Sip

    // 4. Record-Route, where a dialog may begin or be refreshed
    let private recordRoute (edits: Edits) (outgoing: inref<Outgoing>) (next: UriView) =
        match Message.method outgoing.Request with
        | Method.Invite
        | Method.Subscribe
        | Method.Refer
        | Method.Notify
        | Method.Update ->
            let (ListenerId inward) = outgoing.Source.Flow.Listener
            let (ListenerId outward) = outgoing.Leaves.Id
            let first = Message.field HeaderName.RecordRoute outgoing.Request

            let place =
                if first.Line.IsThere then
                    first
                else
                    Message.field HeaderName.Via outgoing.Request

            let lines = outgoing.Station.RecordLines

            RecordRoute.insert
                edits
                place.Line.Start
                (schemeOf &outgoing next)
                lines[inward]
                outgoing.Source.Token
                lines[outward]
                (tokenOf outgoing.Station outgoing.Hop)
        | Method.Ack
        | Method.Bye
        | Method.Cancel
        | Method.Register
        | Method.Options
        | Method.Message
        | Method.Info
        | Method.Prack
        | Method.Publish
        | Method.Other -> ()

    /// Leaves of one Route field the values from `first` up to, not including, `stop`, counted over
    /// all fields; returns how many values this field has.
    let private keep (edits: Edits) (request: Message) (field: Field) at first stop =
        let all = request.Bytes
        let mutable count = 0
        let mutable start = -1
        let mutable end' = -1
        let mutable from = field.Value.Start

        while from <= field.Value.End do
            let comma = Values.endOfFirst all from field.Value.End

            if at + count >= first && at + count < stop then
                start <- if start < 0 then from else start
                end' <- comma

            count <- count + 1
            from <- comma + 1

        if start < 0 then
            Patch.remove edits field.Line
        else
            if start > field.Value.Start then
                Patch.remove
                    edits
                    (Slice.between field.Value.Start (Slice.skipSpace all start end'))

            if end' < field.Value.End then
                Patch.remove edits (Slice.between end' field.Value.End)

        count

    // 6. Route: ours are off; a strict router's is in the Request-URI, and the target stands last.
    let private routes (edits: Edits) (outgoing: inref<Outgoing>) (strict: UriView) =
        let request = outgoing.Request
        let way = outgoing.Way
        let first = if strict.Whole.IsThere then way.Off + 1 else way.Off

        if first > 0 || way.Mending = Mending.Mended then
            let mutable field = Message.field HeaderName.Route request
            let mutable at = keep edits request field 0 first (way.Off + way.Left)

            while field.Next >= 0 do
                field <- request.Fields[field.Next]
                at <- at + keep edits request field at first (way.Off + way.Left)

            if strict.Whole.IsThere then
                Patch.beginField edits field.Line.End HeaderName.Route
                Patch.put edits (ReadOnlySpan opening)
                putHeading edits &outgoing
                Patch.put edits (ReadOnlySpan closing)

    // RFC 3327 §5.3: the Path of a binding is the Route of what goes to it.
    let private path (edits: Edits) (outgoing: inref<Outgoing>) =
        if outgoing.Path.Length > 0 then
            let via = Message.field HeaderName.Via outgoing.Request
            Patch.beginField edits via.Line.Start HeaderName.Route
            Patch.put edits outgoing.Path.Span
            Patch.endField edits

    // 8. Via: ours on top, and the one below stamped with the true source
    let private via (edits: Edits) (outgoing: inref<Outgoing>) =
        let top = Message.field HeaderName.Via outgoing.Request
        let (ListenerId outward) = outgoing.Leaves.Id
        let ours = outgoing.Station.Vias[outward]
        Patch.insert edits top.Line.Start (ReadOnlySpan ours)

        Branch.derive
            outgoing.Station
            outgoing.Transaction
            outgoing.Index
            outgoing.Request
            (Patch.inserted edits)

        match outgoing.Towards with
        | Standing.Peer -> Patch.put edits (ReadOnlySpan OverloadControl.offer)
        | Standing.Client -> ()

        Patch.put edits (ReadOnlySpan lineEnd)
        Received.stamp edits outgoing.Source outgoing.Request

    // A client's registration on its way to the registrar behind us says how the client is reached.
    let private isHomeward (outgoing: inref<Outgoing>) =
        outgoing.Towards = Standing.Peer
        && outgoing.Source.Standing = Standing.Client
        && Message.method outgoing.Request = Method.Register

    let private contact (edits: Edits) (outgoing: inref<Outgoing>) =
        match outgoing.Station.Realm.Home with
        | ValueSome home when isHomeward &outgoing ->
            EdgeRegister.put
                edits
                outgoing.Station
                home
                outgoing.Source
                outgoing.Leaves
                outgoing.Request
        | ValueSome _
        | ValueNone -> ContactAlias.put outgoing.Station edits outgoing.Source outgoing.Request

    let private bearer = "Bearer "B

    let private isToken (value: ReadOnlySpan<byte>) : bool =
        value.Length >= bearer.Length
        && Text.same (value.Slice(0, bearer.Length)) (ReadOnlySpan bearer)

    // Whether tokens are for us and not for the registrar behind us.
    let private isBorne (realm: Realm) : bool =
        match realm.Bearing with
        | Identity.Bearing.Nowhere -> false
        | Identity.Bearing.Secured _
        | Identity.Bearing.UnsafeAnywhere _ -> realm.Home.IsNone

    // §22.3: credentials for our realm end here. They are of use to nobody beyond, but to somebody who
    // would guess the password at leisure; and whoever gets a token could be the user (RFC 8898 §5).
    let private credentials (edits: Edits) (outgoing: inref<Outgoing>) =
        let request = outgoing.Request
        let ours = ReadOnlySpan outgoing.Station.RealmParameter
        let isBorne = isBorne outgoing.Station.Realm
        let mutable name = HeaderName.ProxyAuthorization
        let mutable field = Message.field name request

        if isBorne && not field.Line.IsThere then
            name <- HeaderName.Authorization
            field <- Message.field name request

        while field.Line.IsThere do
            let value = request.Slice field.Value

            if
                (isBorne && isToken value)
                || (name = HeaderName.ProxyAuthorization && value.IndexOf ours >= 0)
            then
                Patch.remove edits field.Line

            if field.Next >= 0 then
                field <- request.Fields[field.Next]
            elif isBorne && name = HeaderName.ProxyAuthorization then
                name <- HeaderName.Authorization
                field <- Message.field name request
            else
                field <- Message.nowhere

    let private identity (edits: Edits) (outgoing: inref<Outgoing>) =
        Assertion.put
            edits
            outgoing.Source.Standing
            outgoing.Towards
            outgoing.Asserted
            outgoing.Request

    // 9. Content-Length, which a stream must have and a datagram or a WebSocket message need not
    let private contentLength (edits: Edits) (outgoing: inref<Outgoing>) =
        ContentLength.complete edits outgoing.Leaves.Transport outgoing.Request

    /// Makes the edits that turn the request into its copy.
    let write (edits: Edits) (outgoing: inref<Outgoing>) : unit =
        let next = Routes.next outgoing.Request outgoing.Way

        let strict =
            if Routes.isStrict outgoing.Request next then
                next
            else
                UriView.none

        requestUri edits &outgoing strict
        spendHop edits &outgoing
        breadth edits &outgoing
        recordRoute edits &outgoing next
        contact edits &outgoing
        identity edits &outgoing
        credentials edits &outgoing
        routes edits &outgoing strict
        path edits &outgoing
        via edits &outgoing
        contentLength edits &outgoing
