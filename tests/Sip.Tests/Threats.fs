// Threats: THREATS.md is whole: every threat that we know of has one row, and whatever a row names as showing its
// answer is there. A row may say `not ours: why` or `open: what` instead.

module Sip.Tests.Threats

open System
open System.IO
open System.Text.RegularExpressions
open Expecto

/// One threat: its number, what it is, what we answer, and what shows that.
type private Row =
    {
        Id: string
        Threat: string
        Answer: string
        Shown: string
    }

/// The threats that there are: a letter for each kind, and how many of it.
let private known: string list =
    [
        for letter, count in
            [
                'A', 17
                'B', 9
                'C', 14
                'D', 8
                'E', 16
                'F', 10
                'G', 9
                'H', 9
                'I', 8
                'J', 11
                'K', 11
                'L', 13
            ] do
            for number in 1..count do
                String.Concat(string letter, string number)
    ]

// `| row | threat | answer | shown by |`; a bar within a column is written `\|`.
let private rows: Row list =
    [
        for line in File.ReadAllLines(Path.Combine(Project.root, "THREATS.md")) do
            match Regex.Split(line.Trim(), @"(?<!\\)\|") |> Array.map _.Trim() with
            | [| ""; id; threat; answer; shown; "" |] when Regex.IsMatch(id, "^[A-Z][0-9]+$") ->
                {
                    Id = id
                    Threat = threat
                    Answer = answer
                    Shown = shown
                }
            | _ -> ()
    ]

let private isUnanswered (row: Row) =
    Regex.IsMatch(row.Answer, "^(not ours|open): ...")
    || Regex.IsMatch(row.Shown, "^(not ours|open): ...")

/// All that laws, examples, live tests and cases are written in.
let private sources: Lazy<string> =
    lazy
        (let texts =
            [
                for folder in [ "Sip.Properties"; "tests" ] do
                    for file in
                        Directory.EnumerateFiles(
                            Path.Combine(Project.root, folder),
                            "*",
                            SearchOption.AllDirectories
                        ) do
                        let place = file.Substring(Project.root.Length).Replace('\\', '/')

                        let isSource =
                            [ ".fs"; ".js"; ".txt"; ".tsv" ]
                            |> List.exists (fun ending ->
                                place.EndsWith(ending, StringComparison.Ordinal))

                        if
                            isSource
                            && not (Regex.IsMatch(place, "/(bin|obj|node_modules)/"))
                            && not (place.EndsWith("/Threats.fs", StringComparison.Ordinal))
                        then
                            File.ReadAllText file
            ]

         // A quotation mark within a name is written `\"` in a source.
         String.Join("\n", texts).Replace("\\\"", "\""))

// Of a name that is made of parts, the parts that are written out: each begins a name of its own.
let private patterns: Lazy<Regex list> =
    lazy
        [
            for found in Regex.Matches(sources.Value, "\\$\"([^\"\\n]+)\"") do
                let parts = Regex.Split(found.Groups[1].Value, @"(?:%[a-z])?\{[^}]*\}")

                if Array.sumBy String.length parts >= 14 then
                    Regex("^" + String.Join(".+", Array.map Regex.Escape parts))
        ]

let private isThere (name: string) =
    sources.Value.Contains(name, StringComparison.Ordinal)
    || List.exists (fun (pattern: Regex) -> pattern.IsMatch name) patterns.Value

let private names (row: Row) : string list =
    [
        for found in Regex.Matches(row.Shown, "\"([^\"]+)\"") -> found.Groups[1].Value
    ]

let private scripts (row: Row) : string list =
    [
        for found in Regex.Matches(row.Shown, @"\b(?:scripts|tests)/[\w./-]*\w") -> found.Value
    ]

let all: Test =
    testList
        "Threats"
        [
            testCase "every threat that is known has a row, and only one"
            <| fun () ->
                let ids = rows |> List.map _.Id
                let missing = known |> List.except ids
                let strange = ids |> List.except known

                let doubled =
                    ids
                    |> List.countBy id
                    |> List.filter (fun (_, count) -> count > 1)
                    |> List.map fst

                Expect.equal (missing, strange, doubled) ([], [], []) "missing, unknown, doubled"
            testCase
                "every threat is answered and its answer shown, or it says that it is open or not ours"
            <| fun () ->
                let idle =
                    rows
                    |> List.filter (fun row ->
                        row.Threat = ""
                        || row.Answer = ""
                        || (not (isUnanswered row) && (names row).IsEmpty && (scripts row).IsEmpty))
                    |> List.map _.Id

                Expect.equal idle [] "rows that nothing shows"
            testCase "every law, test and script that a threat names is there"
            <| fun () ->
                let lost =
                    [
                        for row in rows do
                            for name in names row do
                                if not (isThere name) then
                                    String.Concat(row.Id, ": ", name)

                            for script in scripts row do
                                let path = Path.Combine(Project.root, script)

                                if not (File.Exists path || Directory.Exists path) then
                                    String.Concat(row.Id, ": ", script)
                    ]

                Expect.equal lost [] "names of nothing"
        ]
