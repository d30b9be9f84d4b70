// HttpResponse: the head of an HTTP/1.1 response, read strictly (RFC 9112 §4, §5).

namespace Sip.Wire

open System
open Sip

/// The head of a response.
type HttpResponse =
    {
        Status: int
        Phrase: string
        Fields: (string * string) list
    }

/// Reading responses.
[<RequireQualifiedAccess>]
module HttpResponse =

    // status-line = HTTP-version SP status-code SP [ reason-phrase ]
    let private statusLine (line: string) =
        let isDigit (c: char) = c >= '0' && c <= '9'

        if
            line.Length >= 12
            && line.StartsWith("HTTP/1.1 ", StringComparison.Ordinal)
            && String.forall isDigit (line.Substring(9, 3))
            && (line.Length = 12 || line[12] = ' ')
            && HttpRequest.isValue line
        then
            Some(Int32.Parse(line.AsSpan(9, 3)), line.Substring(min 13 line.Length))
        else
            None

    /// The response with this head, if it is one.
    let read (head: string) : HttpResponse option =
        match List.ofArray (head.Split "\r\n") with
        | first :: lines ->
            let fields = List.choose HttpRequest.field lines

            match statusLine first with
            | Some(status, phrase) when fields.Length = lines.Length ->
                Some
                    {
                        Status = status
                        Phrase = phrase
                        Fields = fields
                    }
            | Some _
            | None -> None
        | [] -> None

    /// The values of all fields of this name.
    let values (name: string) (response: HttpResponse) : string list =
        response.Fields |> List.filter (fst >> Text.sameText name) |> List.map snd
