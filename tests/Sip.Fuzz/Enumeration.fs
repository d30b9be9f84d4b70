// Enumeration: the kind `enumeration`: whether the time to an answer tells which users there are (row E6). A user that
// is one and a user that is none are asked for in turns, with a wrong password; a rank test compares the two.

namespace Sip.Fuzz

open System
open System.Diagnostics
open System.Threading.Tasks
open Sip.Sockets

/// Comparing times.
[<RequireQualifiedAccess>]
module Ranks =

    // Abramowitz and Stegun 7.1.26: five digits are more than enough here.
    let private erfc (x: float) =
        let t = 1. / (1. + 0.3275911 * x)

        let sum =
            t
            * (0.254829592
               + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))

        sum * exp (-x * x)

    /// How probable it is that two samples of one kind differ as much as these (Mann and Whitney, both sides).
    let probability (one: float[]) (other: float[]) : float =
        let all =
            Array.append
                (one |> Array.map (fun time -> struct (time, true)))
                (other |> Array.map (fun time -> struct (time, false)))
            |> Array.sortBy (fun (struct (time, _)) -> time)

        let mutable sum = 0.
        let mutable at = 0

        while at < all.Length do
            let struct (time, _) = all[at]
            let mutable stop = at

            while stop < all.Length && (let struct (t, _) = all[stop] in t = time) do
                stop <- stop + 1

            // Those that are equal share their ranks.
            let rank = float (at + 1 + stop) / 2.

            for i in at .. stop - 1 do
                let struct (_, isFirst) = all[i]

                if isFirst then
                    sum <- sum + rank

            at <- stop

        let n, m = float one.Length, float other.Length
        let u = sum - n * (n + 1.) / 2.
        let deviation = sqrt (n * m * (n + m + 1.) / 12.)
        erfc (abs (u - n * m / 2.) / deviation / sqrt 2.)

    /// The median.
    let median (times: float[]) : float = (Array.sort times)[times.Length / 2]

/// Timing answers.
[<RequireQualifiedAccess>]
module Enumeration =

    let private register (user: string) (number: int) (nonce: string) =
        Said.write
            "REGISTER sip:example.test SIP/2.0"
            [
                "Via", $"SIP/2.0/UDP a.invalid;branch=z9hG4bK{number:x8}"
                "Max-Forwards", "70"
                "From", $"<sip:{user}@example.test>;tag={number:x8}"
                "To", $"<sip:{user}@example.test>"
                "Call-ID", $"{number:x8}"
                "CSeq", "1 REGISTER"
                "Contact", "<sip:a@a.invalid>"
                if nonce <> "" then
                    "Authorization",
                    $"Digest username=\"{user}\", realm=\"example.test\", nonce=\"{nonce}\", uri=\"sip:example.test\", "
                    + $"algorithm=MD5, qop=auth, nc=00000001, cnonce=\"x\", response=\"{number:x32}\""
            ]
            [||]

    let private nonceOf (answer: byte[]) =
        let text = Said.text answer
        let start = text.IndexOf("nonce=\"", StringComparison.Ordinal) + 7
        text.Substring(start, text.IndexOf('"', start) - start)

    let private measure (seed: int) (bound: Bound) : Task<struct (float[] * float[])> =
        task {
            let! lab =
                Laboratory.start "reactor" [ "udp" ] "example.test" (Laboratory.users [ "alice" ])

            use! line = Line.connect "udp" (Laboratory.place lab "udp")
            let allowance = Allowance bound
            let luck = Luck seed
            let times = [| ResizeArray<float>(); ResizeArray<float>() |]
            let mutable number = 0

            let ask (user: string) nonce : Task<byte[]> =
                task {
                    number <- number + 1
                    do! line.Send(register user number nonce)
                    return! line.Receive()
                }

            let timed (which: int) : Task =
                task {
                    let user = if which = 0 then "alice" else "zelda"
                    let! challenge = ask user ""
                    let nonce = nonceOf challenge
                    let started = Stopwatch.GetTimestamp()
                    let! _ = ask user nonce
                    let spent = float (Stopwatch.GetTimestamp() - started)
                    times[which].Add(spent * 1e6 / float Stopwatch.Frequency)
                }

            while allowance.Lasts(int64 number / 2L) do
                let first = luck.Below 2
                do! timed first
                do! timed (1 - first)

            let! _ = lab.Server.Stop()
            // What comes before everything is warm tells nothing.
            let warm (all: ResizeArray<float>) = all.ToArray()[all.Count / 10 ..]
            return struct (warm times[0], warm times[1])
        }

    /// Runs and says what it came to: a difference that shows is a failure.
    let run (_: string) (seed: int) (bound: Bound) : Tally =
        let struct (known, unknown) = (measure seed bound).GetAwaiter().GetResult()
        let probability = Ranks.probability known unknown
        let gap = abs (Ranks.median known - Ranks.median unknown)

        {
            Kind = "enumeration"
            Seed = seed
            Count = int64 (known.Length + unknown.Length)
            Failures = if probability > 0.01 && gap < 5. then 0 else 1
            Remark =
                $"p {probability:F3}, medians {Ranks.median known:F1} us (a user) and "
                + $"{Ranks.median unknown:F1} us (none)"
        }
