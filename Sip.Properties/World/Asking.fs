// Asking: a phone's client transactions: sent again over UDP until they are answered, asked once more
// with the password, cancelled, acknowledged.

namespace Sip.Properties.World

open System
open System.Collections.Generic

/// What one phone has asked.
[<Sealed>]
type Asking(clock: Clock, letters: Letters, isLossy: bool, transmit: string -> unit) =
    let t1, t2, patience = 500L, 4000L, 32000L
    let asked = Dictionary<string, Asked>()
    let endings = Dictionary<string, Sheet -> unit>()
    let history = List<Asked>()

    // The ACK of a non-2xx and the CANCEL stand on the branch of their INVITE.
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

    let rec askAs tries (request: Sheet) (began: Asked -> unit) (ended: Asked -> Sheet -> unit) =
        let one = ask request
        began one

        let ending (response: Sheet) =
            let again =
                match Sheet.status response with
                | 401
                | 407 when tries > 0 && not one.CancelWanted -> letters.Again(request, response)
                | _ -> None

            match again with
            | Some request -> askAs (tries - 1) request began ended
            | None -> ended one response

        endings[Sheet.branch request + Sheet.method request] <- ending

    let cancel (why: string) (one: Asked) =
        one.CancelWanted <- true

        if one.Rang && one.Finals.Count = 0 && not one.CancelSent && not one.GivenUp then
            one.CancelSent <- true
            ask (onBranch "CANCEL" one.Request [ "Reason", why ]) |> ignore

    let final (one: Asked) (key: string) (response: Sheet) =
        let status = Sheet.status response

        if status >= 300 && Sheet.method response = "INVITE" then
            onBranch "ACK" one.Request []
            |> withTo (Sheet.first "To" response)
            |> Sheet.print
            |> transmit

        if not (one.Finals.Contains(struct (status, Sheet.tag "To" response))) then
            one.Finals.Add(struct (status, Sheet.tag "To" response))

            if status < 300 || one.Finals.Count = 1 then
                match endings.TryGetValue key with
                | true, ended -> ended response
                | false, _ -> ()
        elif status < 300 && Sheet.method response = "INVITE" then
            // The 2xx again: its ACK was lost.
            letters.Ack(letters.Calling response, Sheet.number response)
            |> Sheet.print
            |> transmit

    /// Why a caller cancels.
    static member GaveUp = "SIP;cause=480;text=\"Gave up\""

    /// Every request that was made.
    member _.History = history

    /// Asks, and once more with credentials if they are wanted; then says how it ended.
    member _.Ask(request: Sheet, began, ended) = askAs 2 request began ended

    /// Cancels an INVITE, as soon as something was heard of it.
    member _.Cancel(one: Asked) = cancel Asking.GaveUp one

    /// A response has come.
    member _.Take(response: Sheet) =
        let key = Sheet.branch response + Sheet.method response

        match asked.TryGetValue key with
        | true, one when not one.GivenUp ->
            if Sheet.status response >= 200 then
                final one key response
            else
                one.Rang <- true

                if one.CancelWanted then
                    cancel Asking.GaveUp one
        | true, _
        | false, _ -> ()

    /// The connection is gone, and with it all that was not answered.
    member _.Break() =
        for one in asked.Values do
            one.GivenUp <- one.GivenUp || one.Finals.Count = 0

        asked.Clear()
