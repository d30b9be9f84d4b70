// Message: one message as a view over one copy of its bytes (RFC 3261 §7). Header lines are found,
// not decoded: whoever asks for a value reads it from its slice, and what nobody asks for stays as it is.

namespace Sip.Wire

open System
open Sip

/// Where one header field stands; `Value` has no white space at its ends, folds inside included.
[<Struct>]
type Field =
    {
        Name: HeaderName
        Line: Slice
        Value: Slice
    }

/// The first line as slices.
[<Struct; RequireQualifiedAccess>]
type StartLine =
    | Request of Method: Method * MethodName: Slice * Uri: UriView
    | Response of Status: Status * Reason: Slice

/// A message whose head has been walked. Everything in it refers to its own copy of the bytes.
[<Sealed>]
type Message internal (bytes: byte[], start: StartLine, fields: Field[], body: Slice) =

    /// The bytes from the start line to the end of the body.
    member _.Bytes: ReadOnlySpan<byte> = ReadOnlySpan(bytes, 0, body.End)

    /// The first line.
    member _.Start: StartLine = start

    /// The header fields in wire order.
    member _.Fields: ReadOnlySpan<Field> = ReadOnlySpan fields

    /// The position after the empty line, and the length of what follows it.
    member _.Body: Slice = body

    /// The bytes of a slice of this message.
    member this.Slice(slice: Slice) : ReadOnlySpan<byte> = Slice.bytes this.Bytes slice

    /// A slice of this message as text.
    member this.Text(slice: Slice) : string = Slice.text this.Bytes slice

/// Asking messages for their fields.
[<RequireQualifiedAccess>]
module Message =

    let private nowhere =
        {
            Name = HeaderName.Other
            Line = Slice.none
            Value = Slice.none
        }

    /// The first field of that name; its slices are none where there is no such field.
    let field (name: HeaderName) (message: Message) : Field =
        let fields = message.Fields
        let mutable found = nowhere
        let mutable i = 0

        while i < fields.Length do
            if fields[i].Name = name then
                found <- fields[i]
                i <- fields.Length
            else
                i <- i + 1

        found

    /// The first field's value, none where there is no such field.
    let value (name: HeaderName) (message: Message) : Slice = (field name message).Value

    /// The first of the comma-separated values of the first field of that name.
    let firstValue (name: HeaderName) (message: Message) : Slice =
        let value = value name message

        if value.IsThere then
            Slice.between value.Start (Values.endOfFirst message.Bytes value.Start value.End)
        else
            Slice.none

    /// Every value of every field of that name, in wire order, without white space at its ends.
    let values (name: HeaderName) (message: Message) : Slice list =
        let all = message.Bytes
        let fields = message.Fields
        let found = ResizeArray<Slice>()

        for i in 0 .. fields.Length - 1 do
            if fields[i].Name = name then
                let value = fields[i].Value
                let mutable at = value.Start

                while at <= value.End do
                    let stop = Values.endOfFirst all at value.End
                    found.Add(Slice.trim all (Slice.between at stop))
                    at <- stop + 1

        List.ofSeq found

    /// Every field of that name as text, in wire order: for headers whose commas do not separate.
    let texts (name: HeaderName) (message: Message) : string list =
        let fields = message.Fields
        let found = ResizeArray<string>()

        for i in 0 .. fields.Length - 1 do
            if fields[i].Name = name then
                found.Add(message.Text fields[i].Value)

        List.ofSeq found

    /// The topmost Via; reading has made sure that there is one.
    let topVia (message: Message) : ViaView voption =
        ViaView.read message.Bytes (firstValue HeaderName.Via message)

    /// The tag of From or To, none where there is none.
    let tag (name: HeaderName) (message: Message) : Slice =
        match AddressView.read message.Bytes (value name message) with
        | ValueSome address -> AddressView.tagOf message.Bytes address
        | ValueNone -> Slice.none

    /// The method, of a request or of the request that a response answers (from its CSeq).
    let methodName (message: Message) : Slice =
        match message.Start with
        | StartLine.Request(_, name, _) -> name
        | StartLine.Response _ ->
            let all = message.Bytes
            let cseq = value HeaderName.CSeq message
            let digits = Slice.skipToken all cseq.Start cseq.End
            let start = Slice.skipSpace all digits cseq.End
            Slice.between start (Slice.skipToken all start cseq.End)

    /// The number of a CSeq; reading has made sure that it is one.
    let sequence (message: Message) : uint32 =
        let all = message.Bytes
        let cseq = value HeaderName.CSeq message

        uint32 (
            Slice.number all (Slice.between cseq.Start (Slice.skipToken all cseq.Start cseq.End))
        )

    /// The value of a numeric header, -1 where it is absent or no number.
    let number (name: HeaderName) (message: Message) : int64 =
        let value = value name message

        if value.IsThere then
            Slice.number message.Bytes value
        else
            -1L

    /// Whether a comma-separated list of tokens, such as Supported, names this token.
    let lists (name: HeaderName) (token: string) (message: Message) : bool =
        values name message
        |> List.exists (fun value -> Text.sameText (message.Text value) token)
