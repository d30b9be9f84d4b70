// OwnRequest: the requests that a proxy makes itself, each from the request it once sent: the ACK of a
// final response that is no 2xx (RFC 3261 §17.1.1.3) and the CANCEL of a pending branch (§9.1).

namespace Sip.Routing

open System
open Sip
open Sip.Wire

/// Making requests of our own.
[<RequireQualifiedAccess>]
module OwnRequest =

    let private version = " SIP/2.0\r\n"B
    let private lineEnd = "\r\n"B
    let private ending = "Content-Length: 0\r\n\r\n"B

    let private copy (out: Octets) (name: HeaderName) (value: ReadOnlySpan<byte>) =
        out.Put(ReadOnlySpan(HeaderName.introduction name))
        out.Put value
        out.Put(ReadOnlySpan lineEnd)

    let private copyAll (out: Octets) (name: HeaderName) (message: Message) =
        let mutable field = Message.field name message

        while field.Line.IsThere do
            copy out name (message.Slice field.Value)

            field <-
                if field.Next >= 0 then
                    message.Fields[field.Next]
                else
                    Message.nowhere

    /// What both share: Request-URI, top Via, Routes, From, Call-ID and CSeq number are those of the
    /// request sent; To is of the one or the other.
    let private write
        (out: Octets)
        (sent: Message)
        (method: string)
        (target: ReadOnlySpan<byte>)
        (more: (string * string) list)
        : unit =
        out.PutText method
        out.Put ' 'B

        match sent.Start with
        | StartLine.Request(_, _, uri) -> out.Put(sent.Slice uri.Whole)
        | StartLine.Response _ -> ()

        out.Put(ReadOnlySpan version)
        copy out HeaderName.Via (sent.Slice(Message.firstValue HeaderName.Via sent))
        copyAll out HeaderName.Route sent
        copy out HeaderName.MaxForwards "70"B
        copy out HeaderName.From (sent.Slice(Message.value HeaderName.From sent))
        copy out HeaderName.To target
        copy out HeaderName.CallId (sent.Slice(Message.value HeaderName.CallId sent))
        out.Put(ReadOnlySpan(HeaderName.introduction HeaderName.CSeq))
        out.PutNumber(int64 (Message.sequence sent))
        out.Put ' 'B
        out.PutText method
        out.Put(ReadOnlySpan lineEnd)

        for name, value in more do
            out.PutText name
            out.PutText ": "
            out.PutText value
            out.Put(ReadOnlySpan lineEnd)

        out.Put(ReadOnlySpan ending)

    /// Writes the ACK of a final response; its To is the response's.
    let ack (sent: Message) (response: Message) (out: Octets) : unit =
        write out sent "ACK" (response.Slice(Message.value HeaderName.To response)) []

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

    /// Writes the CANCEL of a request; its To is the request's.
    let cancel (sent: Message) (more: (string * string) list) (out: Octets) : unit =
        write out sent "CANCEL" (sent.Slice(Message.value HeaderName.To sent)) more
