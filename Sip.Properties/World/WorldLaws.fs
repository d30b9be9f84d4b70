// WorldLaws: what is true of every simulated world, whatever the network did.

module Sip.Properties.World.WorldLaws

open System
open System.Collections.Generic
open Expecto
open Sip
open Sip.Edge
open Sip.Properties
open Sip.Routing

let private histories (run: Run) =
    [
        for phone in run.Phones do
            for one in phone.History -> phone, one
    ]

let private visits (run: Run) =
    [
        for phone in run.Phones do
            for visit in phone.Visits -> phone, visit
    ]

let private callId (sheet: Sheet) = Sheet.first "Call-ID" sheet

let private say (sheet: Sheet) =
    String.Concat(sheet.Start, " ", callId sheet, " ", Sheet.first "CSeq" sheet)

let private isCut (run: Run) (phone: Phone) (since: int64) =
    run.Cuts
    |> List.exists (fun (at, index) -> index = phone.Seat.Index && at >= since - 200L)

/// The phones that a request reached, by its Call-ID.
let private reached (run: Run) (id: string) =
    visits run |> List.filter (fun (_, visit) -> callId visit.Request = id)

let private sends (run: Run) =
    [
        for happening in run.Happenings do
            for hop, text in Sends.texts happening.Effects do
                hop, Sheet.read text
    ]

let private arrivals (run: Run) =
    [
        for happening in run.Happenings do
            match Happening.carried happening with
            | Carried.Arrived(flow, bytes) -> flow, Sheet.read (Text.ofBytes bytes.Span)
            | Carried.Handed _
            | Carried.Nothing -> ()
    ]

let private finals (run: Run) =
    [
        for phone, one in histories run do
            let invite = Sheet.method one.Request = "INVITE"
            let codes = [ for struct (status, _) in one.Finals -> status ]
            let failures = codes |> List.filter (fun status -> status >= 300)

            // A 2xx is sent again by whoever answered, as long as they are there (RFC 3261 §13.3.1.4).
            let isForsaken =
                reached run (callId one.Request)
                |> List.exists (fun (callee, _) -> isCut run callee one.At)

            if invite && codes.IsEmpty && not (isCut run phone one.At || isForsaken) then
                say one.Request + " was never answered"

            if invite && (failures.Length > 1 || (not failures.IsEmpty && codes.Length > 1)) then
                say one.Request + " was answered " + String.Join(", ", codes)
    ]

let private roads (run: Run) =
    let key (sheet: Sheet) =
        Sheet.first "Via" sheet |> Sheet.parameter "branch"

    let came = Dictionary<string, Flow>()

    for flow, sheet in arrivals run do
        if Sheet.isRequest sheet then
            came.TryAdd(key sheet + Sheet.method sheet, flow) |> ignore

    [
        for hop, sheet in sends run do
            if not (Sheet.isRequest sheet) then
                match came.TryGetValue(key sheet + Sheet.method sheet) with
                | true, flow when hop = Hop.Flow flow -> ()
                | true, _ -> say sheet + " left by another road"
                | false, _ -> say sheet + " answers nothing that came"
    ]

let private leftovers (run: Run) =
    let now = run.End

    [
        for ledger in run.Ledgers do
            if ledger.Held <> 0 then
                "held: " + string ledger.Held

            if ledger.Calls <> 0 then
                "calls: " + string ledger.Calls

            if ledger.Proofs <> 0 then
                "proofs: " + string ledger.Proofs

            if ledger.Online(now).Count <> 0 then
                "somebody is registered"

            if ledger.Wake <> Instant.Never then
                "something is due"
    ]

let private again (run: Run) =
    let ledgers = World.ledgers run.Script.Shards

    let text (effects: Effect seq) =
        effects
        |> Seq.map (fun effect ->
            match effect with
            | Effect.Send(hop, bytes) -> $"%A{hop}" + Text.ofBytes bytes.Span
            | Effect.Hand(shard, flow, bytes) -> $"%d{shard} %A{flow}" + Text.ofBytes bytes.Span
            | Effect.Tell told -> $"%A{told}"
            | Effect.Ask question -> $"%A{question}"
            | Effect.Note note -> $"%A{note}")
        |> String.Concat

    [
        for happening in run.Happenings do
            let other = ledgers[happening.Shard].Take(happening.At, happening.Input)

            if text other <> text happening.Effects then
                $"at %d{happening.At.Milliseconds} another answer"
    ]

let private twice (run: Run) =
    [
        for phone in run.Phones do
            let requests =
                [ for visit in phone.Visits -> visit.Request ]
                |> List.groupBy (fun request ->
                    callId request, Sheet.first "CSeq" request, Sheet.tag "From" request)

            for _, same in requests do
                if same.Length > 1 then
                    say same.Head + " came as " + string same.Length + " transactions"
    ]

let private ringing (run: Run) =
    [
        for phone, visit in visits run do
            if visit.Rang && visit.Final = 0 && not visit.CutOff then
                say visit.Request + " still rings at " + string phone.Seat.Index
    ]

let private reasons (run: Run) =
    let cancelledByCaller id =
        histories run
        |> List.exists (fun (_, one) -> one.CancelSent && callId one.Request = id)

    let decided id =
        reached run id
        |> List.exists (fun (_, visit) -> visit.Final = 200 || visit.Final >= 600)

    [
        for phone, one in histories run do
            let id = callId one.Request

            let cancels =
                reached run id
                |> List.choose (fun (_, visit) ->
                    visit.Cancel |> Option.map (fun why -> visit, why))

            if Sheet.method one.Request = "INVITE" && not (isCut run phone one.At) then
                for visit, why in cancels do
                    let known =
                        match why with
                        | [ only ] ->
                            (only = Asking.GaveUp && cancelledByCaller id)
                            || only.Contains "cause=200"
                            || only.Contains "cause=603"
                        // Timer C gives up for nobody's reason, and only where nobody had answered.
                        | _ -> visit.Rang && not (cancelledByCaller id) && not (decided id)

                    if not known then
                        say visit.Request + " was cancelled: " + String.Join(" and ", why)
    ]

/// The first time that a CANCEL came for what a phone had got.
let private cancelledAt (phone: Phone) (visit: Served) =
    phone.Got
    |> Seq.pick (fun (struct (at, sheet)) ->
        if Sheet.method sheet = "CANCEL" && Sheet.branch sheet = Sheet.branch visit.Request then
            Some at
        else
            None)

let private hungUp (run: Run) =
    [
        for at, index in run.Cuts do
            for one in run.Phones[index].History do
                let broke =
                    Sheet.method one.Request = "INVITE"
                    && one.GivenUp
                    && one.At < at
                    && one.At > at - 30_000L

                if broke then
                    for phone, visit in reached run (callId one.Request) do
                        if visit.Cancel.IsSome && cancelledAt phone visit > at + 40_000L then
                            say visit.Request + " rang on"
    ]

let private acks (run: Run) =
    [
        for phone in run.Phones do
            for struct (_, sheet) in phone.Got do
                if Sheet.isRequest sheet && Sheet.method sheet = "ACK" then
                    let vias = (Sheet.all "Via" sheet).Length

                    let own =
                        phone.Visits
                        |> Seq.tryFind (fun visit ->
                            Sheet.branch visit.Request = Sheet.branch sheet)

                    match own with
                    | Some visit when visit.Final >= 300 && vias = 1 -> ()
                    | Some _ -> say sheet + " on the branch of an INVITE"
                    | None when vias = 2 -> ()
                    | None -> say sheet + " comes from nobody"
    ]

let private dialogs (run: Run) =
    [
        for _, visit in visits run do
            let request = visit.Request

            if Sheet.method request = "INVITE" && (Sheet.all "Record-Route" request).IsEmpty then
                say request + " records no route"

            if not (Sheet.all "Route" request).IsEmpty then
                say request + " still has a route"

        for phone, visit in visits run do
            let tag = Sheet.tag "To" visit.Request

            if
                tag <> ""
                && not (
                    tag.StartsWith(
                        String.Concat("t", string phone.Seat.Index, "."),
                        StringComparison.Ordinal
                    )
                )
            then
                say visit.Request + " came to the wrong phone"

        for phone, one in histories run do
            let inDialog = Sheet.tag "To" one.Request <> ""
            let peers = run.Phones |> List.exists (fun other -> isCut run other 0L)

            if
                inDialog
                && Sheet.method one.Request <> "CANCEL"
                && not peers
                && Sheet.method one.Request <> "REGISTER"
            then
                match List.ofSeq one.Finals with
                | [ struct ((200 | 481), _) ] -> ()
                | other -> say one.Request + $" was answered %A{other}"
    ]

let private intruders (run: Run) =
    [
        for phone in run.Phones do
            for struct (_, sheet) in phone.Got do
                if callId sheet = Intruder.callId then
                    say sheet + " reached " + string phone.Seat.Index

        for KeyValue(aor, count) in run.Online do
            let own =
                run.Script.Devices
                |> List.filter (fun device -> aor = Script.users[device.User] + "@example.test")

            if count > own.Length then
                aor + " is registered " + string count + " times"
    ]

let private others (run: Run) =
    [
        for phone, one in histories run do
            let method = Sheet.method one.Request

            if
                method <> "INVITE"
                && method <> "CANCEL"
                && not (isCut run phone one.At)
                && one.Finals.Count = 0
            then
                let silent =
                    reached run (callId one.Request)
                    |> List.exists (fun (_, visit) -> visit.Final = 0 || visit.Final = 408)

                if not silent then
                    say one.Request + " was never answered"

            if method <> "INVITE" && one.Finals.Count > 1 then
                say one.Request + " was answered twice"

            if method <> "INVITE" then
                for struct (status, _) in one.Finals do
                    if status = 408 then
                        say one.Request + " was answered 408"
    ]

let private winners (run: Run) =
    [
        for phone in run.Phones do
            if phone.Dialogs > 0 && run.Cuts.IsEmpty then
                string phone.Seat.Index + " is still in a call"

        for phone, one in histories run do
            if
                Sheet.method one.Request = "INVITE"
                && Sheet.tag "To" one.Request = ""
                && not (isCut run phone one.At)
            then
                let legs =
                    reached run (callId one.Request)
                    |> List.filter (fun (_, visit) ->
                        Sheet.method visit.Request = "INVITE" && Sheet.tag "To" visit.Request = "")

                for _, visit in legs do
                    if visit.Rang && visit.Final = 0 && not visit.CutOff then
                        say visit.Request + " neither won nor ended"
    ]

let private calls (run: Run) =
    visits run
    |> List.filter (fun (_, visit) -> Sheet.method visit.Request = "INVITE")

let private isForked (run: Run) =
    calls run
    |> List.countBy (fun (_, visit) -> callId visit.Request, Sheet.first "CSeq" visit.Request)
    |> List.exists (fun (_, count) -> count > 1)

/// All laws of worlds.
let all =
    testList
        "World"
        [
            Worlds.meet "datagrams are lost in many worlds" 30 (fun run -> run.Script.Loss > 0)
            Worlds.meet "calls are forked in many worlds" 20 isForked
            Worlds.meet "ringing calls are cancelled in many worlds" 20 (fun run ->
                calls run |> List.exists (fun (_, visit) -> visit.Cancel.IsSome))
            Worlds.meet "connections break in many worlds" 10 (fun run -> not run.Cuts.IsEmpty)
            Worlds.meet "calls are answered in many worlds" 30 (fun run ->
                calls run |> List.exists (fun (_, visit) -> visit.Final = 200))

            Worlds.hold
                "every INVITE gets one final response at its caller, or the 2xx of its forks"
                finals
            Worlds.hold "a response leaves by the road that its request came in on" roads
            Worlds.hold "nothing is sent on a closed flow, and no wake lies in the past" _.Faults
            Worlds.hold "nothing is sent to an address that nobody has proven to hear at" _.Astray
            Worlds.hold "when all is quiet nothing is left" leftovers
            Worlds.hold "the same inputs give the same effects" again
            Worlds.hold
                "a request comes to a phone as one transaction, however often it is sent"
                twice
            Worlds.hold "no phone rings for ever" ringing
            Worlds.hold "when a caller's connection breaks, nobody goes on ringing" hungUp
            Worlds.hold "a CANCEL carries the reason for it" reasons
            Worlds.hold "the ACK of a non-2xx goes one hop, that of a 2xx from end to end" acks
            Worlds.hold "a request within a dialog reaches the other side, and nobody else" dialogs
            Worlds.hold "nobody is reached or registered without proof" intruders
            Worlds.hold "a request that is no INVITE is answered once, and never 408" others
            Worlds.hold "a call has one winner, and everybody else is told" winners
        ]
