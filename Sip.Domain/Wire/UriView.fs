// UriView: a URI as slices of the bytes it stands in (RFC 3261 §19.1.1 and §25.1, RFC 3966).
// HOT: the Request-URI and the top Route are read for every request; nothing is allocated until
// somebody asks for the noun. Its slow twin is Grammar.uri.

namespace Sip.Wire

open System
open System.Buffers
open Sip

/// The schemes that routing tells apart.
[<RequireQualifiedAccess; Struct>]
type UriKind =
    | Sip
    | Sips
    | Tel
    | Other

/// A URI's parts; a part that is not there is `Slice.none`, a port that is not written is -1.
[<Struct>]
type UriView =
    {
        Kind: UriKind
        Whole: Slice
        User: Slice
        Password: Slice
        Host: Slice
        Port: int
        Parameters: Slice
        Headers: Slice
    }

/// Reading URIs from spans.
[<RequireQualifiedAccess>]
module UriView =
    let private sip = "sip"B
    let private sips = "sips"B
    let private tel = "tel"B

    // unreserved = alphanum / mark      mark = "-" "_" "." "!" "~" "*" "'" "(" ")"
    let private unreserved = Text.ofBytes "-_.!~*'()"B

    let private classOf (extra: string) =
        [| 0..255 |]
        |> Array.filter (fun octet ->
            let c = char octet
            Char.IsAsciiLetterOrDigit c || unreserved.Contains c || extra.Contains c)
        |> Array.map byte
        |> fun octets -> SearchValues.Create(ReadOnlySpan octets)

    // user-unreserved = "&" / "=" / "+" / "$" / "," / ";" / "?" / "/"   ('#' is deployed widely)
    let private userChars = classOf "&=+$,;?/#"
    let private passwordChars = classOf "&=+$,"
    // param-unreserved = "[" / "]" / "/" / ":" / "&" / "+" / "$"
    let private parameterChars = classOf "[]/:&+$"
    // hnv-unreserved = "[" / "]" / "/" / "?" / ":" / "+" / "$"
    let private headerChars = classOf "[]/?:+$"
    let private hostChars = classOf ""
    // uric = reserved / unreserved / escaped
    let private anyChars = classOf ";/?:@&=+$,[]#"

    /// The first position from `at` on that neither the class nor an escape `%HH` covers.
    let private skip (all: ReadOnlySpan<byte>) (chars: SearchValues<byte>) (at: int) (end': int) =
        let mutable i = at
        let mutable going = at < end'

        while going do
            let stop = all.Slice(i, end' - i).IndexOfAnyExcept chars

            if stop < 0 then
                i <- end'
                going <- false
            elif
                all[i + stop] = '%'B
                && i + stop + 2 < end'
                && Char.IsAsciiHexDigit(char all[i + stop + 1])
                && Char.IsAsciiHexDigit(char all[i + stop + 2])
            then
                i <- i + stop + 3
            else
                i <- i + stop
                going <- false

        i

    /// The view of no URI at all.
    let none: UriView =
        {
            Kind = UriKind.Other
            Whole = Slice.none
            User = Slice.none
            Password = Slice.none
            Host = Slice.none
            Port = -1
            Parameters = Slice.none
            Headers = Slice.none
        }

    let private nothing (whole: Slice) (kind: UriKind) =
        { none with Kind = kind; Whole = whole }

    /// Where the `;name=value` list at `at` ends.
    let private skipParameters (all: ReadOnlySpan<byte>) (at: int) (end': int) =
        let mutable i = at
        let mutable sound = true

        while sound && i < end' && all[i] = ';'B do
            let nameEnd = skip all parameterChars (i + 1) end'
            sound <- nameEnd > i + 1

            if sound && nameEnd < end' && all[nameEnd] = '='B then
                i <- skip all parameterChars (nameEnd + 1) end'
                sound <- i > nameEnd + 1
            else
                i <- nameEnd

        if sound then i else -1

    /// Where the `?name=value&...` list at `at` ends.
    let private skipHeaders (all: ReadOnlySpan<byte>) (at: int) (end': int) =
        let mutable i = at
        let mutable sound = true

        while sound && i < end' && all[i] = (if i = at then '?'B else '&'B) do
            let nameEnd = skip all headerChars (i + 1) end'
            sound <- nameEnd > i + 1 && nameEnd < end' && all[nameEnd] = '='B
            i <- if sound then skip all headerChars (nameEnd + 1) end' else i

        if sound then i else -1

    let private isHost (all: ReadOnlySpan<byte>) (host: Slice) =
        if host.Length = 0 then
            false
        elif all[host.Start] = '['B then
            host.Length > 3 && all[host.End - 1] = ']'B
        else
            skip all hostChars host.Start host.End = host.End
            && all.Slice(host.Start, host.Length).IndexOf '%'B < 0

    let private hostEnd (all: ReadOnlySpan<byte>) (at: int) (end': int) =
        if at < end' && all[at] = '['B then
            let close = all.Slice(at, end' - at).IndexOf ']'B
            if close < 0 then end' else at + close + 1
        else
            let stop = all.Slice(at, end' - at).IndexOfAny(':'B, ';'B, '?'B)
            if stop < 0 then end' else at + stop

    /// Everything after the user info: host, port, parameters, headers.
    let private readHostPort (all: ReadOnlySpan<byte>) (view: UriView) (at: int) : UriView voption =
        let end' = view.Whole.End
        let hostEnd = hostEnd all at end'
        let host = Slice.between at hostEnd
        let written = hostEnd < end' && all[hostEnd] = ':'B

        let portEnd =
            if written then
                let stop = all.Slice(hostEnd, end' - hostEnd).IndexOfAny(';'B, '?'B)
                if stop < 0 then end' else hostEnd + stop
            else
                hostEnd

        let port =
            if written then
                Slice.port all (Slice.between (hostEnd + 1) portEnd)
            else
                -1

        let parametersEnd = skipParameters all portEnd end'

        let headersEnd =
            if parametersEnd < 0 then
                -1
            else
                skipHeaders all parametersEnd end'

        if not (isHost all host) || (written && port < 0) || headersEnd <> end' then
            ValueNone
        else
            ValueSome
                { view with
                    Host = host
                    Port = port
                    Parameters = Slice.between portEnd parametersEnd
                    Headers = Slice.between parametersEnd headersEnd
                }

    let private readSip (all: ReadOnlySpan<byte>) (view: UriView) (at: int) : UriView voption =
        let sign = all.Slice(at, view.Whole.End - at).IndexOf '@'B

        if sign < 0 then
            readHostPort all view at
        else
            let userEnd = skip all userChars at (at + sign)

            let passwordEnd =
                if userEnd < at + sign && all[userEnd] = ':'B then
                    skip all passwordChars (userEnd + 1) (at + sign)
                else
                    userEnd

            if userEnd = at || passwordEnd <> at + sign then
                ValueNone
            else
                let password =
                    if passwordEnd > userEnd then
                        Slice.between (userEnd + 1) passwordEnd
                    else
                        Slice.none

                readHostPort
                    all
                    { view with
                        User = Slice.between at userEnd
                        Password = password
                    }
                    (at + sign + 1)

    // phonedigit     = DIGIT / [ visual-separator ]
    // phonedigit-hex = HEXDIG / "*" / "#" / [ visual-separator ]
    /// Where the number at `at` ends; a number without a digit ends where it begins (RFC 3966 §3).
    let private skipNumber (all: ReadOnlySpan<byte>) (at: int) (end': int) =
        let isGlobal = at < end' && all[at] = '+'B
        let mutable i = if isGlobal then at + 1 else at
        let mutable digits = 0
        let mutable going = true

        while going && i < end' do
            let c = char all[i]

            let isDigit =
                Char.IsAsciiDigit c
                || (not isGlobal && (Char.IsAsciiHexDigit c || c = '*' || c = '#'))

            digits <- if isDigit then digits + 1 else digits
            going <- isDigit || c = '-' || c = '.' || c = '(' || c = ')'
            i <- if going then i + 1 else i

        if digits > 0 then i else at

    let private readTel (all: ReadOnlySpan<byte>) (view: UriView) (at: int) : UriView voption =
        let numberEnd = skipNumber all at view.Whole.End
        let parametersEnd = skipParameters all numberEnd view.Whole.End

        if numberEnd = at || parametersEnd <> view.Whole.End then
            ValueNone
        else
            ValueSome
                { view with
                    User = Slice.between at numberEnd
                    Parameters = Slice.between numberEnd parametersEnd
                }

    let private isScheme (scheme: ReadOnlySpan<byte>) =
        let mutable sound = scheme.Length > 0 && Char.IsAsciiLetter(char scheme[0])
        let mutable i = 1

        while sound && i < scheme.Length do
            let c = char scheme[i]
            sound <- Char.IsAsciiLetterOrDigit c || c = '+' || c = '-' || c = '.'
            i <- i + 1

        sound

    /// The URI that fills this slice, if it is one.
    let read (all: ReadOnlySpan<byte>) (whole: Slice) : UriView voption =
        let text = Slice.bytes all whole
        let colon = text.IndexOf ':'B

        if colon <= 0 then
            ValueNone
        else
            let scheme = text.Slice(0, colon)
            let rest = whole.Start + colon + 1

            if Text.same scheme sip then
                readSip all (nothing whole UriKind.Sip) rest
            elif Text.same scheme sips then
                readSip all (nothing whole UriKind.Sips) rest
            elif Text.same scheme tel then
                readTel all (nothing whole UriKind.Tel) rest
            elif
                isScheme scheme
                && rest < whole.End
                && skip all anyChars rest whole.End = whole.End
            then
                ValueSome(nothing whole UriKind.Other)
            else
                ValueNone

    let private noParameter: ParameterView =
        {
            Name = Slice.none
            Value = Slice.none
            Next = -1
        }

    /// The `;name=value` whose semicolon stands at `at`; more may stand in a URI's than in a header's.
    let private readParameter (all: ReadOnlySpan<byte>) (at: int) (end': int) : ParameterView =
        let stop = all.Slice(at + 1, end' - at - 1).IndexOf ';'B
        let next = if stop < 0 then end' else at + 1 + stop
        let equal = all.Slice(at, next - at).IndexOf '='B

        if equal < 0 then
            {
                Name = Slice.between (at + 1) next
                Value = Slice.none
                Next = next
            }
        else
            {
                Name = Slice.between (at + 1) (at + equal)
                Value = Slice.between (at + equal + 1) next
                Next = next
            }

    /// The URI parameter of that name, from its semicolon to `Next`; its Next is -1 where there is none.
    let parameter (all: ReadOnlySpan<byte>) (view: UriView) (name: ReadOnlySpan<byte>) =
        let mutable at = view.Parameters.Start
        let mutable found = noParameter

        while view.Parameters.Length > 0 && found.Next < 0 && at < view.Parameters.End do
            let parameter = readParameter all at view.Parameters.End

            if Text.same (Slice.bytes all parameter.Name) name then
                found <- parameter

            at <- parameter.Next

        found

    /// Whether a URI parameter of that name is there, with a value or without.
    let has (all: ReadOnlySpan<byte>) (view: UriView) (name: ReadOnlySpan<byte>) : bool =
        (parameter all view name).Next >= 0

    let rec private parametersFrom (all: ReadOnlySpan<byte>) (at: int) (end': int) : Parameters =
        if at >= end' then
            []
        else
            let parameter = readParameter all at end'

            let first: Parameter =
                {
                    Name = Slice.text all parameter.Name
                    Value =
                        if parameter.Value.IsThere then
                            ValueSome(Slice.text all parameter.Value)
                        else
                            ValueNone
                }

            first :: parametersFrom all parameter.Next end'

    let private toParameters (all: ReadOnlySpan<byte>) (list: Slice) : Parameters =
        parametersFrom all list.Start list.End

    let private headerOf (pair: string) : UriHeader =
        let at = pair.IndexOf '='

        {
            Name = pair.Substring(0, at)
            Value = pair.Substring(at + 1)
        }

    let private toHeaders (all: ReadOnlySpan<byte>) (list: Slice) : UriHeader list =
        if list.Length = 0 then
            []
        else
            // The first question mark begins the list; any further one belongs to a name or a value.
            (Slice.text all (Slice.between (list.Start + 1) list.End))
                .Split('&', StringSplitOptions.RemoveEmptyEntries)
            |> Array.map headerOf
            |> List.ofArray

    let private part (all: ReadOnlySpan<byte>) (slice: Slice) =
        if slice.IsThere then
            ValueSome(Slice.text all slice)
        else
            ValueNone

    let private toSip (all: ReadOnlySpan<byte>) (view: UriView) (scheme: Scheme) : Uri voption =
        match HostView.toHost (Slice.bytes all view.Host) with
        | ValueNone -> ValueNone
        | ValueSome host ->
            ValueSome(
                Uri.Sip
                    {
                        Scheme = scheme
                        User = part all view.User
                        Password = part all view.Password
                        Host = host
                        Port = if view.Port < 0 then ValueNone else ValueSome view.Port
                        Parameters = toParameters all view.Parameters
                        Headers = toHeaders all view.Headers
                    }
            )

    /// The URI as a noun; a host that only looked like one gives none.
    let toUri (all: ReadOnlySpan<byte>) (view: UriView) : Uri voption =
        match view.Kind with
        | UriKind.Sip -> toSip all view Scheme.Sip
        | UriKind.Sips -> toSip all view Scheme.Sips
        | UriKind.Tel ->
            ValueSome(
                Uri.Tel
                    {
                        Number = Slice.text all view.User
                        Parameters = toParameters all view.Parameters
                    }
            )
        | UriKind.Other ->
            let text = Slice.text all view.Whole
            let colon = text.IndexOf ':'
            ValueSome(Uri.Other(text.Substring(0, colon), text.Substring(colon + 1)))

    /// The URI that a text is, if it is one.
    let ofText (text: string) : Uri voption =
        let bytes = Text.toBytes text
        let all = ReadOnlySpan bytes

        match read all (Slice.between 0 bytes.Length) with
        | ValueSome view -> toUri all view
        | ValueNone -> ValueNone
