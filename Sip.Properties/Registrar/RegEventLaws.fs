// RegEventLaws: what a subscriber to an address of record can rely on: versions without a gap, documents
// that tell every change once, and an end to every subscription (RFC 3680, RFC 5628, RFC 6665).

namespace Sip.Properties.Registrar

open System
open System.IO
open System.Xml.Linq
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Registrar
open Sip.Properties

/// The laws of RegInfo and RegSubscription.
[<RequireQualifiedAccess>]
module RegEventLaws =

    let private space = "urn:ietf:params:xml:ns:reginfo"
    let private gruuSpace = "urn:ietf:params:xml:ns:gruuinfo"

    let private subject: RegSubject =
        {
            Uri = "sip:bob@example.test"
            Aor = Aor.ofSip (Uri.ofUser "bob" (Host.Name "example.test"))
            Gruus =
                fun binding ->
                    binding.Instance
                    |> ValueOption.map (fun instance ->
                        {
                            Public = "sip:bob@example.test;gr=" + instance
                            Temporary = "sip:xyz@example.test;gr"
                            FirstCSeq = binding.CSeq
                        })
        }

    let private parse (document: byte[]) : XElement =
        use stream = new MemoryStream(document)
        (XDocument.Load stream).Root |> nonNull

    let private named (space: string) name (parent: XElement) =
        parent.Descendants(XName.Get(name, space)) |> List.ofSeq

    let private value name (element: XElement) =
        match element.Attribute(XName.Get name) with
        | null -> ""
        | found -> found.Value

    let private contacts document = named space "contact" (parse document)

    let private now = Instant.FromMilliseconds 0L

    let private uriOf (contact: XElement) =
        (named space "uri" contact |> List.exactlyOne).Value

    let private whole =
        Law.holds
            "a full document has every live contact once, each with an id of its own"
            Scripts.all
        <| fun script ->
            let at, bindings = Scripts.ending script
            let live = Bindings.current at bindings
            let document = RegInfo.full subject 3 at bindings
            let told = contacts document

            List.map uriOf told = (live |> List.map (fun b -> Uri.print b.Contact.Uri))
            && List.forall (fun c -> value "state" c = "active") told
            && List.distinct (List.map (value "id") told) = List.map (value "id") told
            && value "version" (parse document) = "3"
            && value "state" (parse document) = "full"

    let private registrationState document =
        named space "registration" (parse document) |> List.exactlyOne |> value "state"

    let private changesOf (moment: Moment) =
        match moment.Outcome with
        | Outcome.Registered(_, changes) -> changes
        | Outcome.Refused _ -> []

    let private parts =
        Law.holds "a partial document tells every change, and only changes" Scripts.all
        <| fun script ->
            Scripts.tell script
            |> List.forall (fun moment ->
                let changes = changesOf moment
                let after = Scripts.after moment
                let document = RegInfo.partial subject 1 now changes after
                let told = contacts document

                let state change =
                    match change with
                    | Change.Added _
                    | Change.Refreshed _ -> "active"
                    | Change.Removed _ -> "terminated"

                List.map (value "state") told = List.map state changes
                && registrationState document =
                    (if Bindings.isEmpty after then "terminated" else "active"))

    let private steady =
        Law.holds "a contact keeps its id from document to document" Scripts.all
        <| fun script ->
            let ids (moment: Moment) =
                changesOf moment
                |> List.choose (fun change ->
                    match change with
                    | Change.Refreshed(before, after) when
                        Binding.identity before = Binding.identity after
                        ->
                        Some(before, after)
                    | Change.Refreshed _
                    | Change.Added _
                    | Change.Removed _ -> None)

            let id binding =
                RegInfo.full subject 0 now (Bindings.ofList [ binding ])
                |> contacts
                |> List.exactlyOne
                |> value "id"

            Scripts.tell script
            |> List.collect ids
            |> List.forall (fun (before, after) -> id before = id after)

    let private gruus =
        Law.holds "a live contact with an instance tells its GRUUs, any other none" Scripts.all
        <| fun script ->
            let at, bindings = Scripts.ending script

            List.zip (contacts (RegInfo.full subject 0 at bindings)) (Bindings.current at bindings)
            |> List.forall (fun (contact, binding) ->
                let has name =
                    not (named gruuSpace name contact).IsEmpty

                has "pub-gruu" = binding.Instance.IsSome
                && has "temp-gruu" = binding.Instance.IsSome)

    let private anyText =
        Gen.arrayOf (Gen.choose (0, 255)) |> Gen.map (Array.map char >> String)

    let private wellFormed =
        Law.holds
            "whatever a client wrote, the document is well-formed"
            (Arb.fromGen (Gen.two anyText))
        <| fun (one, two) ->
            let contact: NameAddr =
                {
                    Display = one
                    Uri = Uri.Other("x", two)
                    Parameters = [ { Name = "y"; Value = ValueSome one } ]
                }

            let binding: Binding =
                {
                    Contact = contact
                    CallId = two
                    CSeq = 1u
                    Expires = now.After 1000L<ms>
                    Quality = 500
                    Flow = Scripts.flows.Head
                    Path = []
                    Instance = ValueNone
                    RegId = ValueNone
                }

            let told = contacts (RegInfo.full subject 0 now (Bindings.ofList [ binding ]))
            told.Length = 1 && value "q" told.Head = "0.500"

    /// Something happens to a subscription, some time after what was before.
    type private Happening = { After: int64<ms>; Event: RegEvent }

    let private change =
        Change.Added
            {
                Contact = NameAddr.ofUri (Uri.Sip(Uri.ofUser "bob" (Host.Name "a.example")))
                CallId = "one"
                CSeq = 1u
                Expires = Instant.Never
                Quality = 1000
                Flow = Scripts.flows.Head
                Path = []
                Instance = ValueNone
                RegId = ValueNone
            }

    let private expires =
        Gen.elements
            [
                ValueNone
                ValueSome 0L<s>
                ValueSome 5L<s>
                ValueSome 60L<s>
                ValueSome 99999L<s>
            ]

    let private event =
        Gen.frequency
            [
                2, Gen.map RegEvent.Subscribed expires
                6,
                Gen.choose (1, 3)
                |> Gen.map (fun n -> RegEvent.Changed(List.replicate n change))
                6, Gen.constant RegEvent.Tick
                1, Gen.constant RegEvent.Unwanted
                1, Gen.constant RegEvent.Gone
            ]

    let private life =
        Arb.fromGen (
            gen {
                let! first = expires

                let! happenings =
                    Gen.listOf (
                        Gen.map2
                            (fun after event ->
                                {
                                    After = int64 after * 1L<ms>
                                    Event = event
                                })
                            (Gen.elements [ 0; 100; 4999; 5000; 20000; 100000 ])
                            event
                    )

                return first, happenings
            }
        )

    // Every step with its time; where a wake comes before the next event, it is kept.
    let private live (first, happenings: Happening list) : (Instant * RegStep) list =
        let rec until at (time, step: RegStep) told =
            if step.Wake <= at then
                let woken = RegSubscription.step step.Wake RegEvent.Tick step.State
                until at (step.Wake, woken) ((step.Wake, woken) :: told)
            else
                (time, step), told

        let one ((time: Instant, step), told) happening =
            let at = time.After happening.After
            let (_, step), told = until at (time, step) told
            let next = RegSubscription.step at happening.Event step.State
            (at, next), (at, next) :: told

        let start = Instant.FromMilliseconds 0L, RegSubscription.start now first
        List.fold one (start, [ start ]) happenings |> snd |> List.rev

    let private notifies steps =
        steps
        |> List.collect (fun (at, step: RegStep) ->
            step.Acts
            |> List.choose (fun act ->
                match act with
                | RegAct.Notify(state, version, body) -> Some(at, state, version, body)
                | RegAct.Accept _
                | RegAct.TooBrief _ -> None))

    let private versions =
        Law.holds "versions begin at 0 and go up by one with every NOTIFY" life
        <| fun life ->
            let versions = notifies (live life) |> List.map (fun (_, _, version, _) -> version)
            versions = List.init versions.Length id

    let private rate =
        Law.holds "what has changed is told no more often than every five seconds" life
        <| fun life ->
            notifies (live life)
            |> List.pairwise
            |> List.forall (fun ((before, _, _, _), (at, _, _, body)) ->
                match body with
                | RegBody.Partial _ -> at.Since before >= RegSubscription.pause
                | RegBody.Full -> true)

    let private answered =
        Law.holds "everything is told at once after each SUBSCRIBE that is taken" life
        <| fun life ->
            live life
            |> List.forall (fun (_, step) ->
                match step.Acts with
                | RegAct.Accept _ :: rest ->
                    (match rest with
                     | [ RegAct.Notify(_, _, RegBody.Full) ] -> true
                     | _ -> false)
                | RegAct.TooBrief _ :: rest -> rest.IsEmpty
                | RegAct.Notify _ :: _
                | [] -> true)

    let private lost =
        Law.holds "no change is lost between two SUBSCRIBEs, and none is told twice" life
        <| fun (first, happenings) ->
            // Without later SUBSCRIBEs, which tell everything, parts and events must balance.
            let isChange h =
                match h.Event with
                | RegEvent.Changed _
                | RegEvent.Tick -> true
                | RegEvent.Subscribed _
                | RegEvent.Unwanted
                | RegEvent.Gone -> false

            let happenings = List.filter isChange happenings
            let steps = live (first, happenings)

            let happened =
                happenings
                |> List.sumBy (fun h ->
                    match h.Event with
                    | RegEvent.Changed changes -> changes.Length
                    | RegEvent.Subscribed _
                    | RegEvent.Unwanted
                    | RegEvent.Gone
                    | RegEvent.Tick -> 0)

            let told =
                notifies steps
                |> List.sumBy (fun (_, _, _, body) ->
                    match body with
                    | RegBody.Partial changes -> changes.Length
                    | RegBody.Full -> 0)

            match (snd (List.last steps)).State with
            | RegSubscription.Active active -> told + active.Waiting.Length = happened
            | RegSubscription.Ended -> told <= happened

    let private ends =
        Law.holds
            "a subscription that nobody refreshes ends with a last NOTIFY, and is silent then"
            life
        <| fun (first, happenings) ->
            let steps = live (first, happenings)
            let at, step = List.last steps

            match step.State with
            | RegSubscription.Ended ->
                (RegSubscription.step at (RegEvent.Changed [ change ]) step.State).Acts.IsEmpty
            | RegSubscription.Active active ->
                let last = RegSubscription.step active.Until RegEvent.Tick step.State

                last.State = RegSubscription.Ended
                && (match last.Acts with
                    | [ RegAct.Notify(RegState.TimedOut, _, RegBody.Full) ] -> true
                    | _ -> false)

    /// Every law.
    let all: Test =
        testList
            "Registration events (RFC 3680)"
            [
                whole
                parts
                steady
                gruus
                wellFormed
                versions
                rate
                answered
                lost
                ends
            ]
