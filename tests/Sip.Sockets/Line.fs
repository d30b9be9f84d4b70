// Line: one client's connection to the server, over a socket of its own: UDP, TCP, TLS, WS or WSS.
// What arrives is cut into messages by rules written here again, not by the domain's.

namespace Sip.Sockets

open System
open System.IO
open System.Net
open System.Net.Security
open System.Net.Sockets
open System.Net.WebSockets
open System.Text.Unicode
open System.Threading
open System.Threading.Channels
open System.Threading.Tasks

/// How a connection ended.
[<RequireQualifiedAccess>]
type End =
    /// By the far end, in order; of a WebSocket with its code.
    | Closed of code: int
    /// Torn.
    | Broken

/// A connection that carries whole messages.
[<Sealed>]
type Line
    (
        transport: string,
        server: IPEndPoint,
        local: IPEndPoint,
        send: byte[] -> Task,
        inbox: ChannelReader<byte[]>,
        ended: Task<End>,
        dispose: unit -> unit
    ) =

    /// `udp`, `tcp`, `tls`, `ws` or `wss`.
    member _.Transport = transport
    /// The listener that it leads to.
    member _.Server = server
    member _.Local = local
    member _.Send(bytes: byte[]) : Task = send bytes
    member _.Ended = ended

    /// The next message, however long it takes; none once the connection has ended.
    member _.Await() : Task<byte[] voption> =
        task {
            let! more = inbox.WaitToReadAsync()

            match inbox.TryRead() with
            | true, bytes when more -> return ValueSome bytes
            | _ -> return ValueNone
        }

    /// The next message as bytes; a keep-alive's answer is CRLF.
    member _.Receive() : Task<byte[]> =
        task {
            try
                return! inbox.ReadAsync(Waiting.deadline ())
            with
            | :? ChannelClosedException -> return failwith $"the {transport} connection was closed"
            | :? OperationCanceledException ->
                return failwith $"waited in vain for a message on {transport}"
        }

    interface IDisposable with
        member _.Dispose() = dispose ()

/// Opening lines.
[<RequireQualifiedAccess>]
module Line =

    let private crlf = "\r\n"B

    /// The length of the message that the bytes begin with, 0 while it has not arrived whole.
    let private whole (bytes: ReadOnlySpan<byte>) : int =
        let head = bytes.IndexOf(ReadOnlySpan "\r\n\r\n"B)

        if bytes.StartsWith(ReadOnlySpan crlf) then
            2
        elif head < 0 then
            0
        else
            let said = Said.read (bytes.Slice(0, head + 4).ToArray())
            let length = head + 4 + int (Said.one "Content-Length" said)
            if length <= bytes.Length then length else 0

    let private pump (stream: Stream) (inbox: ChannelWriter<byte[]>) : Task<End> =
        task {
            let mutable kept = Array.empty<byte>
            let buffer = Array.zeroCreate<byte> 65536
            let mutable outcome = ValueNone

            while outcome.IsNone do
                try
                    let! count = stream.ReadAsync(buffer, 0, buffer.Length)

                    if count = 0 then
                        outcome <- ValueSome(End.Closed 0)
                    else
                        kept <- Array.append kept buffer[.. count - 1]
                        let mutable length = whole (ReadOnlySpan kept)

                        while length > 0 do
                            inbox.TryWrite kept[.. length - 1] |> ignore
                            kept <- kept[length..]
                            length <- whole (ReadOnlySpan kept)
                with
                | :? IOException
                | :? ObjectDisposedException -> outcome <- ValueSome End.Broken

            inbox.TryComplete() |> ignore
            return outcome.Value
        }

    let private pumpDatagrams (socket: Socket) (inbox: ChannelWriter<byte[]>) : Task<End> =
        task {
            let buffer = Array.zeroCreate<byte> 65536
            let mutable isOpen = true

            while isOpen do
                try
                    let! count = socket.ReceiveAsync(ArraySegment buffer, SocketFlags.None)

                    // A sign of life for whatever translates addresses.
                    if not (ReadOnlySpan(buffer, 0, count).StartsWith(ReadOnlySpan crlf)) then
                        inbox.TryWrite buffer[.. count - 1] |> ignore
                with
                | :? SocketException
                | :? ObjectDisposedException -> isOpen <- false

            inbox.TryComplete() |> ignore
            return End.Broken
        }

    let private pumpWebSocket (socket: WebSocket) (inbox: ChannelWriter<byte[]>) : Task<End> =
        task {
            let buffer = Array.zeroCreate<byte> 65536
            let mutable kept = Array.empty<byte>
            let mutable outcome = ValueNone

            while outcome.IsNone do
                try
                    let! got = socket.ReceiveAsync(ArraySegment buffer, CancellationToken.None)

                    if got.MessageType = WebSocketMessageType.Close then
                        let code = got.CloseStatus.GetValueOrDefault()

                        if socket.State = WebSocketState.CloseReceived then
                            do!
                                socket.CloseOutputAsync(
                                    got.CloseStatus.Value,
                                    "",
                                    CancellationToken.None
                                )

                        outcome <- ValueSome(End.Closed(int code))
                    else
                        kept <- Array.append kept buffer[.. got.Count - 1]

                        if got.EndOfMessage then
                            inbox.TryWrite kept |> ignore
                            kept <- [||]
                with
                | :? WebSocketException
                | :? OperationCanceledException
                | :? ObjectDisposedException -> outcome <- ValueSome End.Broken

            inbox.TryComplete() |> ignore
            return outcome.Value
        }

    let private local (socket: Socket) =
        match socket.LocalEndPoint with
        | :? IPEndPoint as place -> place
        | _ -> failwith "the socket is not bound"

    let private channel () =
        Channel.CreateUnbounded<byte[]>(UnboundedChannelOptions(SingleReader = true))

    let private udp (server: IPEndPoint) : Task<Line> =
        task {
            let socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp)
            do! socket.ConnectAsync server
            let inbox = channel ()

            let send (bytes: byte[]) : Task =
                task {
                    let! _ = socket.SendAsync(ArraySegment bytes, SocketFlags.None)
                    return ()
                }

            return
                new Line(
                    "udp",
                    server,
                    local socket,
                    send,
                    inbox.Reader,
                    pumpDatagrams socket inbox.Writer,
                    socket.Dispose
                )
        }

    /// A stream to the server, with TLS on it or without; any certificate will do.
    let stream (isSecure: bool) (server: IPEndPoint) : Task<struct (Stream * Socket)> =
        task {
            let socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp)
            socket.NoDelay <- true
            do! socket.ConnectAsync server
            let plain = new NetworkStream(socket, true)

            if isSecure then
                let secure = new SslStream(plain, false, fun _ _ _ _ -> true)
                do! secure.AuthenticateAsClientAsync "localhost"
                return struct (secure :> Stream, socket)
            else
                return struct (plain :> Stream, socket)
        }

    let private overStream (transport: string) (server: IPEndPoint) : Task<Line> =
        task {
            let! struct (stream, socket) = stream (transport = "tls") server
            let inbox = channel ()
            let sending = new SemaphoreSlim 1

            let send (bytes: byte[]) : Task =
                task {
                    do! sending.WaitAsync()

                    try
                        do! stream.WriteAsync(bytes, 0, bytes.Length)
                        do! stream.FlushAsync()
                    finally
                        sending.Release() |> ignore
                }

            return
                new Line(
                    transport,
                    server,
                    local socket,
                    send,
                    inbox.Reader,
                    pump stream inbox.Writer,
                    stream.Dispose
                )
        }

    let private overWebSocket (transport: string) (server: IPEndPoint) : Task<Line> =
        task {
            let isSecure = (transport = "wss")
            let! struct (stream, socket) = stream isSecure server
            do! WebSocketClient.shakeHands stream server
            let options = WebSocketCreationOptions(SubProtocol = "sip")
            let webSocket = WebSocket.CreateFromStream(stream, options)
            let inbox = channel ()

            let send (bytes: byte[]) : Task =
                let kind =
                    if Utf8.IsValid(ReadOnlySpan bytes) then
                        WebSocketMessageType.Text
                    else
                        WebSocketMessageType.Binary

                webSocket.SendAsync(ArraySegment bytes, kind, true, CancellationToken.None)

            return
                new Line(
                    transport,
                    server,
                    local socket,
                    send,
                    inbox.Reader,
                    pumpWebSocket webSocket inbox.Writer,
                    fun () -> stream.Dispose()
                )
        }

    /// Connects to a listener.
    let connect (transport: string) (server: IPEndPoint) : Task<Line> =
        match transport with
        | "udp" -> udp server
        | "tcp"
        | "tls" -> overStream transport server
        | _ -> overWebSocket transport server
