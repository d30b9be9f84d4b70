// Tally: what a run of one kind came to, and the line of it that is kept for ever (`ledger.tsv`).

namespace Sip.Fuzz

open System
open System.Diagnostics
open System.Globalization
open System.IO
open System.Reflection
open System.Security.Cryptography

/// What a run came to.
type Tally =
    {
        Kind: string
        Seed: int
        Count: int64
        Failures: int
        /// What else is worth telling.
        Remark: string
    }

/// How long a run goes on.
type Bound = { Count: int64; Minutes: float }

/// Time that is left.
[<Sealed>]
type Allowance(bound: Bound) =
    let started = Stopwatch.StartNew()

    /// Whether another one may be begun after so many.
    member _.Lasts(count: int64) : bool =
        count < bound.Count && started.Elapsed.TotalMinutes < bound.Minutes

    member _.Seconds: float = started.Elapsed.TotalSeconds

/// Keeping tallies.
[<RequireQualifiedAccess>]
module Tally =

    let private hash () =
        let path = typeof<Sip.Wire.Message>.Assembly.Location
        Convert.ToHexStringLower((SHA256.HashData(File.ReadAllBytes path))[..7])

    let private commit () =
        let start = ProcessStartInfo("git", [ "rev-parse"; "--short=10"; "HEAD" ])
        start.RedirectStandardOutput <- true
        use git = nonNull (Process.Start start)
        git.StandardOutput.ReadToEnd().Trim()

    /// The tally in words.
    let print (tally: Tally) : string =
        $"{tally.Kind}: {tally.Count} inputs, {tally.Failures} failures, seed {tally.Seed}; {tally.Remark}"

    /// Adds the tally to a ledger file.
    let keep (path: string) (tally: Tally) : unit =
        let today = DateTime.UtcNow.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)

        let line =
            String.Join(
                '\t',
                [
                    today
                    string tally.Seed
                    commit ()
                    hash ()
                    tally.Kind
                    string tally.Count
                    string tally.Failures
                    tally.Remark
                ]
            )

        File.AppendAllText(path, line + "\n")
