// NameAddr: `"display" <uri>;parameters`, the shape of From, To, Contact, Route and Record-Route
// (RFC 3261 §20.10).

namespace Sip

/// A name-addr or addr-spec with the header's parameters.
type NameAddr =
    {
        Display: string
        Uri: Uri
        Parameters: Parameters
    }

/// What a Contact header says: everything, or these.
[<RequireQualifiedAccess>]
type Contacts =
    | Star
    | These of NameAddr list

/// Making and printing name-addrs.
[<RequireQualifiedAccess>]
module NameAddr =

    /// A bare URI without display name or parameters.
    let ofUri (uri: Uri) : NameAddr =
        {
            Display = ""
            Uri = uri
            Parameters = []
        }

    /// The value as it is printed, always in angle brackets.
    let print (value: NameAddr) : string =
        let out = Printer.Begin()

        if value.Display <> "" then
            out.Append(value.Display).Append(' ') |> ignore

        out.Append '<' |> ignore
        Uri.append out value.Uri
        out.Append '>' |> ignore
        Parameters.append out value.Parameters
        Printer.Finish out
