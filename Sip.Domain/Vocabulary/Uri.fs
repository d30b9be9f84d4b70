// Uri: SIP, SIPS and TEL URIs as values, and when two of them are the same (RFC 3261 §19.1, RFC 3966).
// User, password and parameters are kept as written, escapes included; comparing decodes them.

namespace Sip

open System
open System.Text

/// A `?name=value` header that a URI carries (RFC 3261 §19.1.1).
[<Struct>]
type UriHeader = { Name: string; Value: string }

/// A SIP or SIPS URI.
type SipUri =
    {
        Scheme: Scheme
        User: string voption
        Password: string voption
        Host: Host
        Port: int voption
        Parameters: Parameters
        Headers: UriHeader list
    }

/// A telephone number as a URI (RFC 3966).
type TelUri =
    {
        Number: string
        Parameters: Parameters
    }

/// Any URI that a request line or a header may hold.
[<RequireQualifiedAccess>]
type Uri =
    | Sip of Sip: SipUri
    | Tel of Tel: TelUri
    | Other of Scheme: string * Rest: string

/// Decoding of `%HH`, once and never recursively.
[<RequireQualifiedAccess>]
module Escape =

    let private hex (c: char) =
        if Char.IsAsciiHexDigit c then
            Convert.ToInt32(string c, 16)
        else
            -1

    /// The text with every `%HH` replaced by the character it stands for.
    let decode (text: string) : string =
        if not (text.Contains '%') then
            text
        else
            let out = StringBuilder text.Length
            let mutable i = 0

            while i < text.Length do
                if
                    text[i] = '%'
                    && i + 2 < text.Length
                    && hex text[i + 1] >= 0
                    && hex text[i + 2] >= 0
                then
                    out.Append(char (hex text[i + 1] * 16 + hex text[i + 2])) |> ignore
                    i <- i + 3
                else
                    out.Append text[i] |> ignore
                    i <- i + 1

            out.ToString()

    let private digit (octet: byte) =
        if octet <= '9'B then
            int octet - int '0'B
        else
            int (octet ||| 0x20uy) - int 'a'B + 10

    /// Writes the same of wire bytes, a character a byte, and returns how many there are. The target is as
    /// long as the bytes at least. HOT.
    let decodeTo (bytes: ReadOnlySpan<byte>) (target: Span<char>) : int =
        let mutable length = 0
        let mutable i = 0

        while i < bytes.Length do
            if
                bytes[i] = '%'B
                && i + 2 < bytes.Length
                && Char.IsAsciiHexDigit(char bytes[i + 1])
                && Char.IsAsciiHexDigit(char bytes[i + 2])
            then
                target[length] <- char (digit bytes[i + 1] * 16 + digit bytes[i + 2])
                i <- i + 3
            else
                target[length] <- char bytes[i]
                i <- i + 1

            length <- length + 1

        length

/// Asking, comparing and printing URIs.
[<RequireQualifiedAccess>]
module Uri =

    let private schemeText (scheme: Scheme) =
        match scheme with
        | Scheme.Sip -> "sip:"
        | Scheme.Sips -> "sips:"

    let private appendHeaders (out: StringBuilder) (headers: UriHeader list) =
        let mutable sign = '?'

        for header in headers do
            out.Append(sign).Append(header.Name).Append('=').Append(header.Value) |> ignore
            sign <- '&'

    let private appendSip (out: StringBuilder) (uri: SipUri) : unit =
        out.Append(schemeText uri.Scheme) |> ignore

        match uri.User, uri.Password with
        | ValueSome user, ValueSome password ->
            out.Append(user).Append(':').Append(password).Append('@') |> ignore
        | ValueSome user, ValueNone -> out.Append(user).Append('@') |> ignore
        | ValueNone, _ -> ()

        out.Append(Host.print uri.Host) |> ignore

        match uri.Port with
        | ValueSome port -> out.Append(':').Append(port) |> ignore
        | ValueNone -> ()

        Parameters.append out uri.Parameters
        appendHeaders out uri.Headers

    /// Prints the URI behind what is printed already.
    let append (out: StringBuilder) (uri: Uri) : unit =
        match uri with
        | Uri.Sip sip -> appendSip out sip
        | Uri.Tel tel ->
            out.Append("tel:").Append(tel.Number) |> ignore
            Parameters.append out tel.Parameters
        | Uri.Other(scheme, rest) -> out.Append(scheme).Append(':').Append(rest) |> ignore

    /// The URI as it is printed.
    let print (uri: Uri) : string =
        let out = Printer.Begin()
        append out uri
        Printer.Finish out

    /// The SIP URI as it is printed.
    let printSip (uri: SipUri) : string =
        let out = Printer.Begin()
        appendSip out uri
        Printer.Finish out

    /// What the URI says about transport.
    let said (uri: SipUri) : Said =
        Transport.said uri.Scheme (Parameters.value "transport" uri.Parameters)

    /// A plain SIP URI of a user at a host.
    let ofUser (user: string) (host: Host) : SipUri =
        {
            Scheme = Scheme.Sip
            User = ValueSome user
            Password = ValueNone
            Host = host
            Port = ValueNone
            Parameters = []
            Headers = []
        }

    // RFC 3261 §19.1.4: these match only if both or neither have them; any other parameter
    // that stands in one URI alone is ignored.
    let private mustMatch = [ "user"; "ttl"; "method"; "maddr"; "transport" ]

    let private sameValue (left: string voption) (right: string voption) =
        match left, right with
        | ValueSome a, ValueSome b -> Text.sameText (Escape.decode a) (Escape.decode b)
        | ValueNone, ValueNone -> true
        | ValueSome _, ValueNone
        | ValueNone, ValueSome _ -> false

    let private sameParameters (left: Parameters) (right: Parameters) =
        let required =
            mustMatch
            |> List.forall (fun name -> Parameters.has name left = Parameters.has name right)

        let shared =
            left
            |> List.forall (fun p ->
                match Parameters.tryFind p.Name right with
                | ValueSome other -> sameValue p.Value other.Value
                | ValueNone -> true)

        required && shared

    let private sameHeaders (left: UriHeader list) (right: UriHeader list) =
        let within (some: UriHeader list) (all: UriHeader list) =
            some
            |> List.forall (fun h ->
                all
                |> List.exists (fun o ->
                    Text.sameText h.Name o.Name && Escape.decode h.Value = Escape.decode o.Value))

        left.Length = right.Length && within left right && within right left

    let private sameDecoded (left: string voption) (right: string voption) =
        match left, right with
        | ValueSome a, ValueSome b -> String.Equals(Escape.decode a, Escape.decode b)
        | ValueNone, ValueNone -> true
        | ValueSome _, ValueNone
        | ValueNone, ValueSome _ -> false

    let private sameUserInfo (left: SipUri) (right: SipUri) =
        sameDecoded left.User right.User && sameDecoded left.Password right.Password

    /// Whether two SIP URIs are equal (RFC 3261 §19.1.4): a port that is written differs from none.
    let sameSip (left: SipUri) (right: SipUri) : bool =
        left.Scheme = right.Scheme
        && sameUserInfo left right
        && left.Host = right.Host
        && ValueOption.defaultValue -1 left.Port = ValueOption.defaultValue -1 right.Port
        && sameParameters left.Parameters right.Parameters
        && sameHeaders left.Headers right.Headers

    let private digits (number: string) =
        String.filter (fun c -> not (Seq.contains c "-.() ")) number

    /// Whether two URIs are equal; schemes we do not know are compared as text.
    let same (left: Uri) (right: Uri) : bool =
        match left, right with
        | Uri.Sip a, Uri.Sip b -> sameSip a b
        | Uri.Tel a, Uri.Tel b ->
            Text.sameText (digits a.Number) (digits b.Number)
            && sameParameters a.Parameters b.Parameters
            && sameParameters b.Parameters a.Parameters
        | Uri.Other(scheme, rest), Uri.Other(scheme', rest') ->
            Text.sameText scheme scheme' && rest = rest'
        | Uri.Sip _, (Uri.Tel _ | Uri.Other _)
        | Uri.Tel _, (Uri.Sip _ | Uri.Other _)
        | Uri.Other _, (Uri.Sip _ | Uri.Tel _) -> false
