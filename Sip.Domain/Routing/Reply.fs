// Reply: a response made from its request (RFC 3261 §8.2.6). HOT for 100, which answers every INVITE.

namespace Sip.Routing

open System
open Sip
open Sip.Wire

/// Making responses.
[<RequireQualifiedAccess>]
module Reply =

    let private version = "SIP/2.0 "B
    let private lineEnd = "\r\n"B
    let private tag = ";tag="B
    let private ending = "Content-Length: 0\r\n\r\n"B

    let private copy (out: Octets) (name: HeaderName) (value: ReadOnlySpan<byte>) =
        out.Put(ReadOnlySpan(HeaderName.introduction name))
        out.Put value
        out.Put(ReadOnlySpan lineEnd)

    let private copyVias (station: Station) (out: Octets) (source: FlowText) (request: Message) =
        let mutable field = Message.field HeaderName.Via request
        out.Put(ReadOnlySpan(HeaderName.introduction HeaderName.Via))
        Received.put out source (ReadOnlySpan(Station.asks station source)) request
        out.Put(ReadOnlySpan lineEnd)

        while field.Next >= 0 do
            field <- request.Fields[field.Next]
            copy out HeaderName.Via (request.Slice field.Value)

    // RFC 3261 §8.2.6.2: every response but 100 has a tag in its To.
    let private target
        (station: Station)
        (status: Status)
        (dialog: string)
        (request: Message)
        (out: Octets)
        =
        out.Put(ReadOnlySpan(HeaderName.introduction HeaderName.To))
        out.Put(request.Slice(Message.value HeaderName.To request))

        if status <> Status.trying && not (Message.toTag request).IsThere then
            out.Put(ReadOnlySpan tag)

            if dialog = "" then
                Branch.tag station request out
            else
                out.PutText dialog

        out.Put(ReadOnlySpan lineEnd)

    /// Writes a response in the dialog of somebody else's with this tag; in none but our own where it is
    /// empty. The phrase and the headers are ours, never text from the wire.
    let writeIn
        (dialog: string)
        (station: Station)
        (source: FlowText)
        (request: Message)
        (status: Status)
        (phrase: string)
        (headers: (string * string) list)
        (out: Octets)
        : unit =
        out.Put(ReadOnlySpan version)
        out.PutNumber(int64 status.Number)
        out.Put ' 'B
        out.PutText phrase
        out.Put(ReadOnlySpan lineEnd)
        copyVias station out source request
        copy out HeaderName.From (request.Slice(Message.value HeaderName.From request))
        target station status dialog request out
        copy out HeaderName.CallId (request.Slice(Message.value HeaderName.CallId request))
        copy out HeaderName.CSeq (request.Slice(Message.value HeaderName.CSeq request))

        let timestamp = Message.value HeaderName.Timestamp request

        if status = Status.trying && timestamp.IsThere then
            copy out HeaderName.Timestamp (request.Slice timestamp)

        for name, value in headers do
            out.PutText name
            out.PutText ": "
            out.PutText value
            out.Put(ReadOnlySpan lineEnd)

        out.Put(ReadOnlySpan ending)

    /// Writes a response of our own.
    let write
        (station: Station)
        (source: FlowText)
        (request: Message)
        (status: Status)
        (phrase: string)
        (headers: (string * string) list)
        (out: Octets)
        : unit =
        writeIn "" station source request status phrase headers out
