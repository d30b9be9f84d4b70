// Law: how a sentence becomes a test. FsCheck looks for a counter-example and shrinks it, Expecto
// reports it; SIP_REPLAY=seed,gamma,size runs the very same search again.

namespace Sip.Properties

open System
open Expecto
open FsCheck
open FsCheck.FSharp

/// Stating laws.
[<RequireQualifiedAccess>]
module Law =

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

    /// The law, named by its sentence, that holds of every value of this kind.
    let holds (sentence: string) (values: Arbitrary<'value>) (law: 'value -> bool) : Test =
        testCase sentence
        <| fun () ->
            let config = Config.Quick.WithMaxTest(500).WithRunner(runner).WithReplay replay
            Check.One(config, Prop.forAll values law)
