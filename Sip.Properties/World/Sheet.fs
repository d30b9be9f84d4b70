// Sheet: a message as the simulated phones see it: lines of text, read and written without any of the
// domain's own code, so that the two check each other.

namespace Sip.Properties.World

open System

/// A start line, header fields in order, and a body.
type Sheet =
    {
        Start: string
        Fields: (string * string) list
        Body: string
    }

/// Reading and writing sheets.
[<RequireQualifiedAccess>]
module Sheet =

    let private field (line: string) =
        let colon = line.IndexOf ':'
        line.Substring(0, colon).Trim(), line.Substring(colon + 1).Trim()

    /// The sheet of a whole message.
    let read (text: string) : Sheet =
        let stop = text.IndexOf("\r\n\r\n", StringComparison.Ordinal)
        let lines = text.Substring(0, stop).Split "\r\n"

        {
            Start = lines[0]
            Fields = lines |> Array.skip 1 |> Array.map field |> List.ofArray
            Body = text.Substring(stop + 4)
        }

    /// The message's text.
    let print (sheet: Sheet) : string =
        let fields =
            sheet.Fields
            |> List.map (fun (name, value) -> String.Concat(name, ": ", value, "\r\n"))
            |> String.Concat

        String.Concat(sheet.Start, "\r\n", fields, "\r\n") + sheet.Body

    let private isNamed (name: string) (field: string, _: string) =
        name.Equals(field, StringComparison.OrdinalIgnoreCase)

    /// Every field's value of that name.
    let all (name: string) (sheet: Sheet) : string list =
        sheet.Fields |> List.filter (isNamed name) |> List.map snd

    /// The first field's value of that name, or nothing.
    let first (name: string) (sheet: Sheet) : string =
        all name sheet |> List.tryHead |> Option.defaultValue ""

    /// Whether the sheet is a request.
    let isRequest (sheet: Sheet) : bool =
        not (sheet.Start.StartsWith("SIP/2.0 ", StringComparison.Ordinal))

    /// The status of a response.
    let status (sheet: Sheet) : int = int (sheet.Start.Substring(8, 3))

    /// The method of a request, or of what a response answers.
    let method (sheet: Sheet) : string =
        let cseq = first "CSeq" sheet
        cseq.Substring(cseq.IndexOf ' ' + 1)

    /// The number of the CSeq.
    let number (sheet: Sheet) : int =
        let cseq = first "CSeq" sheet
        int (cseq.Substring(0, cseq.IndexOf ' '))

    /// A `;name=value` of a header value, or nothing.
    let parameter (name: string) (value: string) : string =
        let mark = String.Concat(";", name, "=")
        let at = value.IndexOf(mark, StringComparison.Ordinal)

        if at < 0 then
            ""
        else
            let start = at + mark.Length
            let stop = value.IndexOfAny([| ';'; ','; '>'; ' ' |], start)

            if stop < 0 then
                value.Substring start
            else
                value.Substring(start, stop - start)

    /// The tag of From or To: a parameter after the brackets.
    let tag (name: string) (sheet: Sheet) : string =
        let value = first name sheet
        let close = value.IndexOf '>'
        parameter "tag" (if close < 0 then value else value.Substring(close + 1))

    /// What stands between angle brackets.
    let uri (value: string) : string =
        let start = value.IndexOf '<'

        if start < 0 then
            value
        else
            value.Substring(start + 1, value.IndexOf('>', start) - start - 1)

    /// The branch of the top Via.
    let branch (sheet: Sheet) : string = parameter "branch" (first "Via" sheet)

    /// The Request-URI.
    let target (sheet: Sheet) : string = (sheet.Start.Split ' ')[1]

    /// A response to a request, with the fields that responses copy.
    let respond
        (status: int)
        (tag: string)
        (more: (string * string) list)
        (request: Sheet)
        : Sheet =
        let copied =
            request.Fields
            |> List.filter (fun field ->
                [ "Via"; "From"; "Call-ID"; "CSeq"; "Record-Route" ]
                |> List.exists (fun name -> isNamed name field))

        let target = first "To" request

        let target =
            if status = 100 || (tag = "" || target.Contains ";tag=") then
                target
            else
                String.Concat(target, ";tag=", tag)

        {
            Start = String.Concat("SIP/2.0 ", string status, " Said")
            Fields = copied @ [ "To", target ] @ more @ [ "Content-Length", "0" ]
            Body = ""
        }
