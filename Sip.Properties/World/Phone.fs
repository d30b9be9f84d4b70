// Phone: a small user agent: it registers, calls, rings, answers, cancels, hangs up and texts, sends
// again what is lost over UDP, and follows the route set of its dialogs. It judges nothing; what it
// sent and saw is looked at by the laws.

namespace Sip.Properties.World

open System
open System.Collections.Generic

/// One phone.
[<Sealed>]
type Phone(clock: Clock, seat: Seat, transmit: string -> unit, ownerOf: string -> Phone) =
    let t1, t2, patience = 500L, 4000L, 32000L
    let isLossy = seat.Device.Link = Link.Udp
    let letters = Letters seat
    let asking = Asking(clock, letters, isLossy, transmit)
    let served = Dictionary<string, Served>()
    let dialogs = Dictionary<string, Dialog>()
    let visits = List<Served>()
    let got = List<struct (int64 * Sheet)>()

    let keyOf (dialog: Dialog) =
        dialog.CallId + dialog.LocalTag + Sheet.parameter "tag" dialog.Remote

    let bye (dialog: Dialog) =
        dialogs.Remove(keyOf dialog) |> ignore
        asking.Ask(letters.Within(dialog, "BYE"), ignore, (fun _ _ -> ()))

    let acknowledge (number: int) (dialog: Dialog) =
        transmit (Sheet.print (letters.Ack(dialog, number)))

    let answered (one: Asked) (response: Sheet) (talk: Dialog -> unit) =
        let dialog = letters.Calling response
        acknowledge (Sheet.number response) dialog

        if one.Finals.Count = 1 then
            dialogs[keyOf dialog] <- dialog
            talk dialog
        else
            bye dialog

    let send (visit: Served) (response: Sheet) =
        visit.Last <- Sheet.print response
        transmit visit.Last

    let rec sendUntilAcked (visit: Served) (since: int64) (interval: int64) lost =
        clock.After(
            interval,
            fun () ->
                if not visit.Acked && not visit.CutOff then
                    if clock.Now - since >= patience then
                        lost ()
                    else
                        transmit visit.Last
                        sendUntilAcked visit since (min t2 (2L * interval)) lost
        )

    // Every response to one request has the same tag.
    let tagOf (visit: Served) =
        if visit.Last = "" then
            letters.Fresh "t"
        else
            Sheet.tag "To" (Sheet.read visit.Last)

    let finish (visit: Served) status more lost =
        if visit.Final = 0 && not visit.CutOff then
            visit.Final <- status
            send visit (Sheet.respond status (tagOf visit) more visit.Request)

            if Sheet.method visit.Request = "INVITE" && (status < 300 || isLossy) then
                sendUntilAcked visit clock.Now t1 lost

    let accept (visit: Served) =
        let tag = tagOf visit
        let dialog = letters.Called(visit.Request, tag)

        if visit.Final = 0 && not visit.CutOff then
            visit.Final <- 200
            dialogs[keyOf dialog] <- dialog
            send visit (Sheet.respond 200 tag letters.Contact visit.Request)
            sendUntilAcked visit clock.Now t1 (fun () -> bye dialog)

    let ring (visit: Served) =
        if visit.Final = 0 && not visit.CutOff then
            visit.Rang <- true
            send visit (Sheet.respond 180 (letters.Fresh "t") [] visit.Request)

    let reject status (visit: Served) =
        let more =
            if status = 401 then
                [ "WWW-Authenticate", "Digest realm=\"elsewhere\", nonce=\"x\"" ]
            else
                []

        finish visit status more ignore

    let invited (visit: Served) =
        match seat.Device.Manner with
        | Manner.Answer(ringing, after) ->
            clock.After(int64 ringing, fun () -> ring visit)
            clock.After(int64 (ringing + after), fun () -> accept visit)
        | Manner.Reject(status, after) -> clock.After(int64 after, fun () -> reject status visit)
        | Manner.RingForever -> ring visit
        | Manner.Silent -> ()

    let stranger (visit: Served) =
        match Sheet.method visit.Request, seat.Device.Manner with
        | "INVITE", _ -> invited visit
        | _, Manner.Silent -> ()
        | _, Manner.Reject(status, after) -> clock.After(int64 after, fun () -> reject status visit)
        | _, (Manner.Answer _ | Manner.RingForever) -> finish visit 200 [] ignore

    let within (visit: Served) =
        let request = visit.Request

        let key =
            String.Concat(
                Sheet.first "Call-ID" request,
                Sheet.tag "To" request,
                Sheet.tag "From" request
            )

        match Sheet.method request, dialogs.ContainsKey key with
        | _, false -> finish visit 481 [] ignore
        | "BYE", true ->
            dialogs.Remove key |> ignore
            finish visit 200 [] ignore
        | "INVITE", true -> finish visit 200 letters.Contact ignore
        | _, true -> finish visit 200 [] ignore

    let acked (ack: Sheet) =
        for visit in visits do
            let request = visit.Request

            let isSame =
                Sheet.method request = "INVITE"
                && Sheet.first "Call-ID" request = Sheet.first "Call-ID" ack
                && Sheet.number request = Sheet.number ack

            if isSame && (visit.Final < 300 || Sheet.branch request = Sheet.branch ack) then
                visit.Acked <- true

    let cancelled (request: Sheet) =
        match served.TryGetValue(Sheet.branch request + "INVITE") with
        | true, visit ->
            transmit (Sheet.print (Sheet.respond 200 "c" [] request))

            if visit.Cancel.IsNone then
                visit.Cancel <- Some(Sheet.all "Reason" request)

            finish visit 487 [] ignore
        | false, _ -> transmit (Sheet.print (Sheet.respond 481 "c" [] request))

    let requested (request: Sheet) =
        match Sheet.method request with
        | "ACK" -> acked request
        | "CANCEL" -> cancelled request
        | method ->
            match served.TryGetValue(Sheet.branch request + method) with
            | true, visit ->
                if visit.Last <> "" then
                    transmit visit.Last
            | false, _ ->
                let visit = Served request
                served[Sheet.branch request + method] <- visit
                visits.Add visit

                if Sheet.tag "To" request = "" then
                    stranger visit
                else
                    within visit

    /// What it is like.
    member _.Seat = seat
    /// Every request that it has made.
    member _.History = asking.History
    /// Every new request that it has got.
    member _.Visits = visits
    /// Every message that has come to it.
    member _.Got = got
    /// The calls that it is in.
    member _.Dialogs = dialogs.Count

    /// A message has come.
    member _.Take(text: string) =
        let sheet = Sheet.read text
        got.Add(struct (clock.Now, sheet))

        if Sheet.isRequest sheet then
            requested sheet
        else
            asking.Take sheet

    /// Registers, with the password when asked.
    member _.Register(user: string, callId: string, tag: string, expires: int) =
        asking.Ask(letters.Register(user, callId, tag, expires), ignore, (fun _ _ -> ()))

    /// Calls somebody.
    member _.Call(user: string, giveUp: int option, talk: int, farewell: Farewell, reInvite) =
        let mutable current = None

        let finish (dialog: Dialog) =
            match farewell with
            | Farewell.ByCaller ->
                if dialogs.ContainsKey(keyOf dialog) then
                    bye dialog
            | Farewell.ByCallee ->
                (ownerOf (Sheet.parameter "tag" dialog.Remote))
                    .HangUp(dialog.CallId, Sheet.parameter "tag" dialog.Remote)

        let renew (dialog: Dialog) =
            if dialogs.ContainsKey(keyOf dialog) then
                asking.Ask(
                    letters.Within(dialog, "INVITE"),
                    ignore,
                    fun _ response ->
                        if Sheet.status response < 300 then
                            acknowledge (Sheet.number response) dialog
                )

        let talking (dialog: Dialog) =
            if reInvite then
                clock.After(int64 talk / 2L, fun () -> renew dialog)

            clock.After(int64 talk + 1L, fun () -> finish dialog)

        asking.Ask(
            letters.To("INVITE", user, letters.Fresh "call"),
            (fun one -> current <- Some one),
            fun one response ->
                if Sheet.status response < 300 then
                    answered one response talking
        )

        giveUp
        |> Option.iter (fun after ->
            clock.After(int64 after, fun () -> Option.iter asking.Cancel current))

    /// Ends a call that was answered here.
    member _.HangUp(callId: string, tag: string) =
        dialogs.Values
        |> Seq.tryFind (fun dialog -> dialog.CallId = callId && dialog.LocalTag = tag)
        |> Option.iter bye

    /// Asks once, outside of any call.
    member _.Once(method: string, user: string) =
        asking.Ask(letters.To(method, user, letters.Fresh "once"), ignore, (fun _ _ -> ()))

    /// The connection is gone, and with it all that was under way.
    member _.Break() =
        asking.Break()

        for visit in served.Values do
            visit.CutOff <- true

        served.Clear()
        dialogs.Clear()
