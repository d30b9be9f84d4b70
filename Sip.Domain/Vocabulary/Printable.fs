// Printable: any text as one line that moves no terminal and forges no other line. For logs.

namespace Sip

open System
open System.Globalization
open System.Text

/// Making text printable.
[<RequireQualifiedAccess>]
module Printable =

    /// Characters that a line has at most; what is longer is cut.
    let longest = 4096

    // Controls move the cursor or end the line, formats turn it around, and half a pair is no character.
    let private isPlain (c: char) =
        match Char.GetUnicodeCategory c with
        | UnicodeCategory.Control
        | UnicodeCategory.Format
        | UnicodeCategory.LineSeparator
        | UnicodeCategory.ParagraphSeparator
        | UnicodeCategory.Surrogate
        | UnicodeCategory.PrivateUse
        | UnicodeCategory.OtherNotAssigned -> false
        | _ -> c <> '\\'

    let private escape (into: StringBuilder) (c: char) : unit =
        if isPlain c then
            into.Append c |> ignore
        else
            match c with
            | '\\' -> into.Append @"\\" |> ignore
            | '\n' -> into.Append @"\n" |> ignore
            | '\r' -> into.Append @"\r" |> ignore
            | '\t' -> into.Append @"\t" |> ignore
            | other ->
                into.Append(@"\u").Append((int other).ToString("x4", CultureInfo.InvariantCulture))
                |> ignore

    /// The text as one line: what is not plain stands there as `\n`, `\u001b` and so on.
    let line (text: string) : string =
        if text.Length <= longest && String.forall isPlain text then
            text
        else
            let into = StringBuilder(text.Length + 16)
            let mutable at = 0

            while at < text.Length && into.Length < longest do
                escape into text[at]
                at <- at + 1

            if at < text.Length then
                into.Append(" ...") |> ignore

            into.ToString()
