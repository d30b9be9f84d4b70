// PrintableLaws: what a log may be given, and what becomes of it.

module Sip.Properties.PrintableLaws

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip

let private anything =
    let part =
        Gen.oneof
            [
                Gen.map char (Gen.choose (0, 0xFFFF)) |> Gen.map string
                Gen.elements
                    [
                        "\r\n"
                        "\027[2J"
                        "\027]0;title\007"
                        "\u202E"
                        "\u2028"
                        "\u0085"
                        "info: Sip[1] "
                        "\\n"
                        "plain"
                        String('x', 3000)
                    ]
            ]

    Gen.listOf part |> Gen.map (String.concat "") |> Arb.fromGen

let private isOfLine (c: char) =
    not (Char.IsControl c)
    && not (Char.IsSurrogate c)
    && Char.GetUnicodeCategory c <> Globalization.UnicodeCategory.Format
    && Char.GetUnicodeCategory c <> Globalization.UnicodeCategory.LineSeparator
    && Char.GetUnicodeCategory c <> Globalization.UnicodeCategory.ParagraphSeparator

let all =
    testList
        "Printable"
        [
            Law.holds "whatever is logged is one line that moves no terminal" anything (fun text ->
                Seq.forall isOfLine (Printable.line text))
            Law.holds "no line of a log is longer than its bound" anything (fun text ->
                (Printable.line text).Length <= Printable.longest + 10)
            Law.holds
                "two texts that fit are never logged alike"
                (Arb.fromGen (Gen.two anything.Generator))
                (fun (one, other) ->
                    one = other
                    || (Printable.line one).Length >= Printable.longest
                    || Printable.line one <> Printable.line other)
        ]
