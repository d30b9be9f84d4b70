// RawSocket: a WebSocket held by hand, for what no polite client would send.

namespace Sip.Sockets

open System
open System.IO
open System.Net
open System.Threading.Tasks
open Expecto

/// A WebSocket whose frames the test writes itself.
[<Sealed>]
type RawSocket(stream: Stream) =
    member _.Stream = stream

    /// Writes bytes as they are.
    member _.Write(bytes: byte[]) : Task<unit> =
        task {
            do! stream.WriteAsync(bytes, 0, bytes.Length, Waiting.deadline ())
            do! stream.FlushAsync(Waiting.deadline ())
        }

    /// The next frame.
    member _.Read() : Task<Frame> = WebSocketClient.read stream

    /// The next frame must be this one.
    member this.Reads(first: int, payload: byte[], what: string) : Task<unit> =
        task {
            let! frame = this.Read()
            Expect.equal (frame.First, frame.Payload) (first, payload) what
        }

    /// The next frame must be a Close with this code, and then the stream must end.
    member this.Closes(code: int) : Task<unit> =
        task {
            let! frame = this.Read()
            Expect.equal (WebSocketClient.code frame) code "the code of the Close"
            let! rest = WebSocketClient.readAll stream
            Expect.equal rest "" "nothing comes behind a Close"
        }

    interface IDisposable with
        member _.Dispose() = stream.Dispose()

/// Opening raw WebSockets.
[<RequireQualifiedAccess>]
module RawSocket =

    /// A WebSocket on `ws` or `wss`.
    let connect (lab: Laboratory) (transport: string) : Task<RawSocket> =
        task {
            let place = Laboratory.place lab transport
            let! struct (stream, _) = Line.stream (transport = "wss") place
            do! WebSocketClient.shakeHands stream place
            return new RawSocket(stream)
        }

    /// An OPTIONS to the server, told from others by its mark.
    let options (lab: Laboratory) (mark: string) : byte[] =
        Said.write
            $"OPTIONS sip:{lab.Domain} SIP/2.0"
            [
                "Via", $"SIP/2.0/WS a.invalid;branch=z9hG4bK{mark}"
                "Max-Forwards", "70"
                "From", $"<sip:probe@a.invalid>;tag={mark}"
                "To", $"<sip:{lab.Domain}>"
                "Call-ID", mark
                "CSeq", "1 OPTIONS"
            ]
            [||]

    /// Whether this is the 200 to the OPTIONS with that mark.
    let isAnswer (mark: string) (message: byte[]) : bool =
        let said = Said.read message
        Said.status said = 200 && Said.one "Call-ID" said = mark
