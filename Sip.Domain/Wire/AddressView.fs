// AddressView: a name-addr or addr-spec with its parameters as slices: From, To, Contact, Route and
// Record-Route (RFC 3261 §20.10, §25.1). HOT: From, To and Route are read for every message.

namespace Sip.Wire

open System
open Sip

/// One `"display" <uri>;parameters` value; Display is none where no name stands there.
[<Struct>]
type AddressView =
    {
        Whole: Slice
        Display: Slice
        Uri: UriView
        Parameters: Slice
        /// The value of the tag, none where there is none.
        Tag: Slice
    }

/// Reading name-addrs from spans.
[<RequireQualifiedAccess>]
module AddressView =

    let private tag = "tag"B

    // display-name = *(token LWS) / quoted-string
    /// Where the tokens of an unquoted display name end.
    let private skipTokens (all: ReadOnlySpan<byte>) (at: int) (end': int) =
        let mutable i = at

        while i < end' && (Text.isToken all[i] || Text.isSpace all[i]) do
            i <- i + 1

        i

    let private make (all: ReadOnlySpan<byte>) whole display uri rest : AddressView voption =
        let mutable tagValue = Slice.none

        match UriView.read all uri with
        | ValueSome view when ParameterView.areSound all rest tag &tagValue ->
            ValueSome
                {
                    Whole = whole
                    Display = display
                    Uri = view
                    Parameters = rest
                    Tag = tagValue
                }
        | ValueSome _
        | ValueNone -> ValueNone

    /// `<uri>` at `open'`, and what follows it.
    let private bracketed (all: ReadOnlySpan<byte>) (whole: Slice) (display: Slice) (open': int) =
        if open' >= whole.End || all[open'] <> '<'B then
            ValueNone
        else
            let close = all.Slice(open', whole.End - open').IndexOf '>'B

            if close < 0 then
                ValueNone
            else
                let uri = Slice.between (open' + 1) (open' + close)
                make all whole display uri (Slice.between (open' + close + 1) whole.End)

    // RFC 3261 §20.10: without brackets, what follows the first semicolon belongs to the header,
    // and a URI with a comma, a question mark or a semicolon must stand in brackets.
    let private bare (all: ReadOnlySpan<byte>) (whole: Slice) =
        let stop = (Slice.bytes all whole).IndexOf ';'B
        let end' = if stop < 0 then whole.End else whole.Start + stop
        let uri = Slice.trim all (Slice.between whole.Start end')

        if (Slice.bytes all uri).IndexOfAny('?'B, ','B) >= 0 then
            ValueNone
        else
            make all whole Slice.none uri (Slice.between end' whole.End)

    /// The value that fills this slice, if it is one.
    let read (all: ReadOnlySpan<byte>) (slice: Slice) : AddressView voption =
        let whole = Slice.trim all slice

        if whole.Length = 0 then
            ValueNone
        elif all[whole.Start] = '"'B then
            match Slice.skipQuoted all whole.Start whole.End with
            | -1 -> ValueNone
            | after ->
                let open' = Slice.skipSpace all after whole.End
                bracketed all whole (Slice.between whole.Start after) open'
        else
            let open' = skipTokens all whole.Start whole.End

            if open' < whole.End && all[open'] = '<'B then
                let display =
                    if open' = whole.Start then
                        Slice.none
                    else
                        Slice.trim all (Slice.between whole.Start open')

                bracketed all whole display open'
            else
                bare all whole

    /// The SIP or SIPS URI of the value that fills this slice, if it is one and has one.
    let toSip (all: ReadOnlySpan<byte>) (slice: Slice) : SipUri voption =
        match read all slice with
        | ValueSome view ->
            match UriView.toUri all view.Uri with
            | ValueSome(Uri.Sip uri) -> ValueSome uri
            | ValueSome(Uri.Tel _ | Uri.Other _)
            | ValueNone -> ValueNone
        | ValueNone -> ValueNone

    /// The value as a noun.
    let toNameAddr (all: ReadOnlySpan<byte>) (view: AddressView) : NameAddr voption =
        match UriView.toUri all view.Uri with
        | ValueNone -> ValueNone
        | ValueSome uri ->
            ValueSome
                {
                    Display = Text.unfold (Slice.text all view.Display)
                    Uri = uri
                    Parameters = ParameterView.toParameters all view.Parameters
                }

    /// The SIP URI of a value that was kept as text.
    let ofText (text: string) : SipUri voption =
        let all = ReadOnlySpan(Text.toBytes text)
        toSip all (Slice.between 0 all.Length)
