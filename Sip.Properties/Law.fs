// Law: how a sentence becomes a test. FsCheck looks for a counter-example and shrinks it, Expecto
// reports it; SIP_REPLAY=seed,gamma,size runs the very same search again, SIP_CASES=number looks at
// more cases than the usual 500.

namespace Sip.Properties

open System
open System.Collections.Generic
open Expecto
open FsCheck
open FsCheck.FSharp

/// Stating laws.
[<RequireQualifiedAccess>]
module Law =

    /// Bytes that a piece of work allocates in a thousand rounds once it is warm.
    let allocated (work: unit -> unit) : int64 =
        for _ in 1..100 do
            work ()

        let before = GC.GetAllocatedBytesForCurrentThread()

        for _ in 1..1000 do
            work ()

        GC.GetAllocatedBytesForCurrentThread() - before

    let private replay =
        match Environment.GetEnvironmentVariable "SIP_REPLAY" with
        | null -> None
        | text ->
            match text.Split ',' with
            | [| seed; gamma; size |] ->
                Some
                    {
                        Rnd = Rnd(UInt64.Parse seed, UInt64.Parse gamma)
                        Size = Some(int size)
                    }
            | _ -> None

    let private cases =
        match Environment.GetEnvironmentVariable "SIP_CASES" with
        | null -> 500
        | text -> int text

    let private runner =
        { new IRunner with
            member _.OnStartFixture _ = ()
            member _.OnArguments(_, _, _) = ()
            member _.OnShrink(_, _) = ()

            member _.OnFinished(_, result) =
                match result with
                | TestResult.Passed _ -> ()
                | TestResult.Exhausted _ -> failtest "no case met the law's condition"
                | TestResult.Failed(_, _, shrunk, outcome, seed, _, size) ->
                    let cases = shrunk |> List.map (fun case -> $"%A{case}") |> String.concat "\n"

                    failtest
                        $"%s{cases}\n%A{outcome}\nSIP_REPLAY=%d{seed.Seed},%d{seed.Gamma},%d{size}"
        }

    let private search (values: Arbitrary<'value>) (law: 'value -> bool) =
        let config = Config.Quick.WithMaxTest(cases).WithRunner(runner).WithReplay replay
        Check.One(config, Prop.forAll values law)

    /// The law, named by its sentence, that holds of every value of this kind.
    let holds (sentence: string) (values: Arbitrary<'value>) (law: 'value -> bool) : Test =
        testCase sentence <| fun () -> search values law

    /// A law that says what a case turned out to be, or none where it is broken; the search has to
    /// meet each of these outcomes in at least one case of twenty.
    let holdsMeeting
        (outcomes: 'outcome list)
        (sentence: string)
        (values: Arbitrary<'value>)
        (law: 'value -> 'outcome voption)
        : Test =
        testCase sentence
        <| fun () ->
            let met = Dictionary<'outcome, int>()

            let times outcome =
                match met.TryGetValue outcome with
                | true, count -> count
                | false, _ -> 0

            search values (fun value ->
                match law value with
                | ValueSome outcome ->
                    met[outcome] <- times outcome + 1
                    true
                | ValueNone -> false)

            for outcome in outcomes do
                let count = times outcome

                if count * 20 < cases && replay.IsNone then
                    failtest $"only %d{count} of %d{cases} cases were %A{outcome}"
