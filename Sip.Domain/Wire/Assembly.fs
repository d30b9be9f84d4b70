// Assembly: the fragments of a WebSocket message, kept until the last (RFC 6455 §5.4).
// A message in one frame never comes here: it is not copied.

namespace Sip.Wire

open System

/// The fragments so far, the newest first.
type Assembly =
    private
        {
            Opcode: Opcode
            Pieces: byte[] list
            Count: int
            Size: int
            Charged: int
        }

    /// Whether the message in fragments is text.
    member this.IsText = (this.Opcode = Opcode.Text)

/// Why a data frame may not come now: a close code and words; code 0 means that it may.
[<Struct>]
type Admission = { Code: int; Reason: string }

/// Putting fragments together.
[<RequireQualifiedAccess>]
module Assembly =

    let private maximumCount = 64
    let private minimumCharge = 128

    /// Nothing is in fragments.
    let none: Assembly =
        {
            Opcode = Opcode.Continuation
            Pieces = []
            Count = 0
            Size = 0
            Charged = 0
        }

    let private admitted: Admission = { Code = 0; Reason = "" }

    let private refused code reason : Admission = { Code = code; Reason = reason }

    let private charge length = max minimumCharge length

    /// Whether a data frame may come now, judged by its head alone; sizes are limited before bytes.
    let admit (limit: int) (assembly: Assembly) (head: FrameHead) : Admission =
        let starts = head.Opcode <> Opcode.Continuation
        let isOpen = assembly.Count > 0
        let whole = starts && head.Fin

        if starts && isOpen then
            refused 1002 "a new message inside a message in fragments"
        elif not starts && not isOpen then
            refused 1002 "a continuation of nothing"
        elif head.Length > limit - assembly.Size then
            refused 1009 "a message over the limit"
        elif not whole && assembly.Count >= maximumCount then
            refused 1008 "too many fragments"
        elif not whole && int64 assembly.Charged + int64 (charge head.Length) > int64 limit then
            refused 1008 "too many small fragments"
        else
            admitted

    /// The assembly with one more admitted fragment; the payload is copied.
    let add (assembly: Assembly) (head: FrameHead) (payload: ReadOnlySpan<byte>) : Assembly =
        {
            Opcode = if assembly.Count = 0 then head.Opcode else assembly.Opcode
            Pieces = payload.ToArray() :: assembly.Pieces
            Count = assembly.Count + 1
            Size = assembly.Size + payload.Length
            Charged = assembly.Charged + charge payload.Length
        }

    /// The whole message.
    let join (assembly: Assembly) : byte[] = Array.concat (List.rev assembly.Pieces)
