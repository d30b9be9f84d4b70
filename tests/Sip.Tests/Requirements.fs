// Requirements: the tables of what RFCs demand and where servers stumble (tests/Requirements) are whole: each
// row says which law or example shows its sentence, or why it is not ours, and every law and example that it
// names is there.

module Sip.Tests.Requirements

open System
open System.IO
open Expecto

/// One MUST sentence.
type private Row =
    {
        Line: int
        Id: string
        Section: string
        Words: string
        Shown: string
    }

let private rowsOf (table: string) : Row list =
    File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, table))
    |> List.ofArray
    |> List.indexed
    |> List.tail
    |> List.map (fun (i, line) ->
        match line.Split '\t' with
        | [| id; section; words; shown |] ->
            {
                Line = i + 1
                Id = id
                Section = section
                Words = words
                Shown = shown
            }
        | _ -> failtest $"line %d{i + 1} has not four columns")

let private rows: Row list = rowsOf "requirements.tsv" @ rowsOf "behaviours.tsv"

let private reason = "n/a: "

// What is shown by a test that runs elsewhere is named by its file and its words.
let private stands (name: string) : bool =
    match name.IndexOf ": " with
    | -1 -> false
    | at ->
        let path = Path.Combine(Project.root, name.Substring(0, at))
        File.Exists path && (File.ReadAllText path).Contains(name.Substring(at + 2))

let private names (row: Row) : string list =
    if row.Shown.StartsWith(reason, StringComparison.Ordinal) then
        []
    else
        row.Shown.Split " + " |> List.ofArray

/// The examples of the table, given every suite whose laws and examples it may name.
let all (suites: Test list) : Test =
    // The name of the whole suite is left out, as in the table.
    let known =
        suites
        |> List.collect Test.toTestCodeList
        |> List.map (fun test -> String.Join('.', List.tail test.name))
        |> Set.ofList

    testList
        "Requirements"
        [
            test "no column of the table is blank" {
                for row in rows do
                    for column in [ row.Id; row.Section; row.Words; row.Shown ] do
                        Expect.isNotEmpty (column.Trim()) $"line %d{row.Line}"

                    Expect.notEqual (row.Shown.Trim()) (reason.Trim()) $"line %d{row.Line}"
            }

            test "no sentence stands in the table twice" {
                let twice = rows |> List.countBy _.Id |> List.filter (fun (_, n) -> n > 1)
                Expect.isEmpty twice "each once"
            }

            test "every law and example that the table names is there" {
                let missing =
                    [
                        for row in rows do
                            for name in names row do
                                if not (Set.contains name known || stands name) then
                                    $"%s{row.Id}: %s{name}"
                    ]

                Expect.equal missing [] "all there"
            }
        ]
