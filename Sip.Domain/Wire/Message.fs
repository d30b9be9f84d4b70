// Message: one message as a view over one copy of its bytes (RFC 3261 §7). Header lines are found,
// not decoded: whoever asks for a value reads it from its slice, and what nobody asks for stays as it is.
// HOT: a message can be read into again and again (`Reading.into`), which allocates nothing.

namespace Sip.Wire

open System
open FSharp.Core.CompilerServices
open Sip

/// Where one header field stands; `Value` has no white space at its ends, folds inside included.
[<Struct>]
type Field =
    {
        Name: HeaderName
        Line: Slice
        Value: Slice
        /// The place of the next field of the same name, -1 where there is none.
        Next: int
    }

/// The first line as slices.
[<Struct; RequireQualifiedAccess>]
type StartLine =
    | Request of Method: Method * MethodName: Slice * Uri: UriView
    | Response of Status: Status * Reason: Slice

/// One of the comma-separated values of a header, and where the walk over them goes on.
[<Struct>]
type ValueView =
    {
        /// None where the walk has come to its end.
        Value: Slice
        /// The field that the value stands in.
        Field: int
        /// Where the value's comma stands, or where the field ends.
        Stop: int
    }

/// A message whose head has been walked. Everything in it refers to its own copy of the bytes, and
/// is good until the message is read into again: a message belongs to one owner at a time.
[<Sealed>]
type Message internal () =

    member val internal Buffer: byte[] = Array.Empty() with get, set
    member val internal Size = 0 with get, set

    member val internal StartLine =
        StartLine.Request(Method.Other, Slice.none, UriView.none) with get, set

    member val internal Table: Field[] = Array.zeroCreate 24 with get, set
    member val internal Count = 0 with get, set
    /// By the place of a name: the first field of that name, counted from 1.
    member val internal First: int[] = Array.zeroCreate HeaderName.count
    /// By the place of a name: the last field of that name, counted from 1.
    member val internal Last: int[] = Array.zeroCreate HeaderName.count
    member val internal BodyAt = Slice.none with get, set
    // What is decoded once and remembered.
    member val internal HasVia = false with get, set
    member val internal ViaCount = 0 with get, set
    member val internal Via: ViaView voption = ValueNone with get, set
    member val internal HasFromTag = false with get, set
    member val internal FromTag = Slice.none with get, set
    member val internal HasToTag = false with get, set
    member val internal ToTag = Slice.none with get, set

    /// All that was received, what follows the body included.
    member internal this.Received: ReadOnlySpan<byte> =
        ReadOnlySpan(this.Buffer, 0, this.Size)

    /// Takes other bytes in, of which nothing is known yet.
    member internal this.Refill(received: ReadOnlySpan<byte>) =
        if this.Buffer.Length < received.Length then
            this.Buffer <- Array.zeroCreate (max received.Length (2 * this.Buffer.Length))

        received.CopyTo(Span this.Buffer)
        this.Size <- received.Length
        this.StartLine <- StartLine.Request(Method.Other, Slice.between 0 0, UriView.none)
        this.Count <- 0
        Array.Clear this.First
        Array.Clear this.Last
        this.HasVia <- false
        this.ViaCount <- 0
        this.HasFromTag <- false
        this.HasToTag <- false

    member internal this.Add(name: HeaderName, line: Slice, value: Slice) =
        if this.Count = this.Table.Length then
            let table = this.Table
            this.Table <- Array.append table (Array.zeroCreate table.Length)

        let place = HeaderName.place name
        let last = this.Last[place]

        if last > 0 then
            this.Table[last - 1] <-
                { this.Table[last - 1] with
                    Next = this.Count
                }
        else
            this.First[place] <- this.Count + 1

        this.Table[this.Count] <-
            {
                Name = name
                Line = line
                Value = value
                Next = -1
            }

        this.Count <- this.Count + 1
        this.Last[place] <- this.Count

    /// The bytes from the start line to the end of the body.
    member this.Bytes: ReadOnlySpan<byte> = ReadOnlySpan(this.Buffer, 0, this.BodyAt.End)

    /// The first line.
    member this.Start: StartLine = this.StartLine

    /// The header fields in wire order.
    member this.Fields: ReadOnlySpan<Field> = ReadOnlySpan(this.Table, 0, this.Count)

    /// The position after the empty line, and the length of what follows it.
    member this.Body: Slice = this.BodyAt

    /// The bytes of a slice of this message.
    member this.Slice(slice: Slice) : ReadOnlySpan<byte> = Slice.bytes this.Bytes slice

    /// A slice of this message as text.
    member this.Text(slice: Slice) : string = Slice.text this.Bytes slice

/// Asking messages for their fields.
[<RequireQualifiedAccess>]
module Message =

    /// The field that is not there.
    let nowhere: Field =
        {
            Name = HeaderName.Other
            Line = Slice.none
            Value = Slice.none
            Next = -1
        }

    /// A message of no bytes, to be read into.
    let blank () : Message = Message()

    /// The first field of that name; its slices are none where there is no such field.
    let field (name: HeaderName) (message: Message) : Field =
        let first = message.First[HeaderName.place name]
        if first > 0 then message.Table[first - 1] else nowhere

    /// The first field's value, none where there is no such field.
    let value (name: HeaderName) (message: Message) : Slice = (field name message).Value

    let private valueAt (message: Message) (field: int) (at: int) : ValueView =
        let all = message.Bytes
        let stop = Values.endOfFirst all at message.Table[field].Value.End

        {
            Value = Slice.trim all (Slice.between at stop)
            Field = field
            Stop = stop
        }

    let private fromField (message: Message) (field: int) : ValueView =
        if field >= 0 then
            valueAt message field message.Table[field].Value.Start
        else
            {
                Value = Slice.none
                Field = -1
                Stop = -1
            }

    /// The first of the comma-separated values of all fields of that name.
    let first (name: HeaderName) (message: Message) : ValueView =
        fromField message (message.First[HeaderName.place name] - 1)

    /// The value after this one, in wire order.
    let next (message: Message) (view: ValueView) : ValueView =
        if view.Stop < message.Table[view.Field].Value.End then
            valueAt message view.Field (view.Stop + 1)
        else
            fromField message message.Table[view.Field].Next

    /// The first value of that name, none where there is no such field.
    let firstValue (name: HeaderName) (message: Message) : Slice = (first name message).Value

    /// Every value of every field of that name, in wire order, without white space at its ends.
    let values (name: HeaderName) (message: Message) : Slice list =
        let mutable found = ListCollector<Slice>()
        let mutable at = first name message

        while at.Value.IsThere do
            found.Add at.Value
            at <- next message at

        found.Close()

    /// How many values all fields of that name have, counted no further than `most`.
    let count (most: int) (name: HeaderName) (message: Message) : int =
        let mutable counted = 0
        let mutable at = first name message

        while at.Value.IsThere && counted < most do
            counted <- counted + 1
            at <- next message at

        counted

    /// Every field of that name as text, in wire order: for headers whose commas do not separate.
    let texts (name: HeaderName) (message: Message) : string list =
        let fields = message.Fields
        let mutable found = ListCollector<string>()

        for i in 0 .. fields.Length - 1 do
            if fields[i].Name = name then
                found.Add(message.Text fields[i].Value)

        found.Close()

    /// The topmost Via; reading has made sure that there is one.
    let topVia (message: Message) : ViaView voption =
        if not message.HasVia then
            message.Via <- ViaView.read message.Bytes (firstValue HeaderName.Via message)
            message.HasVia <- true

        message.Via

    let private readTag (name: HeaderName) (message: Message) : Slice =
        match AddressView.read message.Bytes (value name message) with
        | ValueSome address -> address.Tag
        | ValueNone -> Slice.none

    /// The tag of From, none where there is none.
    let fromTag (message: Message) : Slice =
        if not message.HasFromTag then
            message.FromTag <- readTag HeaderName.From message
            message.HasFromTag <- true

        message.FromTag

    /// The tag of To, none where there is none.
    let toTag (message: Message) : Slice =
        if not message.HasToTag then
            message.ToTag <- readTag HeaderName.To message
            message.HasToTag <- true

        message.ToTag

    /// The tag of From or To, none where there is none.
    let tag (name: HeaderName) (message: Message) : Slice =
        if name = HeaderName.To then
            toTag message
        else
            fromTag message

    /// The method of a request; a response has none.
    let method (message: Message) : Method =
        match message.Start with
        | StartLine.Request(method, _, _) -> method
        | StartLine.Response _ -> Method.Other

    /// The Call-ID as text.
    let callId (message: Message) : string =
        message.Text(value HeaderName.CallId message)

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
        let mutable listed = false
        let mutable at = first name message

        while not listed && at.Value.IsThere do
            listed <- Text.spells token (message.Slice at.Value)
            at <- next message at

        listed
