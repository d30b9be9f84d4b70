// Patch: edits over a message's original bytes (architecture: untouched fields leave byte for byte).
// A forwarded message is its bytes as they came, with a few stretches replaced. HOT: the list of edits
// and the bytes that they put in are used again for the next message; nothing is allocated.

namespace Sip.Wire

open System
open Sip

/// One stretch of the original that is replaced by a stretch of the list's own bytes.
[<Struct>]
type Edit =
    {
        At: int
        Remove: int
        From: int
        Length: int
    }

/// A list of edits being made. What is put goes into the edit that was begun last.
[<Sealed>]
type Edits() =
    let mutable edits = Array.zeroCreate<Edit> 16
    let mutable count = 0
    let text = Octets 1024

    /// Begins anew.
    member _.Clear() =
        count <- 0
        text.Clear()

    /// Begins an edit that takes so many bytes away at this position.
    member _.Begin(at: int, remove: int) =
        if count = edits.Length then
            Array.Resize(&edits, 2 * count)

        edits[count] <-
            {
                At = at
                Remove = remove
                From = text.Length
                Length = 0
            }

        count <- count + 1

    /// The bytes of all insertions.
    member internal _.Text = text

    /// Ends the edit that was begun last: what has been put since is its insertion.
    member internal _.Close() =
        let last = edits[count - 1]

        edits[count - 1] <-
            { last with
                Length = text.Length - last.From
            }

    /// How many bytes longer than the original the result is.
    member internal _.Growth: int =
        let mutable grown = 0

        for i in 0 .. count - 1 do
            grown <- grown + edits[i].Length - edits[i].Remove

        grown

    // What is only put in stands before what is taken away at the same position; else edits at one
    // position keep their order.
    static member inline private IsAfter(one: Edit, other: Edit) =
        one.At > other.At || (one.At = other.At && one.Remove > 0 && other.Remove = 0)

    // Insertion sort: few edits, mostly in order already.
    member private _.Sort() =
        for i in 1 .. count - 1 do
            let edit = edits[i]
            let mutable j = i - 1

            while j >= 0 && Edits.IsAfter(edits[j], edit) do
                edits[j + 1] <- edits[j]
                j <- j - 1

            edits[j + 1] <- edit

    member internal this.Apply(from: ReadOnlySpan<byte>, target: Span<byte>) : int =
        this.Sort()
        let inserted = text.Written
        let mutable read = 0
        let mutable written = 0

        for i in 0 .. count - 1 do
            let edit = edits[i]
            let kept = edit.At - read
            from.Slice(read, kept).CopyTo(target.Slice written)
            inserted.Slice(edit.From, edit.Length).CopyTo(target.Slice(written + kept))
            read <- edit.At + edit.Remove
            written <- written + kept + edit.Length

        from.Slice(read).CopyTo(target.Slice written)
        written + from.Length - read

/// Making edits and applying them.
[<RequireQualifiedAccess>]
module Patch =

    let private lineEnd = "\r\n"B

    /// Takes a slice out.
    let remove (edits: Edits) (slice: Slice) : unit = edits.Begin(slice.Start, slice.Length)

    /// Puts bytes into the edit begun last.
    let put (edits: Edits) (bytes: ReadOnlySpan<byte>) : unit =
        edits.Text.Put bytes
        edits.Close()

    /// Where to write the insertion of the edit begun last, as the last thing but a `put`.
    let inserted (edits: Edits) : Octets = edits.Text

    /// Puts wire text into the edit begun last.
    let putText (edits: Edits) (text: string) : unit =
        edits.Text.PutText text
        edits.Close()

    /// Puts a number into the edit begun last.
    let putNumber (edits: Edits) (number: int64) : unit =
        edits.Text.PutNumber number
        edits.Close()

    /// Puts bytes before the byte at this position.
    let insert (edits: Edits) (at: int) (bytes: ReadOnlySpan<byte>) : unit =
        edits.Begin(at, 0)
        put edits bytes

    /// Puts bytes in the place of a slice.
    let replace (edits: Edits) (slice: Slice) (bytes: ReadOnlySpan<byte>) : unit =
        remove edits slice
        put edits bytes

    /// Begins a header field at this position; its value is put next, and `endField` ends it.
    let beginField (edits: Edits) (at: int) (name: HeaderName) : unit =
        insert edits at (ReadOnlySpan(HeaderName.introduction name))

    /// Ends the header field that was begun last.
    let endField (edits: Edits) : unit = put edits (ReadOnlySpan lineEnd)

    /// Puts a header field before a field of the message, which is where stacked headers grow.
    let fieldBefore (edits: Edits) (field: Field) (name: HeaderName) (value: string) : unit =
        beginField edits field.Line.Start name
        putText edits value
        endField edits

    /// Where a header field at the end of the head begins.
    let endOfHead (message: Message) : int = message.Body.Start - 2

    /// Puts a header field at the end of the head.
    let fieldAtEnd (edits: Edits) (message: Message) (name: HeaderName) (value: string) : unit =
        beginField edits (endOfHead message) name
        putText edits value
        endField edits

    /// The length of the message with the edits made.
    let length (edits: Edits) (message: Message) : int = message.Bytes.Length + edits.Growth

    /// Writes the message with the edits made, those at one position in the order in which they were
    /// begun, and returns how many bytes that took.
    let write (edits: Edits) (message: Message) (target: Span<byte>) : int =
        edits.Apply(message.Bytes, target)

    /// The message with the edits made, as bytes of their own.
    let toBytes (edits: Edits) (message: Message) : byte[] =
        let result = Array.zeroCreate (length edits message)
        write edits message (Span result) |> ignore
        result
