// Assembly: the fragments of a WebSocket message, kept until the last (RFC 6455 §5.4).
// A message in one frame never comes here: it is not copied. What is kept is charged as it arrives,
// with the price of keeping a fragment, so that no flood of small ones holds more than the limit.

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
            /// Bytes, and the price of each fragment.
            Charged: int64
        }

    /// Whether the message in fragments is text.
    member this.IsText = (this.Opcode = Opcode.Text)

/// Why a data frame may not come now: a close code and words; code 0 means that it may.
[<Struct>]
type Admission = { Code: int; Reason: string }

/// Putting fragments together.
[<RequireQualifiedAccess>]
module Assembly =

    /// Fragments that a message may have.
    let maximumCount: int = 16

    /// What keeping a fragment costs beside its bytes.
    let fragmentCharge: int = 128

    /// Nothing is in fragments.
    let none: Assembly =
        {
            Opcode = Opcode.Continuation
            Pieces = []
            Count = 0
            Size = 0
            Charged = 0L
        }

    let private admitted: Admission = { Code = 0; Reason = "" }

    let private refused code reason : Admission = { Code = code; Reason = reason }

    let private charge length = int64 length + int64 fragmentCharge

    /// Whether fragments wait for their last.
    let isOpen (assembly: Assembly) : bool = assembly.Count > 0

    /// Whether a data frame may come now, judged by its head alone; sizes are limited before bytes.
    let admit (limit: int) (assembly: Assembly) (head: FrameHead) : Admission =
        let starts = head.Opcode <> Opcode.Continuation
        let whole = starts && head.Fin

        if starts && isOpen assembly then
            refused 1002 "a new message inside a message in fragments"
        elif not starts && not (isOpen assembly) then
            refused 1002 "a continuation of nothing"
        elif head.Length > limit - assembly.Size then
            refused 1009 "a message over the limit"
        elif not whole && assembly.Count >= maximumCount then
            refused 1008 "too many fragments"
        elif not whole && assembly.Charged + charge head.Length > int64 limit then
            refused 1009 "fragments over the limit"
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
