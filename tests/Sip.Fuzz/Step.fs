// Step: what is done to a server, one thing after another, and how that is written down so that it can be
// done again by name.

namespace Sip.Fuzz

open System
open System.IO

/// One thing that happens to a server.
[<RequireQualifiedAccess>]
type Step =
    /// These bytes arrive on that line, at once.
    | Bytes of Line: int * Bytes: byte[]
    /// So many milliseconds go by.
    | Wait of Milliseconds: int64
    /// The line breaks and is made anew.
    | Break of Line: int
    /// The name server answers the oldest question, somehow.
    | Resolve of Seed: int

/// A server of one kind and what is done to it.
type Script = { Variant: int; Steps: Step list }

/// Writing scripts down.
[<RequireQualifiedAccess>]
module Script =

    let private print (step: Step) =
        match step with
        | Step.Bytes(line, bytes) -> $"bytes {line} {Convert.ToHexString bytes}"
        | Step.Wait milliseconds -> $"wait {milliseconds}"
        | Step.Break line -> $"break {line}"
        | Step.Resolve seed -> $"resolve {seed}"

    let private read (line: string) =
        match line.Split ' ' with
        | [| "bytes"; line; hex |] -> Step.Bytes(int line, Convert.FromHexString hex)
        | [| "wait"; milliseconds |] -> Step.Wait(int64 milliseconds)
        | [| "break"; line |] -> Step.Break(int line)
        | [| "resolve"; seed |] -> Step.Resolve(int seed)
        | _ -> invalidOp $"no step: {line}"

    /// Writes a script with what was wrong as its first line.
    let save (path: string) (wrong: string) (script: Script) : unit =
        let remark = "# " + wrong.Replace('\r', ' ').Replace('\n', ' ')

        File.WriteAllLines(
            path,
            remark :: $"variant {script.Variant}" :: List.map print script.Steps
        )

    /// The script that a file holds.
    let load (path: string) : Script =
        let lines =
            File.ReadAllLines path
            |> Array.filter (fun line -> line <> "" && not (line.StartsWith '#'))
            |> List.ofArray

        {
            Variant = int (lines.Head.Split(' ')[1])
            Steps = List.map read lines.Tail
        }
