// Said: SIP messages as the tests' own clients write and read them. Deliberately not the domain's
// reading: what the server writes is judged by other eyes than its own.

namespace Sip.Sockets

open System
open System.Text

/// One message, its header lines in order.
type Said =
    {
        Start: string
        Headers: (string * string) list
        Body: byte[]
    }

/// Writing and reading messages.
[<RequireQualifiedAccess>]
module Said =

    let bytes (text: string) : byte[] = Encoding.Latin1.GetBytes text
    let text (bytes: byte[]) : string = Encoding.Latin1.GetString bytes

    /// A message of these lines, with the Content-Length that its body has.
    let write (start: string) (headers: (string * string) list) (body: byte[]) : byte[] =
        let lines =
            start :: [ for name, value in headers -> $"{name}: {value}" ]
            @ [ $"Content-Length: {body.Length}"; ""; "" ]

        Array.append (bytes (String.Join("\r\n", lines))) body

    let private header (line: string) =
        let colon = line.IndexOf ':'

        if colon < 1 then
            failwith $"the server wrote a header line that is none: {line}"

        line.Substring(0, colon).Trim(), line.Substring(colon + 1).Trim()

    // A line that begins with white space belongs to the one before it (§7.3.1).
    let private unfolded (lines: string list) : string list =
        let add (line: string) (rest: string list) =
            match rest with
            | next :: others when next.StartsWith ' ' || next.StartsWith '\t' ->
                String.Concat(line, "\r\n", next) :: others
            | _ -> line :: rest

        List.foldBack add lines []

    /// The message that these bytes are.
    let read (message: byte[]) : Said =
        let end' = ReadOnlySpan(message).IndexOf(ReadOnlySpan "\r\n\r\n"B)

        if end' < 0 then
            failwith $"the server wrote no message: {text message}"

        let lines = (text message[.. end' - 1]).Split "\r\n" |> List.ofArray

        {
            Start = List.head lines
            Headers = List.map header (unfolded (List.tail lines))
            Body = message[end' + 4 ..]
        }

    let private compact =
        Map
            [
                "v", "via"
                "f", "from"
                "t", "to"
                "i", "call-id"
                "m", "contact"
                "l", "content-length"
                "c", "content-type"
            ]

    let private full (name: string) =
        let lower = name.ToLowerInvariant()
        Map.tryFind lower compact |> Option.defaultValue lower

    /// The values of every line with this name, or its compact form.
    let all (name: string) (said: Said) : string list =
        said.Headers |> List.filter (fun (n, _) -> full n = full name) |> List.map snd

    /// The value of the first line with this name; empty for none.
    let one (name: string) (said: Said) : string =
        all name said |> List.tryHead |> Option.defaultValue ""

    /// The status of a response, 0 of a request.
    let status (said: Said) : int =
        if said.Start.StartsWith("SIP/2.0 ", StringComparison.Ordinal) then
            int (said.Start.Substring(8, 3))
        else
            0

    /// The first word of a request.
    let method (said: Said) : string = said.Start.Split(' ').[0]

    /// The Request-URI of a request.
    let target (said: Said) : string = said.Start.Split(' ').[1]

    /// What stands between the angle brackets.
    let uri (address: string) : string =
        let from = address.IndexOf '<'
        let upTo = address.IndexOf '>'
        address.Substring(from + 1, upTo - from - 1)

    /// The value of a parameter behind the first semicolon; empty for none.
    let parameter (name: string) (value: string) : string =
        value.Split ';'
        |> Array.tryPick (fun part ->
            let trimmed = part.Trim()

            if trimmed.StartsWith(name + "=", StringComparison.OrdinalIgnoreCase) then
                Some(trimmed.Substring(name.Length + 1))
            else
                None)
        |> Option.defaultValue ""

    /// All that tells one message from its retransmission.
    let identity (said: Said) : string =
        String.Join("|", [ said.Start; one "Via" said; one "Call-ID" said; one "CSeq" said ])
