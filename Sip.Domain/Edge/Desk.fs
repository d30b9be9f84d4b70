// Desk: what this server answers as itself: REGISTER and OPTIONS, and what it does not do
// (RFC 3261 §8.2, §10.3, §11.2).

namespace Sip.Edge

open Sip
open Sip.Wire
open Sip.Registrar
open Sip.Routing
open Sip.Identity

/// What becomes of a request that is let in.
[<RequireQualifiedAccess; Struct>]
type Decision =
    | Answer of Status: Status * Words: string * Headers: (string * string) list
    | Refuse of Refusal: Sip.Routing.Refusal
    | Forward of Places: Place list list
    /// Forward it to whoever is found behind the first of these URIs that has somebody.
    | Seek of Uris: SipUri list * Sight: Heading
    /// Nobody is told anything: an ACK.
    | Absorb

/// Answering as the server itself.
[<Sealed>]
type internal Desk
    (
        realm: Realm,
        policy: Policy,
        location: Location,
        outbox: Outbox,
        guard: Sip.Guarding.Guard,
        become: string -> Bindings * Change list -> unit
    ) =

    let allow = "OPTIONS, REGISTER"
    let supported = [ "path"; "outbound"; "gruu" ]
    let keys = (Mint.ofRealm realm).Keys

    // The same for everybody who comes by one listener, so made once.
    let serviceRoutes = Array.map FlowRoute.serviceRoute realm.Listeners

    let serviceRoute (flow: Flow) =
        let (ListenerId index) = flow.Listener
        serviceRoutes[index]

    let answer (status: Status) headers =
        Decision.Answer(status, Status.phrase status, headers)

    // The same for everybody, so made once.
    let abilities =
        let supported = System.String.Join(", ", supported)
        answer Status.ok [ "Allow", allow; "Accept", "*/*"; "Supported", supported ]

    let refuse (flow: Flow) (request: Message) (refusal: Sip.Registrar.Refusal) =
        let status = Sip.Registrar.Refusal.status refusal
        let words = Sip.Registrar.Refusal.reason refusal

        if refusal = Sip.Registrar.Refusal.Full then
            guard.Refuse Sip.Guarding.Bound.ContactsPerUser

        outbox.Note(Note.Refused(flow, Message.callId request, status.Number, words))
        Decision.Answer(status, words, Sip.Registrar.Refusal.headers refusal)

    // Where a Path leads it is not for us to keep the way open.
    let keepAlive (now: Instant) (flow: Flow) (request: Message) (aor: string) question =
        if
            flow.Transport = Transport.Udp
            && question.Origin.Path.IsEmpty
            && Nat.isTranslated flow.Remote request
        then
            location.KeepAlive(now, aor, flow)

    // What a login has bound ends with it.
    let within (now: Instant) (login: int64<s>) : Policy =
        if login = Subscriber.unending then
            policy
        else
            Policy.within (max 1L<s> (login - Realm.unixTime realm now)) policy

    let bind (now: Instant) (flow: Flow) (request: Message) (target: SipUri) question login =
        let aor = (Registration.aor realm target).Key
        let before = location.Of aor

        match Register.step (within now login) now question before with
        | Outcome.Refused refusal -> refuse flow request refusal
        | Outcome.Registered(after, changes) ->
            become aor (after, changes)
            keepAlive now flow request aor question
            let contacts = List.length (Bindings.current now after)

            if contacts > 0 then
                outbox.Note(Note.Registered(aor, flow, contacts))
            elif not (Bindings.isEmpty before) then
                outbox.Note(Note.Unregistered aor)

            location.Epochs aor
            |> Registration.headers
                now
                keys
                (serviceRoute flow)
                policy
                target
                request
                question
                after
            |> answer Status.ok

    let register (now: Instant) (flow: Flow) (scheme: Scheme) (request: Message) login =
        match Registration.target request, Registration.read flow scheme request with
        | ValueSome target, Ok question when Realm.owns realm target ->
            match Registration.admit keys policy target request question with
            | Ok() -> bind now flow request target question login
            | Error refusal -> refuse flow request refusal
        | _, Error refusal -> Decision.Refuse refusal
        | _, Ok _ -> Decision.Refuse Refusal.NoSuchUser

    // §8.2.2.3: what a client requires and this server does not know is named back.
    let unsupported (request: Message) =
        Message.values HeaderName.Require request
        |> List.map (fun slice -> request.Text slice)
        |> List.filter (fun tag -> not (List.exists (Text.sameText tag) supported))

    let serve
        (now: Instant)
        (flow: Flow)
        (method: Method)
        (scheme: Scheme)
        (request: Message)
        login
        =
        match method with
        | Method.Register -> register now flow scheme request login
        | Method.Options -> abilities
        | Method.Ack -> Decision.Absorb
        | Method.Cancel
        | Method.Bye -> answer Status.noSuchTransaction []
        | Method.Invite
        | Method.Message
        | Method.Refer -> Decision.Refuse Refusal.NoSuchUser
        | Method.Subscribe
        | Method.Notify
        | Method.Update
        | Method.Info
        | Method.Prack
        | Method.Publish -> Decision.Refuse(Refusal.NotAllowed allow)
        | Method.Other -> Decision.Refuse Refusal.Unimplemented

    /// What the server makes of a request that is for itself; what it binds ends by then, in seconds of Unix time.
    member _.Decide(now, flow, method: Method, scheme, request, login: int64<s>) : Decision =
        match unsupported request with
        | [] -> serve now flow method scheme request login
        | _ when method = Method.Ack -> Decision.Absorb
        | tags -> Decision.Refuse(Refusal.Extensions tags)
