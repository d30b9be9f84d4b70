// Patch: edits over a message's original bytes (architecture: untouched fields leave byte for byte).
// A forwarded message is its bytes as they came, with a few stretches replaced.

namespace Sip.Wire

open System
open Sip

/// One stretch of the original that is replaced; an insertion replaces nothing.
[<Struct>]
type Edit =
    { At: int; Remove: int; Insert: string }

/// Making edits and applying them.
[<RequireQualifiedAccess>]
module Patch =

    /// Puts text before the byte at this position.
    let insert (at: int) (text: string) : Edit = { At = at; Remove = 0; Insert = text }

    /// Puts text in the place of a slice.
    let replace (slice: Slice) (text: string) : Edit =
        {
            At = slice.Start
            Remove = slice.Length
            Insert = text
        }

    /// Takes a whole header field out, line ending included.
    let removeField (field: Field) : Edit = replace field.Line ""

    /// Puts a header field before a field of the message, which is where stacked headers grow.
    let fieldBefore (field: Field) (name: HeaderName) (value: string) : Edit =
        insert field.Line.Start (String.Concat(HeaderName.print name, ": ", value, "\r\n"))

    /// Puts a header field at the end of the head.
    let fieldAtEnd (message: Message) (name: HeaderName) (value: string) : Edit =
        insert (message.Body.Start - 2) (String.Concat(HeaderName.print name, ": ", value, "\r\n"))

    /// The message's bytes with the edits made. Edits at one position are made in the order given.
    let apply (message: Message) (edits: Edit list) : byte[] =
        let sorted = edits |> List.sortBy _.At
        let grown = sorted |> List.sumBy (fun edit -> edit.Insert.Length - edit.Remove)
        let from = message.Bytes
        let result = Array.zeroCreate<byte>(from.Length + grown)
        let mutable read = 0
        let mutable written = 0

        for edit in sorted do
            let kept = edit.At - read
            from.Slice(read, kept).CopyTo(Span(result, written, kept))
            let text = Text.toBytes edit.Insert
            text.CopyTo(Span(result, written + kept, text.Length))
            read <- edit.At + edit.Remove
            written <- written + kept + text.Length

        from.Slice(read).CopyTo(Span(result, written, result.Length - written))
        result
