// Model: RFC 3261 §10.3 read aloud, a slow twin of Register.step. Rows in a list, one loop, an
// exception to abort. It shares the vocabulary with the domain and nothing of the registrar's.

namespace Sip.Properties.Registrar

open System
open System.Text.RegularExpressions
open Sip
open Sip.Registrar

/// What a row of the model's table holds.
type Row =
    {
        Contact: NameAddr
        CallId: string
        CSeq: uint32
        Until: int64
        Flow: Flow
        Path: string list
        Key: (string * string) option
        /// What this request did: 0 nothing, 1 repeated it, 2 updated it, 3 added it.
        Mark: int
    }

/// The slow twin of the registrar.
[<RequireQualifiedAccess>]
module Model =

    exception private Abort of int

    let private parameter name (contact: NameAddr) =
        contact.Parameters
        |> List.tryFind (fun p -> String.Equals(p.Name, name, StringComparison.OrdinalIgnoreCase))
        |> Option.map (fun p -> ValueOption.defaultValue "" p.Value)

    let private seconds (text: string) =
        if Regex.IsMatch(text, "^[0-9]{1,10}$") then int64 text
        elif Regex.IsMatch(text, "^[0-9]+$") then 4294967295L
        else 3600L

    let private isQuality (text: string) =
        Regex.IsMatch(text, @"^(0(\.[0-9]{0,3})?|1(\.0{0,3})?)$")

    let private key keepsFlow contact =
        match parameter "+sip.instance" contact, parameter "reg-id" contact with
        | Some instance, Some regId when keepsFlow && Regex.IsMatch(regId, "^[0-9]+$") ->
            Some(instance.ToLowerInvariant(), regId)
        | _ -> None

    let private asSip uri =
        match uri with
        | Uri.Sip sip -> Uri.Sip { sip with Scheme = Scheme.Sip }
        | other -> other

    let private isSame (row: Row) contactKey (contact: NameAddr) =
        match row.Key, contactKey with
        | Some a, Some b -> a = b
        | None, None -> Uri.same (asSip row.Contact.Uri) (asSip contact.Uri)
        | _ -> false

    // By the flow and the user, or by the instance.
    let private madeUp (row: Row) =
        let name = Regex.Match(Uri.print row.Contact.Uri, @"^sips?:(.*)@[a-z]+\.invalid")

        match name.Success, parameter "+sip.instance" row.Contact with
        | true, None -> Some(Some row.Flow, Escape.decode name.Groups[1].Value)
        | true, Some instance when row.Key.IsNone -> Some(None, instance.ToLowerInvariant())
        | _ -> None

    let private wish (policy: Policy) (request: Request) contact =
        match parameter "expires" contact, request.Expires with
        | Some own, _ -> seconds own
        | None, ValueSome header -> seconds header
        | None, ValueNone -> int64 policy.DefaultExpires

    let private inspect (policy: Policy) (request: Request) contacts =
        if List.length contacts > 16 then
            raise (Abort 400)

        for contact in contacts do
            if not (isQuality (Option.defaultValue "1" (parameter "q" contact))) then
                raise (Abort 400)

        let keyed = contacts |> List.filter (key true >> Option.isSome)
        let lasting = contacts |> List.filter (fun c -> wish policy request c > 0L)

        match request.FirstHop, policy.FlowDenied with
        | FirstHop.DeniesFlow, FlowDenied.Refuse when not keyed.IsEmpty -> raise (Abort 439)
        | FirstHop.KeepsFlow, _ when
            lasting.Length > 1
            && not (keyed |> List.filter (fun c -> List.contains c lasting)).IsEmpty
            ->
            raise (Abort 400)
        | _ -> ()

        for contact in lasting do
            let sips = (Uri.print contact.Uri).StartsWith "sips:"

            if
                sips
                && (request.Scheme = Scheme.Sip
                    || request.Origin.Path |> List.exists (fun p -> not (p.StartsWith "<sips:")))
            then
                raise (Abort 400)

    let private isOld (request: Request) (row: Row) =
        row.CallId = request.Origin.CallId && request.Origin.CSeq <= row.CSeq

    let private one (policy: Policy) (now: int64) (request: Request) (rows: Row list) contact =
        let wish = wish policy request contact

        if wish > 0L && wish < 3600L && wish < int64 policy.MinExpires then
            raise (Abort 423)

        let origin = request.Origin
        let contactKey = key (request.FirstHop = FirstHop.KeepsFlow) contact
        let same, others = rows |> List.partition (fun row -> isSame row contactKey contact)

        let isRepeated (row: Row) =
            wish > 0L
            && row.Mark < 2
            && row.Contact = contact
            && row.CallId = origin.CallId
            && row.CSeq = origin.CSeq
            && row.Flow = origin.Flow
            && row.Path = origin.Path

        match same with
        | [ row ] when isRepeated row ->
            rows |> List.map (fun r -> if r = row then { r with Mark = 1 } else r)
        | _ when same |> List.exists (fun r -> r.Mark = 1 || (r.Mark = 0 && isOld request r)) ->
            raise (Abort 500)
        | _ when wish = 0L -> others
        | _ ->
            let known = same |> List.exists (fun row -> row.Mark < 3)

            others
            @ [
                {
                    Contact = contact
                    CallId = origin.CallId
                    CSeq = origin.CSeq
                    Until = now + 1000L * min wish (int64 policy.MaxExpires)
                    Flow = origin.Flow
                    Path = origin.Path
                    Key = contactKey
                    Mark = if known then 2 else 3
                }
            ]

    let private dropMadeUp (request: Request) (rows: Row list) =
        let origin = request.Origin

        let isStale (row: Row) =
            row.Mark = 0
            && (madeUp row).IsSome
            && rows |> List.exists (fun r -> r.Mark > 0 && madeUp r = madeUp row)

        if origin.Flow.Transport = Transport.Udp then
            rows
        elif rows |> List.exists (fun row -> isStale row && isOld request row) then
            raise (Abort 500)
        else
            rows |> List.filter (isStale >> not)

    let rec private makeRoom (policy: Policy) (rows: Row list) =
        if rows.Length <= policy.MaxContacts || rows |> List.forall (fun r -> r.Mark < 3) then
            rows
        else
            match policy.Overflow, rows |> List.tryFindIndex (fun r -> r.Mark = 0) with
            | Overflow.EvictOldest, Some oldest -> makeRoom policy (List.removeAt oldest rows)
            | _ -> raise (Abort 403)

    /// The rows that a REGISTER leaves, or the status of its refusal.
    let register (policy: Policy) (now: int64) (request: Request) (rows: Row list) =
        let rows =
            rows
            |> List.filter (fun r -> r.Until > now)
            |> List.map (fun r -> { r with Mark = 0 })

        try
            match request.Contacts with
            | ValueNone -> Ok rows
            | ValueSome Contacts.Star ->
                if request.Expires <> ValueSome "0" then Error 400
                elif List.exists (isOld request) rows then Error 500
                else Ok []
            | ValueSome(Contacts.These contacts) ->
                inspect policy request contacts

                contacts
                |> List.fold (one policy now request) rows
                |> dropMadeUp request
                |> makeRoom policy
                |> Ok
        with Abort status ->
            Error status
