// HttpRequest: the head of an HTTP/1.1 request, read strictly (RFC 9112 §3, §5): no folding, no
// space before a colon, no bare CR or LF.

namespace Sip.Wire

open System
open Sip

/// The head of a request.
type HttpRequest =
    {
        Method: string
        Target: string
        Version: string
        Fields: (string * string) list
    }

/// Reading requests.
[<RequireQualifiedAccess>]
module HttpRequest =

    let internal isToken (text: string) =
        text <> ""
        && text |> String.forall (fun c -> c < '\u0080' && Text.isToken (byte c))

    let internal isValue (text: string) =
        text |> String.forall (fun c -> c = '\t' || (c >= ' ' && c <> '\u007F'))

    let internal field (line: string) =
        let colon = line.IndexOf ':'

        if colon < 1 then
            None
        else
            let name = line.Substring(0, colon)
            let value = line.Substring(colon + 1).Trim([| ' '; '\t' |])

            if isToken name && isValue value then
                Some(name, value)
            else
                None

    /// The request with this head, if it is one.
    let read (head: string) : HttpRequest option =
        match List.ofArray (head.Split "\r\n") with
        | first :: lines ->
            let fields = List.choose field lines

            match first.Split ' ' with
            | [| method; target; version |] when
                isToken method && target <> "" && isValue first && fields.Length = lines.Length
                ->
                Some
                    {
                        Method = method
                        Target = target
                        Version = version
                        Fields = fields
                    }
            | _ -> None
        | [] -> None

    /// The values of all fields of this name.
    let values (name: string) (request: HttpRequest) : string list =
        request.Fields |> List.filter (fst >> Text.sameText name) |> List.map snd

    /// The elements of a field that is a list (RFC 9110 §5.6.1).
    let elements (name: string) (request: HttpRequest) : string list =
        values name request
        |> List.collect (fun value -> List.ofArray (value.Split ','))
        |> List.map (fun element -> element.Trim([| ' '; '\t' |]))
        |> List.filter (fun element -> element <> "")
