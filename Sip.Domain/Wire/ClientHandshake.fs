// ClientHandshake: how a client asks for a WebSocket that carries SIP, and what it makes of the
// answer (RFC 6455 §4.1, RFC 7118 §4.1).

namespace Sip.Wire

open System
open Sip

/// What a client asks for.
type HandshakeAsk =
    {
        /// The value of Host.
        Host: string
        Path: string
        /// 16 random bytes in base64.
        Key: string
        Protocols: string list
        /// Further header fields.
        Fields: (string * string) list
    }

/// What is wrong with an answer that should open a WebSocket.
[<RequireQualifiedAccess>]
type HandshakeFlaw =
    | Status of Status: int
    | NoUpgrade
    | NoConnection
    | WrongAccept
    | Extension of Name: string
    | NoProtocol
    | OtherProtocol of Name: string

/// What becomes of the bytes that a server answered.
[<RequireQualifiedAccess>]
type HandshakeAnswer =
    | Incomplete
    | NotHttp
    /// A head of this length, and all that is wrong with it.
    | Head of Response: HttpResponse * HeadLength: int * Flaws: HandshakeFlaw list

/// Asking for a WebSocket.
[<RequireQualifiedAccess>]
module ClientHandshake =

    let private line (name: string) (value: string) =
        String.Concat(name, ": ", value, "\r\n")

    let private protocolLine protocols =
        match protocols with
        | [] -> ""
        | names -> line "Sec-WebSocket-Protocol" (String.concat ", " names)

    /// The bytes that ask.
    let request (ask: HandshakeAsk) : byte[] =
        [
            String.Concat("GET ", ask.Path, " HTTP/1.1\r\n")
            line "Host" ask.Host
            line "Upgrade" "websocket"
            line "Connection" "Upgrade"
            line "Sec-WebSocket-Key" ask.Key
            line "Sec-WebSocket-Version" "13"
            protocolLine ask.Protocols
        ]
        @ (ask.Fields |> List.map (fun (name, value) -> line name value))
        @ [ "\r\n" ]
        |> String.concat ""
        |> Text.toBytes

    let private names word values =
        values
        |> List.collect (fun (value: string) -> List.ofArray (value.Split ','))
        |> List.exists (fun element -> Text.sameText word (element.Trim()))

    let private upgradeFlaws response =
        [
            if not (names "websocket" (HttpResponse.values "Upgrade" response)) then
                HandshakeFlaw.NoUpgrade
            if not (names "upgrade" (HttpResponse.values "Connection" response)) then
                HandshakeFlaw.NoConnection
        ]

    let private acceptFlaws key response =
        match HttpResponse.values "Sec-WebSocket-Accept" response with
        | [ accept ] when accept = Handshake.acceptOf key -> []
        | _ -> [ HandshakeFlaw.WrongAccept ]

    // An extension must have been asked for, and no request here asks for one.
    let private extensionFlaws response =
        HttpResponse.values "Sec-WebSocket-Extensions" response
        |> List.map HandshakeFlaw.Extension

    let private protocolFlaws offered response =
        match offered, HttpResponse.values "Sec-WebSocket-Protocol" response with
        | [], [] -> []
        | _, [] -> [ HandshakeFlaw.NoProtocol ]
        | offered, [ chosen ] when List.contains chosen offered -> []
        | _, chosen -> [ HandshakeFlaw.OtherProtocol(String.concat ", " chosen) ]

    let private flaws ask (response: HttpResponse) =
        if response.Status <> 101 then
            [ HandshakeFlaw.Status response.Status ]
        else
            upgradeFlaws response
            @ acceptFlaws ask.Key response
            @ extensionFlaws response
            @ protocolFlaws ask.Protocols response

    /// What becomes of the bytes that the server answered to this.
    let receive (ask: HandshakeAsk) (bytes: ReadOnlySpan<byte>) : HandshakeAnswer =
        let stop = bytes.IndexOf(ReadOnlySpan "\r\n\r\n"B)

        if stop < 0 && bytes.Length < Handshake.maximumHead then
            HandshakeAnswer.Incomplete
        elif stop < 0 then
            HandshakeAnswer.NotHttp
        else
            match HttpResponse.read (Text.ofBytes (bytes.Slice(0, stop))) with
            | Some response -> HandshakeAnswer.Head(response, stop + 4, flaws ask response)
            | None -> HandshakeAnswer.NotHttp

    /// A flaw in words.
    let words (flaw: HandshakeFlaw) : string =
        match flaw with
        | HandshakeFlaw.Status status -> String.Concat("the status is ", string status)
        | HandshakeFlaw.NoUpgrade -> "Upgrade does not name websocket"
        | HandshakeFlaw.NoConnection -> "Connection does not name Upgrade"
        | HandshakeFlaw.WrongAccept -> "Sec-WebSocket-Accept is not the answer to the key"
        | HandshakeFlaw.Extension name -> String.Concat("an extension nobody asked for: ", name)
        | HandshakeFlaw.NoProtocol -> "no sub-protocol is chosen"
        | HandshakeFlaw.OtherProtocol name -> String.Concat("a sub-protocol nobody offered: ", name)
