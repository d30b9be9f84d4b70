// ForkLaws: what is true of every forked request, whatever its branches answer and in what order.

module Sip.Properties.ForkLaws

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Transactions
open Sip.Transactions.Fork

/// What a script does to the pending branch of that place in the order.
type private Deed =
    | Ring of place: int
    | Finish of place: int * status: int
    | Lose of place: int
    | Move of place: int
    | Hang

let private deeds =
    let place = Gen.choose (0, 5)

    let finals =
        Gen.elements [ 200; 202; 302; 401; 407; 404; 408; 480; 486; 500; 503; 600; 603 ]

    Gen.frequency
        [
            2, Gen.map Ring place
            5, Gen.map2 (fun place status -> Finish(place, status)) place finals
            1, Gen.map Lose place
            1, Gen.map Move place
            1, Gen.constant Hang
        ]

let private scripts =
    let groups = Gen.listOf (Gen.choose (0, 3)) |> Gen.map (List.truncate 3)

    Arb.fromGenShrink (
        Gen.zip groups (Gen.listOf deeds),
        fun (groups, deeds) ->
            Seq.init (List.length deeds) (fun at -> groups, List.removeAt at deeds)
    )

let private response status =
    {
        Status = (Status.TryOf status).Value
        Bytes = ReadOnlyMemory.Empty
    }

type private Run =
    {
        Context: Context
        /// Each with the status of the response that it is about, if it is about one just received.
        Acts: (Act * int) list
        Next: int
        Received: int list
    }

/// Takes an event, and opens the groups that are asked for at once, as the ledger does.
let rec private take (groups: int list) (event: Event) (run: Run) : Run =
    let just =
        match event with
        | Event.Provisional(_, response)
        | Event.Ended(_, Outcome.Final response) -> response.Status.Number
        | Event.Ended(_, (Outcome.TimedOut | Outcome.TransportFailed | Outcome.Withheld))
        | Event.Opened _
        | Event.Moved _
        | Event.Cancelled -> 0

    absorb groups just (Context.step event run.Context) run

and private absorb groups just (step: Step) run =
    let run =
        { run with
            Context = step.State
            Acts = run.Acts @ List.map (fun act -> act, just) step.Acts
        }

    let openOne run act =
        match act with
        | Act.OpenGroup group ->
            take
                groups
                (Event.Opened(run.Next, groups[group]))
                { run with
                    Next = run.Next + groups[group]
                }
        | Act.Forward
        | Act.CancelBranch _
        | Act.Best _ -> run

    List.fold openOne run step.Acts

let private pending place (run: Run) =
    match Branches.toList run.Context.Pending with
    | [] -> None
    | ids -> Some ids[place % ids.Length]

let private act groups run deed =
    match deed with
    | Hang -> take groups Event.Cancelled run
    | Ring place ->
        match pending place run with
        | Some id -> take groups (Event.Provisional(id, response 180)) run
        | None -> run
    // As the ledger does: only while it is sought.
    | Move place ->
        match pending place run with
        | Some id when Context.isSeeking run.Context ->
            take groups (Event.Moved(id, run.Next)) { run with Next = run.Next + 1 }
        | Some _
        | None -> run
    | Lose place ->
        match pending place run with
        | Some id ->
            { take groups (Event.Ended(id, Outcome.TimedOut)) run with
                Received = 408 :: run.Received
            }
        | None -> run
    | Finish(place, status) ->
        match pending place run with
        | Some id ->
            { take groups (Event.Ended(id, Outcome.Final(response status))) run with
                Received = status :: run.Received
            }
        | None -> run

/// The context with the first group on its way.
let private begun kind (groups: int list) =
    absorb
        groups
        0
        (Context.start kind (List.length groups))
        {
            Context = (Context.start kind 0).State
            Acts = []
            Next = 0
            Received = []
        }

/// The script, and then a 486 from every branch that is still out.
let private run kind (groups, deeds) =
    let rec rest run =
        match pending 0 run with
        | Some _ -> rest (act groups run (Finish(0, 486)))
        | None -> run

    rest (List.fold (act groups) (begun kind groups) deeds)

let private finals acts =
    acts
    |> List.choose (fun (act, just) ->
        match act with
        | Act.Forward when just >= 200 -> Some just
        | Act.Best(Choice.Relay response, _) -> Some response.Status.Number
        | Act.Best(Choice.RequestTimeout, _) -> Some 408
        | Act.Best(Choice.ServerError, _) -> Some 500
        | Act.Best(Choice.ServiceUnavailable, _) -> Some 503
        | Act.Best(Choice.RequestTerminated, _) -> Some 487
        | Act.Best(Choice.TemporarilyUnavailable, _) -> Some 480
        | Act.Forward
        | Act.CancelBranch _
        | Act.OpenGroup _ -> None)

let all =
    testList
        "Forking"
        [
            Law.holds
                "every forked INVITE gets a final response, and of non-2xx exactly one"
                scripts
            <| fun script ->
                let finals = finals (run Kind.Invite script).Acts
                let failures = List.filter (fun status -> status >= 300) finals

                not finals.IsEmpty
                && failures.Length <= 1
                && (failures.IsEmpty || finals.Length = 1)

            Law.holds "every forked non-INVITE gets exactly one final response" scripts
            <| fun script -> (finals (run Kind.Other script).Acts).Length = 1

            Law.holds "every 2xx to an INVITE goes upstream" scripts
            <| fun script ->
                let run = run Kind.Invite script
                let isSuccess status = status < 300

                List.length (List.filter isSuccess run.Received) =
                    List.length (List.filter isSuccess (finals run.Acts))

            Law.holds "of finals the chosen is never worse than any received" scripts
            <| fun script ->
                let run = run Kind.Invite script
                let rank status = Choice.rank (Status.TryOf status).Value

                match finals run.Acts, run.Received with
                | [ chosen ], (_ :: _ as received) when chosen >= 300 ->
                    let best = List.minBy rank received
                    // A caller who has hung up hears 487 of a branch that never answered.
                    rank chosen = rank best
                    || (chosen = 500 && best = 503)
                    || (chosen = 487 && best = 408)
                | _ -> true

            Law.holds "a branch is cancelled only while it is out, and a non-INVITE never" scripts
            <| fun script ->
                let cancels kind =
                    (run kind script).Acts
                    |> List.choose (fun (act, _) ->
                        match act with
                        | Act.CancelBranch(id, _) -> Some id
                        | Act.Forward
                        | Act.Best _
                        | Act.OpenGroup _ -> None)

                List.distinct (cancels Kind.Invite) = cancels Kind.Invite
                && (cancels Kind.Other).IsEmpty

            Law.holds
                "a branch that moves on is still out, and the caller hears nothing of it"
                scripts
            <| fun (groups, deeds) ->
                let before = List.fold (act groups) (begun Kind.Invite groups) deeds
                let after = act groups before (Move 0)

                after.Acts = before.Acts
                && after.Context.Outcomes = before.Context.Outcomes
                && Branches.toList(after.Context.Pending).Length =
                    Branches.toList(before.Context.Pending).Length

            Law.holds "when every branch has ended the context is done" scripts
            <| fun script -> (run Kind.Invite script).Context.Phase = Phase.Done
        ]
