// Registration: a REGISTER message as the registrar's question, and its answer as headers
// (RFC 3261 §10.3 steps 5 to 8).

namespace Sip.Edge

open System
open Sip
open Sip.Wire
open Sip.Registrar
open Sip.Routing

/// Reading and answering REGISTER.
[<RequireQualifiedAccess>]
module Registration =

    let private malformed (name: HeaderName) (place: int) : Refusal =
        Refusal.Faulty
            {
                Wrong = Wrong.Malformed name
                Place = place
            }

    /// A realm's name for one of its users: whichever of our names was written, the first counts.
    let aor (realm: Realm) (uri: SipUri) : Aor =
        if Realm.owns realm uri then
            match Host.tryRead (Realm.name realm) with
            | ValueSome host ->
                Aor.ofSip
                    { uri with
                        Host = host
                        Port = ValueNone
                    }
            | ValueNone -> Aor.ofSip uri
        else
            Aor.ofSip uri

    /// The address that a REGISTER is about: its To.
    let target (request: Message) : SipUri voption =
        match AddressView.read request.Bytes (Message.value HeaderName.To request) with
        | ValueSome view ->
            match UriView.toUri request.Bytes view.Uri with
            | ValueSome(Uri.Sip uri) -> ValueSome uri
            | ValueSome _
            | ValueNone -> ValueNone
        | ValueNone -> ValueNone

    let private contact (request: Message) (slice: Slice) : Result<NameAddr, Refusal> =
        match AddressView.read request.Bytes slice with
        | ValueSome view ->
            match AddressView.toNameAddr request.Bytes view with
            | ValueSome contact -> Ok contact
            | ValueNone -> Error(malformed HeaderName.Contact slice.Start)
        | ValueNone -> Error(malformed HeaderName.Contact slice.Start)

    let private gather (request: Message) (slices: Slice list) : Result<NameAddr list, Refusal> =
        let add slice (gathered: Result<NameAddr list, Refusal>) =
            match gathered, contact request slice with
            | Ok rest, Ok one -> Ok(one :: rest)
            | Error refusal, _
            | _, Error refusal -> Error refusal

        List.foldBack add slices (Ok [])

    // Contact = ( STAR / (contact-param *(COMMA contact-param)) )
    let private contacts (request: Message) : Result<Contacts voption, Refusal> =
        match Message.values HeaderName.Contact request with
        | [] -> Ok ValueNone
        | [ only ] when request.Text only = "*" -> Ok(ValueSome Contacts.Star)
        | several -> gather request several |> Result.map (Contacts.These >> ValueSome)

    let private header (request: Message) (name: HeaderName) =
        let value = Message.value name request

        if value.IsThere then
            ValueSome(request.Text value)
        else
            ValueNone

    // RFC 5626 §6: this server is the first hop, or the first Path URI has `ob`.
    let private firstHop (request: Message) (path: string list) =
        let keeps =
            match path with
            | [] -> List.length (Message.values HeaderName.Via request) = 1
            | first :: _ ->
                let all = ReadOnlySpan(Text.toBytes first)

                match AddressView.read all (Slice.between 0 all.Length) with
                | ValueSome view ->
                    match UriView.toUri all view.Uri with
                    | ValueSome(Uri.Sip uri) -> Parameters.has "ob" uri.Parameters
                    | ValueSome _
                    | ValueNone -> false
                | ValueNone -> false

        if keeps then
            FirstHop.KeepsFlow
        elif Message.lists HeaderName.Supported "outbound" request then
            FirstHop.DeniesFlow
        else
            FirstHop.KeepsNone

    // RFC 3327 §5.3: a Path is kept and becomes the Routes of later requests; what could not be read
    // then is refused now.
    let private path (request: Message) : Result<string list, Refusal> =
        let isRead text =
            Result.isOk (Lexical.read GrammarAddress.routes text)

        if List.forall isRead (Message.texts HeaderName.Path request) then
            Message.values HeaderName.Path request
            |> List.map (fun slice -> Text.unfold (request.Text slice))
            |> Ok
        else
            Error(malformed HeaderName.Path (Message.value HeaderName.Path request).Start)

    /// The registrar's question, or why there is none.
    let read (flow: Flow) (scheme: Scheme) (request: Message) : Result<Request, Refusal> =
        match contacts request, path request with
        | Error refusal, _
        | _, Error refusal -> Error refusal
        | Ok contacts, Ok path ->
            Ok
                {
                    Contacts = contacts
                    Expires = header request HeaderName.Expires
                    Scheme = scheme
                    FirstHop = firstHop request path
                    Origin =
                        {
                            CallId = request.Text(Message.value HeaderName.CallId request)
                            CSeq = Message.sequence request
                            Flow = flow
                            Path = path
                        }
                }

    // RFC 5626 §6: a flow that is kept is said so to a client that asked for it.
    let private outbound (message: Message) (request: Request) (bindings: Bindings) =
        if
            Register.keepsFlow request bindings
            && Message.lists HeaderName.Supported "outbound" message
        then
            [ "Require", "outbound" ]
        else
            []

    /// The headers of the 200: every binding that is current, each with what is left of it, and the
    /// Path by which it is reached (RFC 3327 §5.3).
    let headers
        (now: Instant)
        (message: Message)
        (request: Request)
        (bindings: Bindings)
        : (string * string) list =
        let contacts =
            Register.contacts now request bindings
            |> List.map (fun contact -> "Contact", NameAddr.print contact)

        let path = request.Origin.Path |> List.map (fun path -> "Path", path)
        contacts @ path @ outbound message request bindings
