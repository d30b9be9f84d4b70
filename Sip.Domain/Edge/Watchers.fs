// Watchers: the users who watch their own registrations: SUBSCRIBE is answered, every change is told, and
// whoever does not want to hear of it any more is left alone (RFC 3680, RFC 6665 §4.2).

namespace Sip.Edge

open System
open System.Collections.Generic
open Sip
open Sip.Wire
open Sip.Registrar
open Sip.Routing
open Sip.Transactions

/// The subscriptions of one ledger.
[<Sealed>]
type internal Watchers
    (station: Station, timing: Timing, agenda: Agenda, outbox: Outbox, location: Location) =

    let realm = station.Realm
    let keys = (Mint.ofRealm realm).Keys
    let watches = Dictionary<Mark, Watch>()
    let byAor = Dictionary<string, List<Watch>>()
    let notices = Dictionary<Mark, Notice>()
    // What is told once what led to it has been answered.
    let waiting = Queue<struct (Watch * RegAct)>()

    // So many of one user, who may have as many devices.
    let most = 16

    let watching (aor: string) : Watch list =
        match byAor.TryGetValue aor with
        | true, found -> List.ofSeq found
        | false, _ -> []

    let forget (watch: Watch) =
        let dialog = watch.Dialog

        if watches.Remove dialog.Mark then
            agenda.Forget watch

            match byAor.TryGetValue dialog.Aor with
            | true, found ->
                found.Remove watch |> ignore

                if found.Count = 0 then
                    byAor.Remove dialog.Aor |> ignore
            | false, _ -> ()

    let keep (watch: Watch) =
        if watches.TryAdd(watch.Dialog.Mark, watch) then
            match byAor.TryGetValue watch.Dialog.Aor with
            | true, found -> found.Add watch
            | false, _ -> byAor[watch.Dialog.Aor] <- List [ watch ]

    // What the subscriber is answered is not here; the rest waits its turn.
    let take (watch: Watch) (step: RegStep) =
        watch.State <- step.State

        match step.State with
        | RegSubscription.Active _ ->
            keep watch
            agenda.Remind(step.Wake, watch)
        | RegSubscription.Ended -> forget watch

        for act in step.Acts do
            waiting.Enqueue(struct (watch, act))

    let gruusOf (dialog: WatchDialog) (binding: Binding) : ContactGruus voption =
        match binding.Instance with
        | ValueNone -> ValueNone
        | ValueSome instance ->
            Epochs.tryFind instance (location.Epochs dialog.Aor)
            |> ValueOption.map (fun epoch ->
                let temporary = Gruu.temporaryUri keys dialog.User instance epoch binding.CSeq

                {
                    Public = Uri.printSip (Gruu.publicUri dialog.User instance)
                    Temporary = Uri.printSip temporary
                    FirstCSeq = epoch.First
                })

    let document (now: Instant) (dialog: WatchDialog) (version: int) (body: RegBody) : byte[] =
        let subject =
            {
                Uri = Uri.printSip dialog.User
                Aor = Aor.ofSip dialog.User
                Gruus = gruusOf dialog
            }

        let bindings = location.Of dialog.Aor

        match body with
        | RegBody.Full -> RegInfo.full subject version now bindings
        | RegBody.Partial changes -> RegInfo.partial subject version now changes bindings

    let schedule (notice: Notice) (step: Step<ClientOther.State, ClientOther.Act>) =
        notice.State <- step.State

        match step.State with
        | ClientOther.State.Terminated ->
            notices.Remove notice.Branch |> ignore
            agenda.Forget notice
        | ClientOther.State.Trying _
        | ClientOther.State.Proceeding _
        | ClientOther.State.Completed _ -> agenda.Remind(step.Wake, notice)

    let deliveryOf (hop: Hop) =
        if Transport.isReliable (Hop.transport hop) then
            Delivery.Reliable
        else
            Delivery.Unreliable

    let notify (now: Instant) (watch: Watch) state version body =
        let dialog = watch.Dialog
        let flow = ValueOption.defaultValue dialog.Flow (location.Standing dialog.Flow)
        watch.Sequence <- watch.Sequence + 1u
        let branch = Branch.mark station dialog.Mark (int watch.Sequence)
        let out = Octets 1024

        Watch.notify
            station
            dialog
            (Realm.listener realm flow.Listener)
            branch
            watch.Sequence
            state
            (document now dialog version body)
            out

        let hop = (station.Flows.Of flow).Hop
        let bytes = ReadOnlyMemory(out.Written.ToArray())
        let step = ClientOther.start timing (deliveryOf hop) now
        let notice = Notice(branch, dialog.Mark, hop, bytes, step.State)
        notices[branch] <- notice
        outbox.Send(hop, bytes)
        schedule notice step

    let unwanted (now: Instant) (mark: Mark) =
        match watches.TryGetValue mark with
        | true, watch -> take watch (RegSubscription.step now RegEvent.Unwanted watch.State)
        | false, _ -> ()

    let happen (now: Instant) (notice: Notice) (event: ClientOther.Event) =
        let step = ClientOther.take timing (deliveryOf notice.Hop) now event notice.State
        schedule notice step

        for act in step.Acts do
            match act with
            | ClientOther.Act.Resend -> outbox.Send(notice.Hop, notice.Bytes)
            | ClientOther.Act.Pass -> ()
            | ClientOther.Act.ReportTimeout
            | ClientOther.Act.ReportUnsendable -> unwanted now notice.Watch

    // What a SUBSCRIBE is answered.
    let answer (step: RegStep) (contact: string) : Decision =
        let said =
            step.Acts
            |> List.tryPick (fun act ->
                match act with
                | RegAct.Accept expires ->
                    Some(Status.ok, [ "Expires", string (int64 expires); "Contact", contact ])
                | RegAct.TooBrief minimum ->
                    Some(Status.intervalTooBrief, [ "Min-Expires", string (int64 minimum) ])
                | RegAct.Notify _ -> None)

        match said with
        | Some(status, headers) -> Decision.Answer(status, Status.phrase status, headers)
        | None -> Decision.Refuse(Refusal.Overloaded 5L<s>)

    let expires (request: Message) : int64<s> voption =
        let written = Message.value HeaderName.Expires request

        if written.IsThere then
            ValueSome(Offer.interval (request.Text written))
        else
            ValueNone

    let dialogOf (source: FlowText) (user: SipUri) (request: Message) (contact: SipUri) =
        let tag = Octets 64
        Branch.tag station request tag
        let target = request.Text(Message.value HeaderName.To request)

        {
            Mark = Watch.mark station request
            Aor = (Registration.aor realm user).Key
            User =
                { user with
                    Parameters = []
                    Headers = []
                }
            Local =
                if (Message.toTag request).IsThere then
                    target
                else
                    String.Concat(target, ";tag=", Text.ofBytes tag.Written)
            Remote = request.Text(Message.value HeaderName.From request)
            CallId = Message.callId request
            Target = Uri.printSip { contact with Headers = [] }
            Routes = Message.texts HeaderName.RecordRoute request
            Flow = source.Flow
            Event = ValueOption.defaultValue "reg" (Watch.event request)
        }

    let contactOf (request: Message) : SipUri voption =
        AddressView.toSip request.Bytes (Message.firstValue HeaderName.Contact request)

    let here (source: FlowText) (user: SipUri) =
        let listener = Realm.listener realm source.Flow.Listener

        NameAddr.print (
            NameAddr.ofUri (
                Uri.Sip
                    { Realm.routeUri listener [] with
                        User = user.User
                    }
            )
        )

    // The dialog stays what it was but for where its subscriber is.
    let refresh (now: Instant) (watch: Watch) (fresh: WatchDialog) (request: Message) =
        watch.Dialog <-
            { watch.Dialog with
                Target = fresh.Target
                Flow = fresh.Flow
            }

        RegSubscription.step now (RegEvent.Subscribed(expires request)) watch.State

    let subscribe now (source: FlowText) (user: SipUri) (request: Message) (contact: SipUri) =
        let dialog = dialogOf source user request contact

        match watches.TryGetValue dialog.Mark with
        | true, watch when watch.Dialog.Aor = dialog.Aor ->
            let step = refresh now watch dialog request
            take watch step
            answer step (here source user)
        | true, _ -> Decision.Refuse Refusal.NotYou
        | false, _ when (Message.toTag request).IsThere ->
            Decision.Answer(Status.noSuchTransaction, Status.phrase Status.noSuchTransaction, [])
        | false, _ when (watching dialog.Aor).Length >= most ->
            Decision.Refuse(Refusal.Overloaded 5L<s>)
        | false, _ ->
            let step = RegSubscription.start now (expires request)
            take (Watch(dialog, step.State)) step
            answer step (here source user)

    /// What a user is told who asks for their own registrations.
    member _.Subscribe(now, source: FlowText, user: SipUri, request: Message) : Decision =
        match contactOf request with
        | ValueSome contact -> subscribe now source user request contact
        | ValueNone ->
            Decision.Refuse(
                Refusal.Faulty
                    {
                        Wrong = Wrong.Missing HeaderName.Contact
                        Place = 0
                    }
            )

    /// The registrations of a user have changed.
    member _.Changed(now: Instant, aor: string, changes: Change list) : unit =
        if not changes.IsEmpty then
            for watch in watching aor do
                take watch (RegSubscription.step now (RegEvent.Changed changes) watch.State)

    /// Whether a response answers a NOTIFY; then it has been heard.
    member _.Answered(now: Instant, branch: Mark, status: Status) : bool =
        match notices.TryGetValue branch with
        | true, notice ->
            let response =
                {
                    Status = status
                    Bytes = ReadOnlyMemory.Empty
                }

            happen now notice (ClientOther.Event.Received response)

            if status = Status.noSuchTransaction then
                unwanted now notice.Watch

            true
        | false, _ -> false

    /// The time of a subscription has come.
    member _.Tick(now: Instant, mark: Mark) : unit =
        match watches.TryGetValue mark with
        | true, watch -> take watch (RegSubscription.step now RegEvent.Tick watch.State)
        | false, _ -> ()

    /// The time of a NOTIFY has come.
    member _.TickNotice(now: Instant, branch: Mark) : unit =
        match notices.TryGetValue branch with
        | true, notice -> happen now notice ClientOther.Event.Tick
        | false, _ -> ()

    /// Tells what there is to tell.
    member _.Tell(now: Instant) : unit =
        while waiting.Count > 0 do
            match waiting.Dequeue() with
            | watch, RegAct.Notify(state, version, body) -> notify now watch state version body
            | _, (RegAct.Accept _ | RegAct.TooBrief _) -> ()

    /// How many entities are held.
    member _.Held: int = watches.Count + notices.Count
