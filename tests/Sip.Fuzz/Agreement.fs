// Agreement: the kind `agree`: each span reader and its rule in the grammar make the same of texts that are
// generated and then damaged, many times each.

namespace Sip.Fuzz

open System
open System.Diagnostics
open System.IO
open FsCheck
open FsCheck.FSharp
open Sip.Properties.Grammar

/// Fuzzing pairs of readers.
[<RequireQualifiedAccess>]
module Agreement =

    let private samples = 4000
    let private mostFindings = 20

    let private sampled (seed: int) (twin: Twins.Twin) : string[] =
        Gen.sampleWithSeed (Rnd(uint64 seed)) 50 samples twin.Texts.Generator

    let private save (folder: string) (seed: int) (twin: Twins.Twin) (text: string) =
        Directory.CreateDirectory folder |> ignore
        let name = $"agree-{seed}-{text.GetHashCode() &&& 0xFFFFFF}.txt"
        File.WriteAllText(Path.Combine(folder, name), $"{twin.Sentence}\n{text}")
        stderr.WriteLine $"not so: {twin.Sentence}: {text}"

    /// Runs, saves the texts that readers differ about, and says what it came to.
    let run (folder: string) (seed: int) (bound: Bound) : Tally =
        let allowance = Allowance bound
        let luck = Luck seed
        let twins = Twins.all |> List.map (fun twin -> struct (twin, sampled seed twin))
        let mutable count = 0L
        let mutable read = 0L
        let mutable failures = 0
        let mutable slowest = 0L

        let judge (twin: Twins.Twin) (text: string) =
            let started = Stopwatch.GetTimestamp()
            let outcome = twin.Compare text
            slowest <- max slowest (Stopwatch.GetTimestamp() - started)

            match outcome with
            | ValueSome Twins.Read -> read <- read + 1L
            | ValueSome Twins.Refused -> ()
            | ValueNone ->
                failures <- failures + 1
                save folder seed twin text

        while allowance.Lasts count && failures < mostFindings do
            for struct (twin, texts) in twins do
                for _ in 1..100 do
                    let text = luck.Of texts
                    let text = if luck.Chance 20 then text else Damage.several luck text
                    judge twin (twin.Fit text)

            count <- count + 100L * int64 twins.Length

        let milliseconds = 1000. * float slowest / float Stopwatch.Frequency

        {
            Kind = "agree"
            Seed = seed
            Count = count
            Failures = failures
            Remark =
                $"{twins.Length} pairs, {read} read by both, slowest {milliseconds:F2} ms, {allowance.Seconds:F0} s"
        }
