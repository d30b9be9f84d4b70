// Torture: the messages of RFC 4475 and RFC 5118 and what reading must make of each. The RFCs' own
// bytes are read from a folder beside the project, or where SIP_CONFORMANCE points; a clone without
// it says in one line what it left out.

module Sip.Tests.Torture

open System
open System.IO
open Expecto
open Sip
open Sip.Wire

/// What reading may make of a message.
[<RequireQualifiedAccess>]
type private Allowed =
    | Read
    | Refused of status: int
    | Either

// RFC 4475 by file: what no row names is read, and is judged by routing or the registrar.
let private judged =
    Map
        [
            "badinv01", Allowed.Refused 400
            "clerr", Allowed.Refused 400
            "ncl", Allowed.Refused 400
            "scalar02", Allowed.Refused 400
            "scalarlg", Allowed.Refused 400
            "quotbal", Allowed.Refused 400
            "ltgtruri", Allowed.Refused 400
            "lwsruri", Allowed.Refused 400
            "lwsstart", Allowed.Refused 400
            "trws", Allowed.Refused 400
            "escruri", Allowed.Refused 400
            "baddn", Allowed.Refused 400
            "badvers", Allowed.Refused 505
            "mismatch01", Allowed.Refused 400
            "mismatch02", Allowed.Refused 400
            "bigcode", Allowed.Refused 400
            "insuf", Allowed.Refused 400
            "multi01", Allowed.Refused 400
            "mcl01", Allowed.Refused 400
            // RFC 4475 lets these be refused for a field that only some servers read.
            "regbadct", Allowed.Either
            "badaspec", Allowed.Either
            "baddate", Allowed.Either
            "badbranch", Allowed.Either
            // RFC 5118 section 4.1: no brackets around an address in the Request-URI.
            "ipv6-bad", Allowed.Refused 400
        ]

let private verdict (name: string) =
    Map.tryFind name judged |> Option.defaultValue Allowed.Read

let private example (path: string) =
    let name =
        Path.GetFileNameWithoutExtension path |> Option.ofObj |> Option.defaultValue ""

    testCase name
    <| fun () ->
        let arrival = Reading.message Limits.usual (ReadOnlySpan(File.ReadAllBytes path))

        match verdict name, arrival with
        | (Allowed.Read | Allowed.Either), Arrival.Message _
        | Allowed.Either, Arrival.Broken _ -> ()
        | Allowed.Read, Arrival.Broken(fault, _) -> failtest $"refused: %A{fault}"
        | Allowed.Refused status, Arrival.Broken(fault, _) ->
            Expect.equal (Fault.status fault).Number status (Fault.words fault)
        | Allowed.Refused _, Arrival.Message _ -> failtest "read"

let private files (root: string) (under: string) (pattern: string) =
    Directory.GetFiles(Path.Combine(root, under), pattern)
    |> Array.filter (fun path -> not (path.EndsWith("test.dat", StringComparison.Ordinal)))
    |> Array.sort
    |> Array.map example
    |> List.ofArray

let all =
    match Sip.Properties.Conformance.folder with
    | Some root ->
        testList
            "Torture"
            [
                testList "RFC 4475" (files root "rfc4475/dat" "*.dat")
                testList "RFC 5118" (files root "rfc5118/wire" "*")
            ]
    | None ->
        stdout.WriteLine
            "Left out: the messages of RFC 4475 and 5118 (set SIP_CONFORMANCE to their folder)"

        testList "Torture" []
