// EdgeRegister: what an edge does to a client's REGISTER on its way to the registrar, so that the registrar
// finds back: our Path with the client's flow (RFC 3327 §5.2, RFC 5626 §5.1), or our Contact.

namespace Sip.Routing

open System
open Sip
open Sip.Wire
open Sip.Registrar

/// Passing registrations on.
[<RequireQualifiedAccess>]
module EdgeRegister =

    let private position (request: Message) : Position =
        if Message.count 2 HeaderName.Via request = 1 then
            Position.FirstHop
        else
            Position.Later

    let private support (request: Message) : Support =
        if Message.lists HeaderName.Supported "path" request then
            Support.Stated
        else
            Support.Unstated

    let private step wish (source: FlowText) (leaves: Listener) (request: Message) : PathStep =
        FlowRoute.path
            wish
            (support request)
            (position request)
            source.Flow.Transport
            leaves
            (Text.ofBytes (ReadOnlySpan source.Alias))

    /// Whether the client has to know Path and does not say so.
    let isRefused (home: Home) (request: Message) : bool =
        match home.Back with
        | WayBack.ByPath PathWish.Demanded -> support request = Support.Unstated
        | WayBack.ByPath PathWish.WhereSupported
        | WayBack.ByContact -> false

    // RFC 3327 §5.2: ours stands before those that are there.
    let private insert (edits: Edits) (request: Message) (value: string) =
        let first = Message.field HeaderName.Path request

        if first.Line.IsThere then
            Patch.fieldBefore edits first HeaderName.Path value
        else
            Patch.fieldAtEnd edits request HeaderName.Path value

    /// Makes the edits to a client's REGISTER that leaves by this listener.
    let put
        (edits: Edits)
        (station: Station)
        (home: Home)
        (source: FlowText)
        (leaves: Listener)
        (request: Message)
        : unit =
        match home.Back with
        | WayBack.ByContact -> Standin.put edits station source leaves request
        | WayBack.ByPath wish ->
            match step wish source leaves request with
            | PathStep.Insert(value, headers) ->
                insert edits request value

                for name, text in headers do
                    let line = String.Concat(String.Concat(name, ": ", text), "\r\n")
                    Patch.insert edits (Patch.endOfHead request) (ReadOnlySpan(Text.toBytes line))
            // A client that knows nothing of Path, and is none that is refused for it.
            | PathStep.Nothing
            | PathStep.Refuse -> Standin.put edits station source leaves request
