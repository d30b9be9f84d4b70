// Paths: the kind `path`: sessions one after another, each from a seed of its own, until the count is reached or
// time is up. A session that shows a fault is cut short, made smaller and saved.

namespace Sip.Fuzz

open System
open System.Collections.Generic
open System.IO

/// Fuzzing the whole path read - decide - write.
[<RequireQualifiedAccess>]
module Paths =

    let private stepsOfSession = 250
    let private mostFindings = 20
    let private slow = TimeSpan.FromMilliseconds(10.).Ticks

    /// What one step may allocate: so much for whatever is made, and so many times what came.
    let private most (bytes: int) = int64 (262144 + 64 * bytes)

    /// The faults of a script.
    let faults (script: Script) : string list =
        let session = Session script.Variant

        for step in script.Steps do
            session.Do step

        session.End()
        session.Faults

    let private isSame (wrong: string) (other: string) =
        wrong[.. min 24 (wrong.Length - 1)] = other[.. min 24 (other.Length - 1)]

    let private shows (wrong: string) (script: Script) =
        faults script |> List.exists (isSame wrong)

    /// The script without what is not needed to show the fault.
    let shrink (wrong: string) (script: Script) : Script =
        let mutable best = script
        let mutable size = max 1 (script.Steps.Length / 2)
        let mutable tries = 0

        while size >= 1 && tries < 600 do
            let mutable at = 0

            while at < best.Steps.Length && tries < 600 do
                let count = min size (best.Steps.Length - at)

                let less =
                    { best with
                        Steps = List.removeManyAt at count best.Steps
                    }

                tries <- tries + 1

                if shows wrong less then best <- less else at <- at + size

            size <- (if size = 1 then 0 else size / 2)

        best

    let private weight (step: Step) =
        match step with
        | Step.Bytes(_, bytes) -> bytes.Length
        | Step.Wait _
        | Step.Break _
        | Step.Resolve _ -> 0

    let private isLetter (step: Step) =
        match step with
        | Step.Bytes _ -> true
        | Step.Wait _
        | Step.Break _
        | Step.Resolve _ -> false

    /// What was slowest, greediest and most of all.
    type private Extremes() =
        member val Slowest = 0L with get, set
        member val SlowOnes = 0 with get, set
        member val Greediest = 0L with get, set
        member val Sent = 0L with get, set
        member val Spent = 0L with get, set

        member this.Take(ticks: int64, allocated: int64) =
            let span = ticks * TimeSpan.TicksPerSecond / Diagnostics.Stopwatch.Frequency
            this.Slowest <- max this.Slowest span
            this.Greediest <- max this.Greediest allocated

            if span > slow then
                this.SlowOnes <- this.SlowOnes + 1

    let private live (extremes: Extremes) (treasures: List<string>) (seed: int) =
        let dice = Luck seed
        let session = Session(dice.Below Scene.variants)
        let play = Play(dice, session, treasures)
        let done' = List<Step>()
        let mutable greedy = []

        while done'.Count < stepsOfSession && session.Faults.IsEmpty do
            for step in play.Next() do
                let ticks, allocated = session.Ticks, session.Allocated
                session.Do step
                done'.Add step

                if isLetter step then
                    let spent = session.Allocated - allocated
                    extremes.Take(session.Ticks - ticks, spent)

                    if spent > most (weight step) then
                        greedy <- [ $"{spent} bytes allocated for {weight step}" ]

            if Coverage.isNew () && play.Last <> "" && treasures.Count < 20_000 then
                treasures.Add play.Last

        session.End()
        extremes.Sent <- extremes.Sent + int64 session.Sent
        extremes.Spent <- extremes.Spent + session.Ticks
        struct (session, List.ofSeq done', session.Faults @ greedy)

    /// Runs, saves what it finds in a folder, and says what it came to.
    let run (kind: string) (folder: string) (seed: int) (bound: Bound) : Tally =
        let allowance = Allowance bound
        let extremes = Extremes()
        let treasures = List<string>()
        let mutable count = 0L
        let mutable sessions = 0
        let mutable failures = 0

        while allowance.Lasts count && failures < mostFindings do
            let own = (seed * 1_000_003 + sessions) &&& Int32.MaxValue
            let struct (session, steps, faults) = live extremes treasures own
            sessions <- sessions + 1
            count <- count + int64 session.Messages

            match faults with
            | [] -> ()
            | wrong :: _ ->
                failures <- failures + 1
                Directory.CreateDirectory folder |> ignore

                let whole =
                    {
                        Variant = session.Variant
                        Steps = steps
                    }

                let path = Path.Combine(folder, $"{kind}-{seed}-{sessions}.txt")
                Script.save path wrong (shrink wrong whole)
                stderr.WriteLine $"{path}: {wrong}"

        let milliseconds = float extremes.Slowest / float TimeSpan.TicksPerMillisecond

        {
            Kind = kind
            Seed = seed
            Count = count
            Failures = failures
            Remark =
                $"{sessions} sessions, {extremes.Spent / Diagnostics.Stopwatch.Frequency} s within, "
                + $"{extremes.Sent} sent, {Coverage.taken ()} branches, "
                + $"slowest {milliseconds:F2} ms, {extremes.SlowOnes} over 10 ms, "
                + $"at most {extremes.Greediest} bytes allocated for one, {allowance.Seconds:F0} s"
        }
