// Phone: a small user agent: it registers, calls, rings, answers, cancels, hangs up and texts, sends
// again what is lost over UDP, and follows the route set of its dialogs. It judges nothing; what it
// sent and saw is looked at by the laws.

namespace Sip.Properties.World

open System
open System.Collections.Generic
open Sip.Identity

/// A request that a phone has made, and what came of it.
[<Sealed>]
type Asked(request: Sheet, at: int64) =
    member _.Request = request
    member _.At = at
    /// The distinct final responses: status and To tag.
    member val Finals = List<struct (int * string)>()
    member val Rang = false with get, set
    /// The phone has stopped waiting, or has lost its connection.
    member val GivenUp = false with get, set
    member val CancelWanted = false with get, set
    member val CancelSent = false with get, set

/// A request that a phone has got.
[<Sealed>]
type Served(request: Sheet) =
    member _.Request = request
    member val Last = "" with get, set
    member val Final = 0 with get, set
    member val Rang = false with get, set
    member val Acked = false with get, set
    /// The Reason headers of the CANCEL that came, if one came.
    member val Cancel: string list option = None with get, set
    member val CutOff = false with get, set

/// One side of a call.
type Dialog =
    {
        CallId: string
        Local: string
        Remote: string
        LocalTag: string
        Target: string
        Routes: string list
    }

/// Where a phone is, and what it is like.
type Seat =
    {
        Index: int
        User: string
        Device: Device
        SentBy: string
        Contact: string
    }

/// One phone.
[<Sealed>]
type Phone(clock: Clock, seat: Seat, transmit: string -> unit, ownerOf: string -> Phone) =
    let t1, t2, patience = 500L, 4000L, 32000L
    let asked = Dictionary<string, Asked>()
    let served = Dictionary<string, Served>()
    let dialogs = Dictionary<string, Dialog>()
    let numbers = Dictionary<string, int>()
    let endings = Dictionary<string, Sheet -> unit>()
    let history = List<Asked>()
    let visits = List<Served>()
    let got = List<struct (int64 * Sheet)>()
    let mutable made = 0

    let fresh (prefix: string) =
        made <- made + 1
        String.Concat(prefix, string seat.Index, ".", string made)

    let via (branch: string) =
        let transport =
            match seat.Device.Link with
            | Link.Udp -> "UDP"
            | Link.Tcp -> "TCP"
            | Link.Ws -> "WS"
            | Link.Wss -> "WSS"

        String.Concat("SIP/2.0/", transport, " ", seat.SentBy) + ";branch=" + branch

    let next (callId: string) =
        let number =
            match numbers.TryGetValue callId with
            | true, last -> last + 1
            | false, _ -> 1

        numbers[callId] <- number
        number

    let compose method target (callId: string) number from dest routes more =
        {
            Start = String.Concat(method, " ", target, " SIP/2.0")
            Fields =
                [ "Via", via (fresh "z9hG4bK-p"); "Max-Forwards", "70" ]
                @ List.map (fun route -> "Route", route) routes
                @ [
                    "From", from
                    "To", dest
                    "Call-ID", callId
                    "CSeq", String.Concat(string number, " ", method)
                    "Contact", String.Concat("<", seat.Contact, ">")
                ]
                @ more
                @ [ "Content-Length", "0" ]
            Body = ""
        }

    let isLossy = seat.Device.Link = Link.Udp

    // Over UDP a request is sent again until it is answered.
    let rec again (one: Asked) (interval: int64) =
        clock.After(
            interval,
            fun () ->
                let invite = Sheet.method one.Request = "INVITE"

                if not one.GivenUp && one.Finals.Count = 0 && not (invite && one.Rang) then
                    transmit (Sheet.print one.Request)
                    again one (if invite then 2L * interval else min t2 (2L * interval))
        )

    let ask (request: Sheet) =
        let one = Asked(request, clock.Now)
        asked[Sheet.branch request + Sheet.method request] <- one
        history.Add one
        transmit (Sheet.print request)

        if isLossy then
            again one t1

        clock.After(
            patience,
            fun () ->
                if one.Finals.Count = 0 && not (Sheet.method request = "INVITE" && one.Rang) then
                    one.GivenUp <- true
        )

        one

    let onBranch (method: string) (request: Sheet) more =
        { request with
            Start = String.Concat(method, " ", Sheet.target request, " SIP/2.0")
            Fields =
                request.Fields
                |> List.choose (fun (name, value) ->
                    match name with
                    | "CSeq" ->
                        Some(name, String.Concat(string (Sheet.number request), " ", method))
                    | "Contact"
                    | "Proxy-Authorization"
                    | "Authorization"
                    | "Expires"
                    | "Content-Length" -> None
                    | _ -> Some(name, value))
                |> fun fields -> fields @ more @ [ "Content-Length", "0" ]
        }

    let withTo (dest: string) (sheet: Sheet) =
        { sheet with
            Fields = List.map (fun (n, v) -> if n = "To" then n, dest else n, v) sheet.Fields
        }

    let login =
        {
            Username = seat.User
            Ha1 = Ha1.ofPassword Algorithm.Md5 "example.test" seat.User ("secret of " + seat.User)
        }

    let credentials (request: Sheet) (response: Sheet) =
        let header, answer =
            if Sheet.status response = 401 then
                "WWW-Authenticate", "Authorization"
            else
                "Proxy-Authenticate", "Proxy-Authorization"

        Sheet.all header response
        |> List.tryPick (fun text ->
            match Challenge.read text with
            | Ok(Demand.Digest challenge) when
                challenge.Realm = "example.test"
                && challenge.Algorithm = AlgorithmName.Known Algorithm.Md5
                ->
                let method = Sheet.method request

                Digest.answer
                    login
                    method
                    (Sheet.target request)
                    (NonceCount.ofNumber 1u)
                    "cnonce"
                    challenge
                |> fun credentials -> Some(answer, Credentials.print credentials)
            | Ok(Demand.Digest _ | Demand.OtherScheme _)
            | Error _ -> None)

    /// Asks, and once more with credentials if they are wanted; then says how it ended.
    let rec askAs tries (request: Sheet) (began: Asked -> unit) (ended: Asked -> Sheet -> unit) =
        let one = ask request
        began one

        let ending (response: Sheet) =
            match Sheet.status response with
            | 401
            | 407 when tries > 0 ->
                match credentials request response with
                | Some proof when not one.CancelWanted ->
                    let number = next (Sheet.first "Call-ID" request)
                    let method = Sheet.method request

                    let fields =
                        request.Fields
                        |> List.filter (fun (n, _) -> n <> fst proof && n <> "Content-Length")
                        |> List.map (fun (n, v) ->
                            match n with
                            | "Via" -> n, via (fresh "z9hG4bK-p")
                            | "CSeq" -> n, String.Concat(string number, " ", method)
                            | _ -> n, v)

                    askAs
                        (tries - 1)
                        { request with
                            Fields = fields @ [ proof; "Content-Length", "0" ]
                        }
                        began
                        ended
                | Some _
                | None -> ended one response
            | _ -> ended one response

        endings[Sheet.branch request + Sheet.method request] <- ending

    let aor (user: string) =
        String.Concat("sip:", user, "@example.test")

    let bracket (uri: string) = String.Concat("<", uri, ">")

    let me (tag: string) =
        String.Concat(bracket (aor seat.User), ";tag=", tag)

    let inDialog method more (dialog: Dialog) =
        compose
            method
            dialog.Target
            dialog.CallId
            (next (dialog.CallId + dialog.LocalTag))
            dialog.Local
            dialog.Remote
            dialog.Routes
            more

    let keyOf (dialog: Dialog) =
        dialog.CallId + dialog.LocalTag + Sheet.parameter "tag" dialog.Remote

    let bye (dialog: Dialog) =
        dialogs.Remove(keyOf dialog) |> ignore
        askAs 2 (inDialog "BYE" [] dialog) ignore (fun _ _ -> ())

    let recorded (sheet: Sheet) =
        Sheet.all "Record-Route" sheet
        |> List.collect (fun value ->
            value.Split(',', StringSplitOptions.TrimEntries) |> List.ofArray)

    let acknowledge (number: int) (dialog: Dialog) =
        let ack =
            compose
                "ACK"
                dialog.Target
                dialog.CallId
                number
                dialog.Local
                dialog.Remote
                dialog.Routes
                []

        transmit (Sheet.print ack)

    let answered (one: Asked) (response: Sheet) (talk: Dialog -> unit) =
        let dialog =
            {
                CallId = Sheet.first "Call-ID" response
                Local = Sheet.first "From" response
                Remote = Sheet.first "To" response
                LocalTag = Sheet.tag "From" response
                Target = Sheet.uri (Sheet.first "Contact" response)
                Routes = List.rev (recorded response)
            }

        let isFirst = one.Finals.Count = 1
        acknowledge (Sheet.number response) dialog

        if isFirst then
            numbers[dialog.CallId + dialog.LocalTag] <- Sheet.number response
            dialogs[keyOf dialog] <- dialog
            talk dialog
        else
            bye dialog

    let cancel (why: string list) (one: Asked) =
        one.CancelWanted <- true

        if one.Rang && one.Finals.Count = 0 && not one.CancelSent && not one.GivenUp then
            one.CancelSent <- true
            let reasons = List.map (fun why -> "Reason", why) why
            ask (onBranch "CANCEL" one.Request reasons) |> ignore

    let responded (response: Sheet) =
        let method = Sheet.method response
        let key = Sheet.branch response + method

        match asked.TryGetValue key with
        | true, one when not one.GivenUp ->
            let status = Sheet.status response
            let tag = Sheet.tag "To" response

            if status < 200 then
                one.Rang <- true

                if one.CancelWanted then
                    cancel [ "SIP;cause=480;text=\"Gave up\"" ] one
            else
                if status >= 300 && method = "INVITE" then
                    onBranch "ACK" one.Request []
                    |> withTo (Sheet.first "To" response)
                    |> Sheet.print
                    |> transmit

                if not (one.Finals.Contains(struct (status, tag))) then
                    one.Finals.Add(struct (status, tag))

                    match endings.TryGetValue key with
                    | true, ended when status < 300 || one.Finals.Count = 1 -> ended response
                    | true, _
                    | false, _ -> ()
                elif status < 300 && method = "INVITE" then
                    // The 2xx again: its ACK was lost.
                    let dialog =
                        {
                            CallId = Sheet.first "Call-ID" response
                            Local = Sheet.first "From" response
                            Remote = Sheet.first "To" response
                            LocalTag = Sheet.tag "From" response
                            Target = Sheet.uri (Sheet.first "Contact" response)
                            Routes = List.rev (recorded response)
                        }

                    acknowledge (Sheet.number response) dialog
        | true, _
        | false, _ -> ()

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
            fresh "t"
        else
            Sheet.tag "To" (Sheet.read visit.Last)

    let finish (visit: Served) status more lost =
        if visit.Final = 0 && not visit.CutOff then
            visit.Final <- status
            send visit (Sheet.respond status (tagOf visit) more visit.Request)

            if Sheet.method visit.Request = "INVITE" && (status < 300 || isLossy) then
                sendUntilAcked visit clock.Now t1 lost

    let accept (visit: Served) =
        let request = visit.Request
        let tag = tagOf visit

        let dialog =
            {
                CallId = Sheet.first "Call-ID" request
                Local = String.Concat(Sheet.first "To" request, ";tag=", tag)
                Remote = Sheet.first "From" request
                LocalTag = tag
                Target = Sheet.uri (Sheet.first "Contact" request)
                Routes = recorded request
            }

        if visit.Final = 0 && not visit.CutOff then
            visit.Final <- 200
            dialogs[keyOf dialog] <- dialog
            let contact = [ "Contact", bracket seat.Contact ]
            send visit (Sheet.respond 200 tag contact request)
            sendUntilAcked visit clock.Now t1 (fun () -> bye dialog)

    let ring (visit: Served) =
        if visit.Final = 0 && not visit.CutOff then
            visit.Rang <- true
            send visit (Sheet.respond 180 (fresh "t") [] visit.Request)

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
        | "INVITE", true -> finish visit 200 [ "Contact", bracket seat.Contact ] ignore
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
    member _.History = history
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
            responded sheet

    /// Registers, with the password when asked, and a second before the time is up not again.
    member _.Register(user: string, callId: string, tag: string, expires: int) =
        let target = String.Concat(bracket (aor user), tag)

        askAs
            2
            (compose
                "REGISTER"
                "sip:example.test"
                callId
                (next callId)
                (me "r")
                target
                []
                [ "Expires", string expires ])
            ignore
            (fun _ _ -> ())

    /// Calls somebody.
    member this.Call(user: string, giveUp: int option, talk: int, farewell: Farewell, reInvite) =
        let callId = fresh "call"
        let mutable current = None

        let finish (dialog: Dialog) =
            match farewell with
            | Farewell.ByCaller ->
                if dialogs.ContainsKey(keyOf dialog) then
                    bye dialog
            | Farewell.ByCallee ->
                (ownerOf (Sheet.parameter "tag" dialog.Remote))
                    .HangUp(dialog.CallId, Sheet.parameter "tag" dialog.Remote)

        let talking (dialog: Dialog) =
            if reInvite then
                clock.After(
                    int64 talk / 2L,
                    fun () ->
                        if dialogs.ContainsKey(keyOf dialog) then
                            askAs 2 (inDialog "INVITE" [] dialog) ignore (fun _ response ->
                                if Sheet.status response < 300 then
                                    acknowledge (Sheet.number response) dialog)
                )

            clock.After(int64 talk + 1L, fun () -> finish dialog)

        askAs
            2
            (compose
                "INVITE"
                (aor user)
                callId
                (next callId)
                (me (fresh "t"))
                (bracket (aor user))
                []
                [])
            (fun one -> current <- Some one)
            (fun one response ->
                if Sheet.status response < 300 then
                    answered one response talking)

        giveUp
        |> Option.iter (fun after ->
            clock.After(
                int64 after,
                fun () -> current |> Option.iter (cancel [ "SIP;cause=480;text=\"Gave up\"" ])
            ))

    /// Ends a call that was answered here.
    member _.HangUp(callId: string, tag: string) =
        dialogs.Values
        |> Seq.tryFind (fun dialog -> dialog.CallId = callId && dialog.LocalTag = tag)
        |> Option.iter bye

    /// Asks once, outside of any call.
    member _.Once(method: string, user: string) =
        let callId = fresh "once"

        askAs
            2
            (compose
                method
                (aor user)
                callId
                (next callId)
                (me (fresh "t"))
                (bracket (aor user))
                []
                [])
            ignore
            (fun _ _ -> ())

    /// The connection is gone, and with it all that was under way.
    member _.Break() =
        for one in asked.Values do
            one.GivenUp <- one.GivenUp || one.Finals.Count = 0

        for visit in served.Values do
            visit.CutOff <- true

        asked.Clear()
        served.Clear()
        dialogs.Clear()
