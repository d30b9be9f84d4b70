// WebSocketClient: the client's side of RFC 6455, written out so that tests can also break it: the
// handshake line by line, frames byte by byte.

namespace Sip.Sockets

open System
open System.Buffers.Binary
open System.IO
open System.Net
open System.Security.Cryptography
open System.Threading.Tasks

/// A frame that the server sent.
type Frame = { First: int; Payload: byte[] }

/// Speaking WebSocket.
[<RequireQualifiedAccess>]
module WebSocketClient =

    let private key = "dGhlIHNhbXBsZSBub25jZQ=="

    /// A handshake that is in order, as lines.
    let polite (server: IPEndPoint) : string list =
        [
            "GET / HTTP/1.1"
            $"Host: {server}"
            "Upgrade: websocket"
            "Connection: Upgrade"
            $"Sec-WebSocket-Key: {key}"
            "Sec-WebSocket-Protocol: sip"
            "Sec-WebSocket-Version: 13"
        ]

    /// The same with the line of this name replaced by these lines.
    let changing (name: string) (lines: string list) (handshake: string list) : string list =
        handshake
        |> List.collect (fun line ->
            if line.StartsWith(name, StringComparison.Ordinal) then
                lines
            else
                [ line ])

    let head (lines: string list) : byte[] =
        Said.bytes (String.Join("\r\n", lines @ [ ""; "" ]))

    let private fill (stream: Stream) (count: int) : Task<byte[]> =
        task {
            let bytes = Array.zeroCreate<byte> count
            do! stream.ReadExactlyAsync(Memory bytes, Waiting.deadline ())
            return bytes
        }

    /// The head of an HTTP response, its final empty line included.
    let readHead (stream: Stream) : Task<string> =
        task {
            let mutable said = ""

            while not (said.EndsWith("\r\n\r\n", StringComparison.Ordinal)) do
                let! next = fill stream 1
                said <- said + Said.text next

            return said
        }

    /// All that comes until the far end closes.
    let readAll (stream: Stream) : Task<string> =
        task {
            let buffer = new MemoryStream()
            do! stream.CopyToAsync(buffer, Waiting.deadline ())
            return Said.text (buffer.ToArray())
        }

    let private expected =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: sip\r\n\r\n"

    /// Opens a WebSocket on a stream.
    let shakeHands (stream: Stream) (server: IPEndPoint) : Task<unit> =
        task {
            do! stream.WriteAsync(head (polite server))
            let! said = readHead stream

            if said <> expected then
                failwith $"the handshake was answered {said}"
        }

    /// A frame of a client, masked, with its length in the shortest form.
    let frame (first: int) (payload: byte[]) : byte[] =
        let length =
            if payload.Length < 126 then
                [| 0x80uy ||| byte payload.Length |]
            elif payload.Length < 65536 then
                [| 0xFEuy; byte (payload.Length >>> 8); byte payload.Length |]
            else
                let eight = Array.zeroCreate<byte> 8
                BinaryPrimitives.WriteUInt64BigEndian(Span eight, uint64 payload.Length)
                Array.append [| 0xFFuy |] eight

        let mask = RandomNumberGenerator.GetBytes 4
        let masked = payload |> Array.mapi (fun i b -> b ^^^ mask[i % 4])
        Array.concat [ [| byte first |]; length; mask; masked ]

    /// The next frame of the server.
    let read (stream: Stream) : Task<Frame> =
        task {
            let! two = fill stream 2
            let short = int two[1]

            if short > 127 then
                failwith "the server masked a frame (RFC 6455 section 5.1)"

            let! length =
                task {
                    if short = 126 then
                        let! more = fill stream 2
                        return int (BinaryPrimitives.ReadUInt16BigEndian(ReadOnlySpan more))
                    elif short = 127 then
                        let! more = fill stream 8
                        return int (BinaryPrimitives.ReadUInt64BigEndian(ReadOnlySpan more))
                    else
                        return short
                }

            let! payload = fill stream length

            return
                {
                    First = int two[0]
                    Payload = payload
                }
        }

    /// The code of a Close frame.
    let code (frame: Frame) : int =
        if frame.First <> 0x88 then
            failwith $"the server sent no Close but {frame.First:X2} {Said.text frame.Payload}"

        int (BinaryPrimitives.ReadUInt16BigEndian(ReadOnlySpan frame.Payload))
