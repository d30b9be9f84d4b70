// OwnRequest: the requests that a proxy makes itself, each from the request it once sent: the ACK of a
// final response that is no 2xx (RFC 3261 §17.1.1.3) and the CANCEL of a pending branch (§9.1).

namespace Sip.Routing

open System.Text
open Sip
open Sip.Wire

/// Making requests of our own.
[<RequireQualifiedAccess>]
module OwnRequest =

    let private line (out: StringBuilder) (name: string) (value: string) =
        out.Append(name).Append(": ").Append(value).Append("\r\n") |> ignore

    /// The head that both share: Request-URI, top Via, Routes, From, Call-ID and CSeq number are
    /// those of the request sent.
    let private make
        (sent: Message)
        (method: string)
        (target: string)
        (more: (string * string) list)
        =
        let out = StringBuilder 512
        let text name = sent.Text(Message.value name sent)

        let uri =
            match sent.Start with
            | StartLine.Request(_, _, uri) -> sent.Text uri.Whole
            | StartLine.Response _ -> ""

        out.Append(method).Append(' ').Append(uri).Append(" SIP/2.0\r\n") |> ignore
        line out "Via" (sent.Text(Message.firstValue HeaderName.Via sent))

        for route in Message.texts HeaderName.Route sent do
            line out "Route" route

        line out "Max-Forwards" "70"
        line out "From" (text HeaderName.From)
        line out "To" target
        line out "Call-ID" (text HeaderName.CallId)
        line out "CSeq" (string (Message.sequence sent) + " " + method)

        for name, value in more do
            line out name value

        out.Append("Content-Length: 0\r\n\r\n") |> ignore
        Text.toBytes (out.ToString())

    /// The ACK of a final response; its To is the response's.
    let ack (sent: Message) (response: Message) : byte[] =
        make sent "ACK" (response.Text(Message.value HeaderName.To response)) []

    /// The reasons that a request gives; what is no Reason is ignored (RFC 3326 §2).
    let reasons (request: Message) : Reason list =
        Message.texts HeaderName.Reason request
        |> List.collect (fun text ->
            match Lexical.read GrammarField.reasons text with
            | Ok reasons -> reasons
            | Error _ -> [])

    /// Reasons as the headers of a CANCEL.
    let because (reasons: Reason list) : (string * string) list =
        reasons |> List.map (fun reason -> "Reason", Reason.print reason)

    /// The CANCEL of a request; its To is the request's.
    let cancel (sent: Message) (more: (string * string) list) : byte[] =
        make sent "CANCEL" (sent.Text(Message.value HeaderName.To sent)) more
