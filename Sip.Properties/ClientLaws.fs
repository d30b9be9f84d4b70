// ClientLaws: what is true between the two sides of a WebSocket, ours both.

module Sip.Properties.ClientLaws

open System
open Expecto
open FsCheck.FSharp
open Sip
open Sip.Wire

let private opcodes =
    [
        Opcode.Continuation
        Opcode.Text
        Opcode.Binary
        Opcode.Close
        Opcode.Ping
        Opcode.Pong
    ]

let private isControl opcode =
    List.contains opcode [ Opcode.Close; Opcode.Ping; Opcode.Pong ]

/// Payloads on both sides of each change of the length's form.
let private payload opcode =
    gen {
        let sizes = [ 0; 1; 4; 125; 126; 127; 300 ]

        let longer =
            if isControl opcode then
                [ 0; 125 ]
            else
                [ 65535; 65536; 70000 ]

        let! length =
            Gen.elements (List.filter (fun s -> not (isControl opcode) || s < 126) sizes @ longer)

        let! seed = Gen.choose (0, 255)
        return Array.init length (fun i -> byte (i * 7 + seed))
    }

let private frames =
    gen {
        let! opcode = Gen.elements opcodes
        let! payload = payload opcode
        let! mask = Gen.choose (0, Int32.MaxValue)
        return opcode, uint32 mask, payload
    }
    |> Arb.fromGen

let private framed (opcode, mask, payload: byte[]) =
    let frame =
        Array.zeroCreate (ClientFrames.headLength payload.Length + payload.Length)

    let length = ClientFrames.write opcode mask (ReadOnlySpan payload) (Span frame)
    frame, length

let private serverReads (opcode, mask, payload: byte[]) =
    let frame, length = framed (opcode, mask, payload)
    let head = Frames.read (ReadOnlySpan frame)
    let body = frame[head.HeadLength ..]
    Frames.unmask head.Mask (Span body)

    length = frame.Length
    && head.Reading = FrameReading.Header
    && (head.Opcode, head.Fin, head.Length, head.Mask) = (opcode, true, payload.Length, mask)
    && body = payload

let private clientReads (opcode, _, payload: byte[]) =
    let frame = Frames.whole opcode (ReadOnlySpan payload)
    let head = ClientFrames.read (ReadOnlySpan frame)

    head.Reading = FrameReading.Header
    && (head.Opcode, head.Fin, head.Length) = (opcode, true, payload.Length)
    && frame[head.HeadLength ..] = payload

let private eachRefusesItsOwn (opcode, mask, payload: byte[]) =
    let ours, _ = framed (opcode, mask, payload)
    let theirs = Frames.whole opcode (ReadOnlySpan payload)

    (ClientFrames.read (ReadOnlySpan ours)).Code = 1002
    && (Frames.read (ReadOnlySpan theirs)).Code = 1002

let private cutHeadIsPartial (opcode, _, payload: byte[]) =
    let frame = Frames.whole opcode (ReadOnlySpan payload)
    let head = (ClientFrames.read (ReadOnlySpan frame)).HeadLength

    List.forall
        (fun cut ->
            (ClientFrames.read (ReadOnlySpan(frame, 0, cut))).Reading = FrameReading.Partial)
        [ 0 .. head - 1 ]

let private asks =
    gen {
        let! bytes = Gen.arrayOfLength 16 (Gen.map byte (Gen.choose (0, 255)))
        let! host = Gen.elements [ "sip.example"; "127.0.0.1:8080"; "[::1]:8080" ]
        let! path = Gen.elements [ "/"; "/ws"; "/a?b=c" ]
        let! others = Gen.elements [ []; [ "xmpp" ]; [ "mqtt"; "xmpp" ] ]
        let! fields = Gen.elements [ []; [ "User-Agent", "a client" ] ]

        return
            {
                Host = host
                Path = path
                Key = Convert.ToBase64String bytes
                Protocols = others @ [ "sip" ]
                Fields = fields
            }
    }
    |> Arb.fromGen

let private answerTo ask =
    match Handshake.receive Handshake.anything (ReadOnlySpan(ClientHandshake.request ask)) with
    | HandshakeOutcome.Accept(response, _) -> response
    | HandshakeOutcome.Refuse(_, response, _) -> response
    | HandshakeOutcome.Incomplete -> [||]

let private isOpened ask =
    let response = answerTo ask

    match ClientHandshake.receive ask (ReadOnlySpan response) with
    | HandshakeAnswer.Head(_, length, []) -> length = response.Length
    | HandshakeAnswer.Head _
    | HandshakeAnswer.NotHttp
    | HandshakeAnswer.Incomplete -> false

let private waitsForTheWhole ask =
    let response = answerTo ask

    List.forall
        (fun cut ->
            ClientHandshake.receive ask (ReadOnlySpan(response, 0, cut)) =
                HandshakeAnswer.Incomplete)
        [ 0 .. response.Length - 1 ]

let private otherKeyIsNoticed ask =
    let other =
        { ask with
            Key = Convert.ToBase64String(Array.zeroCreate<byte> 16)
        }

    match ClientHandshake.receive ask (ReadOnlySpan(answerTo other)) with
    | HandshakeAnswer.Head(_, _, flaws) ->
        (flaws = [ HandshakeFlaw.WrongAccept ]) = (ask.Key <> other.Key)
    | HandshakeAnswer.NotHttp
    | HandshakeAnswer.Incomplete -> false

let private withoutSipIsRefused ask =
    let ask =
        { ask with
            Protocols = List.filter ((<>) "sip") ask.Protocols
        }

    match ClientHandshake.receive ask (ReadOnlySpan(answerTo ask)) with
    | HandshakeAnswer.Head(response, _, flaws) ->
        response.Status = 400 && flaws = [ HandshakeFlaw.Status 400 ]
    | HandshakeAnswer.NotHttp
    | HandshakeAnswer.Incomplete -> false

let private flawed =
    [
        "Upgrade: websocket", "X: y", HandshakeFlaw.NoUpgrade
        "Connection: Upgrade", "Connection: close", HandshakeFlaw.NoConnection
        "Sec-WebSocket-Protocol: sip", "X: y", HandshakeFlaw.NoProtocol
        "Sec-WebSocket-Protocol: sip",
        "Sec-WebSocket-Protocol: SIP",
        HandshakeFlaw.OtherProtocol "SIP"
        "Upgrade: websocket",
        "Upgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate",
        HandshakeFlaw.Extension "permessage-deflate"
    ]

let private everyFlawIsNamed ask =
    let answer = Text.ofBytes (ReadOnlySpan(answerTo ask))

    flawed
    |> List.forall (fun (said, instead, flaw) ->
        let spoilt = Text.toBytes (answer.Replace(said, instead))

        match ClientHandshake.receive ask (ReadOnlySpan spoilt) with
        | HandshakeAnswer.Head(_, _, flaws) -> flaws = [ flaw ]
        | HandshakeAnswer.NotHttp
        | HandshakeAnswer.Incomplete -> false)

let all =
    testList
        "Clients of WebSocket"
        [
            Law.holds "what a client frames, our server reads" frames serverReads
            Law.holds "what our server frames, a client reads" frames clientReads
            Law.holds "neither side reads its own frames" frames eachRefusesItsOwn
            Law.holds "a client waits for the whole head of a frame" frames cutHeadIsPartial
            Law.holds "what a client asks, our server grants, and the client agrees" asks isOpened
            Law.holds "a client waits for the whole answer" asks waitsForTheWhole
            Law.holds "an answer to another key opens nothing" asks otherKeyIsNoticed
            Law.holds "who does not offer sip is refused, and knows it" asks withoutSipIsRefused
            Law.holds "a client names what is wrong with an answer" asks everyFlawIsNamed
        ]
