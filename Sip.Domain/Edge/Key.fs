// Key: which transaction a message belongs to (RFC 3261 §17.1.3, §17.2.3), as a keyed hash of what
// identifies it: nobody can choose messages that share one. HOT.

namespace Sip.Edge

open Sip
open System
open Sip.Wire
open Sip.Routing

/// Naming transactions.
[<RequireQualifiedAccess>]
module Key =

    let private invite = "INVITE"B
    let private cancel = "CANCEL"B
    let private ack = "ACK"B

    // RFC 2543 peers send no branch that identifies: the fields that §17.2.3 lists stand in.
    let private addOld (state: byref<PrfState>) (request: Message) (via: ViaView) =
        state.Part(request.Slice(Message.value HeaderName.CallId request))
        state.Part(request.Slice(Message.fromTag request))
        state.Word(uint64 (Message.sequence request))
        state.Part(request.Slice via.Whole)

        match request.Start with
        | StartLine.Request(_, _, uri) -> state.Part(request.Slice uri.Whole)
        | StartLine.Response _ -> ()

    let private server (station: Station) (request: Message) (method: ReadOnlySpan<byte>) : Mark =
        let mutable state = PrfState station.TransactionKey
        state.Part method

        match Message.topVia request with
        | ValueNone -> ()
        | ValueSome via ->
            if ViaView.isUnique request.Bytes via.Branch then
                state.Part(request.Slice via.Branch)
                state.HostPart(request.Slice via.Host)
                state.Word(uint64 via.Port)
            else
                addOld &state request via

        state.Finish()

    /// The server transaction of a request by its own method.
    let ofRequest (station: Station) (request: Message) : Mark =
        server station request (request.Slice(Message.methodName request))

    /// The server transaction of the INVITE that an ACK or a CANCEL is about.
    let ofInvite (station: Station) (request: Message) : Mark =
        server station request (ReadOnlySpan invite)

    /// What stands for the transaction of an ACK, which has none.
    let ofAck (station: Station) (request: Message) : Mark =
        server station request (ReadOnlySpan ack)

    /// The branch of ours that a response answers, or that a request of ours carries.
    let ofBranch (message: Message) : Mark =
        match Message.topVia message with
        | ValueSome via -> Branch.markOf (message.Slice via.Branch)
        | ValueNone -> Branch.markOf ReadOnlySpan.Empty

    /// Whether a response answers a CANCEL.
    let isToCancel (response: Message) : bool =
        (response.Slice(Message.methodName response)).SequenceEqual(ReadOnlySpan cancel)
