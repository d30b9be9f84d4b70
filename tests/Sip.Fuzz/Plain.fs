// Plain: a second, naive reader: a message as lines of text, none of it by the domain's own code. It keeps
// folded lines together and says nothing about their meaning.

namespace Sip.Fuzz

open System
open System.Collections.Generic
open Sip.Properties.World

/// A message as lines.
type Plain =
    {
        Start: string
        /// Each field as it stands, its folds included.
        Lines: string list
        Body: string
    }

/// Reading lines.
[<RequireQualifiedAccess>]
module Plain =

    let private isFold (line: string) =
        line.StartsWith ' ' || line.StartsWith '\t'

    /// The message, if its head ends.
    let read (text: string) : Plain voption =
        let text = text.TrimStart('\r', '\n')
        let stop = text.IndexOf("\r\n\r\n", StringComparison.Ordinal)

        if stop < 0 then
            ValueNone
        else
            let lines = List<string>()

            for line in text.Substring(0, stop).Split "\r\n" do
                if isFold line && lines.Count > 1 then
                    lines[lines.Count - 1] <- String.Concat(lines[lines.Count - 1], "\r\n", line)
                else
                    lines.Add line

            ValueSome
                {
                    Start = lines[0]
                    Lines = List.ofSeq (Seq.skip 1 lines)
                    Body = text.Substring(stop + 4)
                }

    /// The name of a field, in lower case, with the compact forms written out.
    let name (line: string) : string =
        let colon = line.IndexOf ':'
        let name = line.Substring(0, max 0 colon).TrimEnd(' ', '\t').ToLowerInvariant()

        match name with
        | "v" -> "via"
        | "f" -> "from"
        | "t" -> "to"
        | "i" -> "call-id"
        | "m" -> "contact"
        | "l" -> "content-length"
        | "c" -> "content-type"
        | "k" -> "supported"
        | name -> name

    /// The value of a field, without white space at its ends.
    let value (line: string) : string =
        line.Substring(line.IndexOf ':' + 1).Trim(' ', '\t', '\r', '\n')

    /// The values of every field of that name.
    let values (wanted: string) (plain: Plain) : string list =
        plain.Lines |> List.filter (fun line -> name line = wanted) |> List.map value

    let private spelt (line: string) =
        match name line with
        | "via" -> "Via"
        | "from" -> "From"
        | "to" -> "To"
        | "call-id" -> "Call-ID"
        | "cseq" -> "CSeq"
        | "record-route" -> "Record-Route"
        | _ -> line.Substring(0, max 0 (line.IndexOf ':'))

    /// The same for whoever answers it.
    let toSheet (plain: Plain) : Sheet =
        {
            Start = plain.Start
            Fields = plain.Lines |> List.map (fun line -> spelt line, value line)
            Body = plain.Body
        }
