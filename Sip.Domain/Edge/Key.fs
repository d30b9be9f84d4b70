// Key: which transaction a message belongs to (RFC 3261 §17.1.3, §17.2.3).

namespace Sip.Edge

open System
open Sip.Wire

/// Naming transactions.
[<RequireQualifiedAccess>]
module Key =

    let private part (message: Message) (name: HeaderName) =
        message.Text(Message.value name message)

    // RFC 2543 peers send no branch that identifies: the fields that §17.2.3 lists stand in.
    let private old (request: Message) (via: ViaView) (method: string) =
        let uri =
            match request.Start with
            | StartLine.Request(_, _, uri) -> request.Text uri.Whole
            | StartLine.Response _ -> ""

        String.Join(
            "|",
            [|
                part request HeaderName.CallId
                request.Text(Message.tag HeaderName.From request)
                string (Message.sequence request)
                request.Text via.Whole
                uri
                method
            |]
        )

    /// The server transaction of a request; an ACK and a CANCEL ask with the INVITE's method.
    let server (request: Message) (method: string) : string =
        match Message.topVia request with
        | ValueNone -> ""
        | ValueSome via ->
            let all = request.Bytes
            let branch = via.Branch

            if ViaView.isUnique all branch then
                let sentBy = (Slice.text all via.Host).ToLowerInvariant()
                String.Join("|", [| Slice.text all branch; sentBy; string via.Port; method |])
            else
                old request via method

    /// The server transaction of a request by its own method.
    let ofRequest (request: Message) : string =
        server request (request.Text(Message.methodName request))

    /// The client transaction that a response answers: the branch that we made, and its method.
    let client (response: Message) : string =
        match Message.topVia response with
        | ValueNone -> ""
        | ValueSome via ->
            let all = response.Bytes
            let branch = Slice.text all (via.Branch)
            String.Join("|", [| branch; response.Text(Message.methodName response) |])

    /// The client transaction of the CANCEL of a leg: same branch, other method (§9.1).
    let cancel (sent: Message) : string =
        match Message.topVia sent with
        | ValueNone -> ""
        | ValueSome via ->
            let all = sent.Bytes
            String.Concat(Slice.text all via.Branch, "|CANCEL")

    /// Whether a response answers a CANCEL.
    let isToCancel (response: Message) : bool =
        (response.Slice(Message.methodName response)).SequenceEqual "CANCEL"B
