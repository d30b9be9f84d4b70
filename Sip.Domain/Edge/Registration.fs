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

    let private named (realm: Realm) : Host =
        Host.tryRead (Realm.name realm)
        |> ValueOption.defaultValue (Host.Name(Realm.name realm))

    /// The host in the names of a realm's users.
    let host (realm: Realm) : string = Host.print (named realm)

    /// A realm's name for one of its users: whichever of our names was written, the first counts.
    let aor (realm: Realm) (uri: SipUri) : Aor =
        if Realm.owns realm uri then
            Aor.ofSip
                { uri with
                    Host = named realm
                    Port = ValueNone
                }
        else
            Aor.ofSip uri

    /// The address that a REGISTER is about: its To.
    let target (request: Message) : SipUri voption =
        AddressView.toSip request.Bytes (Message.value HeaderName.To request)

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
                match AddressView.ofText first with
                | ValueSome uri -> Parameters.has "ob" uri.Parameters
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

    let private support (tag: string) (message: Message) : Support =
        if Message.lists HeaderName.Supported tag message then
            Support.Stated
        else
            Support.Unstated

    let private isLasting (request: Request) (offer: Offer) =
        offer.Interval
        |> ValueOption.orElse (ValueOption.map Offer.interval request.Expires)
        |> ValueOption.map (fun seconds -> seconds > 0L<s>)
        |> ValueOption.defaultValue true

    // RFC 5627 §5.1: a contact of an instance leads to that instance, and not back to here.
    let private ofInstances (keys: Keyring) (aor: SipUri) (request: Request) =
        let origin = request.Origin

        let leaving =
            if Flow.isConnection origin.Flow && origin.Path.IsEmpty then
                Leaving.ByConnection
            else
                Leaving.ByAddress

        let offers =
            match request.Contacts with
            | ValueSome(Contacts.These contacts) ->
                contacts
                |> List.filter (fun contact -> Parameters.has "+sip.instance" contact.Parameters)
                |> List.choose (Offer.tryOf >> ValueOption.toOption)
            | ValueSome Contacts.Star
            | ValueNone -> []

        let admitted =
            offers
            |> List.filter (fun offer -> offer.Instance.IsSome && isLasting request offer)
            |> List.map (fun offer -> Gruu.admit keys aor leaving offer.Contact.Uri)

        if List.contains Admitted.NotSip admitted then
            Error Sip.Registrar.Refusal.NotSip
        elif List.contains Admitted.Loops admitted then
            Error Sip.Registrar.Refusal.Loops
        else
            Ok()

    /// Why the registrar does not take the question up, if it does not.
    let admit
        (keys: Keyring)
        (policy: Policy)
        (aor: SipUri)
        (message: Message)
        (request: Request)
        : Result<unit, Sip.Registrar.Refusal> =
        match PathUse.judge policy.Path (support "path" message) request.Origin.Path with
        | PathVerdict.Refuse -> Error Sip.Registrar.Refusal.PathUnknown
        | PathVerdict.Keep _ -> ofInstances keys aor request

    // RFC 5626 §6: a flow that is kept is said so to a client that asked for it.
    let private outbound (policy: Policy) message (request: Request) (bindings: Bindings) =
        let transport = request.Origin.Flow.Transport

        let bound =
            if Register.keepsFlow request bindings then
                Keeping.Kept
            else
                Keeping.Unkept

        KeptFlow.headers
            (KeptFlow.timer transport policy.FlowTimer)
            (support "outbound" message)
            bound

    let private grant keys aor message bindings epochs (contact: NameAddr) =
        match support "gruu" message with
        | Support.Stated -> Gruu.answer keys aor bindings epochs contact
        | Support.Unstated -> contact

    /// The headers of the 200: every binding that is current, each with what is left of it and the GRUUs
    /// of its instance, the Path by which it is reached (RFC 3327 §5.3), and the way to us, by which whoever is
    /// bound finds us again (RFC 3608 §6.3).
    let headers
        (now: Instant)
        (keys: Keyring)
        (serviceRoute: string * string)
        (policy: Policy)
        (aor: SipUri)
        (message: Message)
        (request: Request)
        (bindings: Bindings)
        (epochs: Epochs)
        : (string * string) list =
        let contacts =
            Register.contacts now request bindings
            |> List.map (grant keys aor message bindings epochs)
            |> List.map (fun contact -> "Contact", NameAddr.print contact)

        contacts
        @ PathUse.headers request.Origin.Path
        @ (if Bindings.isEmpty bindings then [] else [ serviceRoute ])
        @ outbound policy message request bindings
