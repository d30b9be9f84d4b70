// Parameters: the ordered `;name=value` lists of URIs and header values (RFC 3261 §7.3.1, §19.1.1).
// Names are compared without case; values are kept as written, quotes included.

namespace Sip

open System.Text

/// One parameter; a flag such as `lr` has no value.
[<Struct>]
type Parameter = { Name: string; Value: string voption }

/// A parameter list in wire order.
type Parameters = Parameter list

/// Finding and changing parameters, keeping their order.
[<RequireQualifiedAccess>]
module Parameters =

    /// The parameter of that name, if it is there.
    let rec tryFind (name: string) (parameters: Parameters) : Parameter voption =
        match parameters with
        | first :: _ when Text.sameText first.Name name -> ValueSome first
        | _ :: rest -> tryFind name rest
        | [] -> ValueNone

    /// Whether a parameter of that name is there.
    let has (name: string) (parameters: Parameters) : bool = (tryFind name parameters).IsSome

    /// The value of that name, if it is there and has one.
    let value (name: string) (parameters: Parameters) : string voption =
        tryFind name parameters |> ValueOption.bind _.Value

    /// The list without that name.
    let remove (name: string) (parameters: Parameters) : Parameters =
        List.filter (fun (p: Parameter) -> not (Text.sameText p.Name name)) parameters

    /// The list with that name at its place, or at the end if it is new.
    let set (name: string) (value: string voption) (parameters: Parameters) : Parameters =
        if has name parameters then
            parameters
            |> List.map (fun p ->
                if Text.sameText p.Name name then
                    { p with Value = value }
                else
                    p)
        else
            parameters @ [ { Name = name; Value = value } ]

    /// Prints the list, each with its semicolon, behind what is printed already.
    let append (out: StringBuilder) (parameters: Parameters) : unit =
        for parameter in parameters do
            out.Append(';').Append(parameter.Name) |> ignore

            match parameter.Value with
            | ValueSome value -> out.Append('=').Append(value) |> ignore
            | ValueNone -> ()

    /// The list as it is printed.
    let print (parameters: Parameters) : string =
        match parameters with
        | [] -> ""
        | _ ->
            let out = Printer.Begin()
            append out parameters
            Printer.Finish out
