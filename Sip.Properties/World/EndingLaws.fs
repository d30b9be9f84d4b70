// EndingLaws: what a world shows of the ends of things: final responses that are acknowledged once and for
// all, and calls that end when a connection does.

module Sip.Properties.World.EndingLaws

open System
open Expecto

let private callId (sheet: Sheet) = Sheet.first "Call-ID" sheet

let private say (sheet: Sheet) =
    String.Concat(sheet.Start, " ", callId sheet, " ", Sheet.first "CSeq" sheet)

let private isInvite (sheet: Sheet) = Sheet.method sheet = "INVITE"

let private unacknowledged (run: Run) =
    [
        for phone in run.Phones do
            for visit in phone.Visits do
                if
                    isInvite visit.Request
                    && visit.Final >= 300
                    && not visit.CutOff
                    && not visit.Acked
                then
                    say visit.Request + " " + string visit.Final + " was never acknowledged"
    ]

/// The final responses that came to a phone for what it had asked, each with its time.
let private answers (phone: Phone) (one: Asked) =
    [
        for struct (at, sheet) in phone.Got do
            if
                not (Sheet.isRequest sheet)
                && Sheet.method sheet = "INVITE"
                && Sheet.branch sheet = Sheet.branch one.Request
                && Sheet.status sheet >= 200
            then
                at, Sheet.status sheet
    ]

// Where nothing is lost, doubled or late, the first ACK is heard.
let private repeated (run: Run) =
    [
        if run.Script.Loss = 0 && run.Script.Twice = 0 && run.Script.Jitter < 100 then
            for phone in run.Phones do
                for one in phone.History do
                    let failures =
                        answers phone one |> List.filter (fun (_, status) -> status >= 300)

                    if isInvite one.Request && failures.Length > 1 then
                        say one.Request + " was answered again after the ACK"
    ]

/// The phones that an INVITE reached.
let private legs (run: Run) (one: Asked) =
    [
        for phone in run.Phones do
            for visit in phone.Visits do
                if
                    isInvite visit.Request
                    && callId visit.Request = callId one.Request
                    && Sheet.number visit.Request = Sheet.number one.Request
                then
                    phone, visit
    ]

let private isCut (run: Run) (phone: Phone) =
    run.Cuts |> List.exists (fun (_, index) -> index = phone.Seat.Index)

/// The calls whose only callee lost the connection while the call waited, each with that time.
let private deserted (run: Run) =
    [
        for at, index in run.Cuts do
            for caller in run.Phones do
                for one in caller.History do
                    if isInvite one.Request && one.At < at && not (isCut run caller) then
                        match legs run one with
                        | [ phone, visit ] when
                            phone.Seat.Index = index && visit.CutOff && visit.Final = 0
                            ->
                            at, caller, one
                        | _ -> ()
    ]

// Timers B and C would end the call only after 32 and 181 seconds. A caller over UDP may have to be told
// more than once, which takes 8 seconds at most.
let private waited (run: Run) =
    [
        for at, caller, one in deserted run do
            match answers caller one with
            | (ended, _) :: _ when ended <= at + 15_000L -> ()
            | _ -> say one.Request + " waits for somebody who is gone"
    ]

/// All laws of endings.
let all =
    testList
        "Endings"
        [
            Worlds.meet "some calls are deserted by their callee" 1 (fun run ->
                not (deserted run).IsEmpty)
            Worlds.hold "every failure that a callee gives is acknowledged" unacknowledged
            Worlds.hold "a failure that its caller has acknowledged is not sent again" repeated
            Worlds.hold
                "when the only callee's connection breaks, the caller hears so at once"
                waited
        ]
