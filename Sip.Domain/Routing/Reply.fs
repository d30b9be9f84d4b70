// Reply: a response made from its request (RFC 3261 §8.2.6).

namespace Sip.Routing

open System
open System.Text
open Sip
open Sip.Wire

/// Making responses.
[<RequireQualifiedAccess>]
module Reply =

    let private line (out: StringBuilder) (name: string) (value: string) =
        out.Append(name).Append(": ").Append(value).Append("\r\n") |> ignore

    let private copyVias (out: StringBuilder) (source: Endpoint) (request: Message) =
        Message.texts HeaderName.Via request
        |> List.iteri (fun index text ->
            line out "Via" (if index = 0 then Received.text source request else text))

    // RFC 3261 §8.2.6.2: every response but 100 has a tag in its To.
    let private target (secret: byte[]) (status: Status) (request: Message) =
        let text = request.Text(Message.value HeaderName.To request)

        if status = Status.trying || (Message.tag HeaderName.To request).IsThere then
            text
        else
            String.Concat(text, ";tag=", Branch.tag secret request)

    /// The response's bytes. The phrase and the headers are ours, never text from the wire.
    let make
        (secret: byte[])
        (source: Endpoint)
        (request: Message)
        (status: Status)
        (phrase: string)
        (headers: (string * string) list)
        : byte[] =
        let out = StringBuilder 512

        out.Append("SIP/2.0 ").Append(status.Number).Append(' ').Append(phrase).Append("\r\n")
        |> ignore

        copyVias out source request
        line out "From" (request.Text(Message.value HeaderName.From request))
        line out "To" (target secret status request)
        line out "Call-ID" (request.Text(Message.value HeaderName.CallId request))
        line out "CSeq" (request.Text(Message.value HeaderName.CSeq request))

        let timestamp = Message.value HeaderName.Timestamp request

        if status = Status.trying && timestamp.IsThere then
            line out "Timestamp" (request.Text timestamp)

        for name, value in headers do
            line out name value

        out.Append("Content-Length: 0\r\n\r\n") |> ignore
        Text.toBytes (out.ToString())

    /// The answer that refuses a request.
    let refuse (secret: byte[]) (source: Endpoint) (request: Message) (refusal: Refusal) : byte[] =
        make
            secret
            source
            request
            (Refusal.status refusal)
            (Refusal.words refusal)
            (Refusal.headers refusal)
