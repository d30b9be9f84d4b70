// Client: a SIP client on a real socket, with its hands on every byte that leaves.

namespace Sip.Live

open System
open System.IO
open System.Net
open System.Net.Security
open System.Net.Sockets
open System.Security.Authentication
open System.Security.Cryptography
open System.Threading
open System.Threading.Tasks
open Sip
open Sip.Wire

/// What comes from the server.
[<RequireQualifiedAccess>]
type Came =
    | Message of Text: string
    /// A Close frame.
    | Close of Code: int
    | End

/// Writes every byte by itself.
type Dribble(inner: Stream) =
    inherit Stream()
    override _.CanRead = true
    override _.CanWrite = true
    override _.CanSeek = false
    override _.Length = raise (NotSupportedException())

    override _.Position
        with get () = raise (NotSupportedException())
        and set _ = raise (NotSupportedException())

    override _.Flush() = inner.Flush()
    override _.Seek(_, _) = raise (NotSupportedException())
    override _.SetLength _ = raise (NotSupportedException())
    override _.Read(buffer, offset, count) = inner.Read(buffer, offset, count)

    override _.ReadAsync(buffer: Memory<byte>, cancel: CancellationToken) =
        inner.ReadAsync(buffer, cancel)

    override _.Write(buffer, offset, count) =
        for i in offset .. offset + count - 1 do
            inner.Write(buffer, i, 1)

    override _.WriteAsync(buffer: ReadOnlyMemory<byte>, cancel: CancellationToken) =
        ValueTask(
            task {
                for i in 0 .. buffer.Length - 1 do
                    do! inner.WriteAsync(buffer.Slice(i, 1), cancel)
            }
        )

/// One connection to the server.
type Client =
    {
        Transport: Transport
        Socket: Socket
        Stream: Stream
        /// What was read and not yet taken.
        mutable Left: byte[]
    }

    interface IDisposable with
        member this.Dispose() =
            this.Stream.Dispose()
            this.Socket.Dispose()

/// Talking to the server.
[<RequireQualifiedAccess>]
module Client =

    /// How long anything may take before a test fails.
    let patience = TimeSpan.FromSeconds 30.

    let private bytes (text: string) = Text.Encoding.Latin1.GetBytes text

    let private read (client: Client) : Task<bool> =
        task {
            use deadline = new CancellationTokenSource(patience)
            let buffer = Array.zeroCreate<byte> 16384

            try
                let! count = client.Stream.ReadAsync(Memory buffer, deadline.Token)
                client.Left <- Array.append client.Left (Array.truncate count buffer)
                return count > 0
            with :? IOException ->
                return false
        }

    /// The bytes of a whole message as this transport carries it.
    let wrap (client: Client) (message: string) : byte[] =
        let payload = bytes message

        match client.Transport with
        | Transport.Udp
        | Transport.Tcp
        | Transport.Tls -> payload
        | Transport.Ws
        | Transport.Wss ->
            let mask = RandomNumberGenerator.GetBytes 4
            let masked = payload |> Array.mapi (fun i b -> b ^^^ mask[i &&& 3])

            let length =
                if payload.Length < 126 then
                    [| byte payload.Length ||| 0x80uy |]
                elif payload.Length < 65536 then
                    [| 0xFEuy; byte (payload.Length >>> 8); byte payload.Length |]
                else
                    Array.append
                        [| 0xFFuy |]
                        (Array.rev (BitConverter.GetBytes(int64 payload.Length)))

            Array.concat [ [| 0x81uy |]; length; mask; masked ]

    /// Sends bytes as they are.
    let sendBytes (client: Client) (all: byte[]) : Task =
        task {
            use deadline = new CancellationTokenSource(patience)
            do! client.Stream.WriteAsync(ReadOnlyMemory all, deadline.Token)
            do! client.Stream.FlushAsync deadline.Token
        }

    /// Sends one message.
    let send (client: Client) (message: string) = sendBytes client (wrap client message)

    let private take (client: Client) count =
        let taken = Array.truncate count client.Left
        client.Left <- Array.skip count client.Left
        Text.Encoding.Latin1.GetString taken

    let private contentLength (head: string) =
        head.Split "\r\n"
        |> Array.pick (fun line ->
            if line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase) then
                Some(int (line.Substring(15).Trim()))
            else
                None)

    let private trySip (client: Client) : Came voption =
        let text = Text.Encoding.Latin1.GetString client.Left
        let stop = text.IndexOf("\r\n\r\n", StringComparison.Ordinal)

        if text.StartsWith("\r\n", StringComparison.Ordinal) then
            ValueSome(Came.Message(take client 2))
        elif stop < 0 then
            ValueNone
        else
            let whole = stop + 4 + contentLength (text.Substring(0, stop))

            if text.Length < whole then
                ValueNone
            else
                ValueSome(Came.Message(take client whole))

    /// A server's frame: opcode, where the payload starts, its length.
    let private tryFrame (all: byte[]) : struct (int * int * int) voption =
        let head =
            if all.Length < 2 then -1
            elif all[1] < 126uy then 2
            else 4

        if head < 0 || all.Length < head then
            ValueNone
        else
            let length =
                if head = 2 then
                    int all[1]
                else
                    (int all[2] <<< 8) ||| int all[3]

            if all.Length < head + length then
                ValueNone
            else
                ValueSome(struct (int all[0] &&& 0x0F, head, length))

    let private tryWebSocket (client: Client) : Came voption =
        match tryFrame client.Left with
        | ValueNone -> ValueNone
        | ValueSome(struct (opcode, head, length)) ->
            let payload = Array.sub client.Left head length
            client.Left <- Array.skip (head + length) client.Left

            match opcode with
            | 8 when length >= 2 -> ValueSome(Came.Close((int payload[0] <<< 8) ||| int payload[1]))
            | 8 -> ValueSome(Came.Close 1005)
            | 9 -> ValueSome(Came.Message "ping")
            | _ -> ValueSome(Came.Message(Text.Encoding.Latin1.GetString payload))

    /// The next thing that comes.
    let rec receive (client: Client) : Task<Came> =
        task {
            let next =
                if Transport.isWebSocket client.Transport then
                    tryWebSocket client
                else
                    trySip client

            match next with
            | ValueSome came -> return came
            | ValueNone ->
                let! more = read client
                if more then return! receive client else return Came.End
        }

    /// The next message; the connection must not end before it.
    let message (client: Client) : Task<string> =
        task {
            match! receive client with
            | Came.Message text -> return text
            | Came.Close code -> return raise (IOException("closed with " + string code))
            | Came.End -> return raise (IOException "the connection ended")
        }

    /// Sends a question of its own and says whether its answer, and nothing else, comes back.
    let answers (client: Client) : Task<bool> =
        task {
            let id = Requests.fresh ()
            do! send client (Requests.options client.Transport id)

            match! receive client with
            | Came.Message answer -> return Requests.isAnswer 200 id answer
            | Came.Close _
            | Came.End -> return false
        }

    /// Reads until the server has nothing more to say.
    let rec drain (client: Client) : Task<Came> =
        task {
            match! receive client with
            | Came.Message _ -> return! drain client
            | Came.Close code -> return Came.Close code
            | Came.End -> return Came.End
        }

    let private handshake =
        String.Join(
            "\r\n",
            [
                "GET / HTTP/1.1"
                "Host: localhost"
                "Upgrade: websocket"
                "Connection: Upgrade"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
                "Sec-WebSocket-Version: 13"
                "Sec-WebSocket-Protocol: sip"
                ""
                ""
            ]
        )

    let rec private upgraded (client: Client) : Task =
        task {
            let text = Text.Encoding.Latin1.GetString client.Left
            let stop = text.IndexOf("\r\n\r\n", StringComparison.Ordinal)

            if stop >= 0 then
                if not (text.StartsWith("HTTP/1.1 101", StringComparison.Ordinal)) then
                    raise (IOException text)

                client.Left <- Array.skip (stop + 4) client.Left
            else
                let! more = read client

                if more then
                    do! upgraded client
                else
                    raise (IOException "no answer to the handshake")
        }

    /// What a TLS client asks for.
    type Tls =
        {
            Name: string
            Versions: SslProtocols
            Seen: string -> unit
        }

    /// Any version; whose certificate it is does not matter.
    let anyTls =
        {
            Name = "localhost"
            Versions = SslProtocols.None
            Seen = ignore
        }

    let private secure (tls: Tls) (stream: Stream) : Task<Stream> =
        task {
            let secured =
                new SslStream(
                    stream,
                    false,
                    fun _ certificate _ _ ->
                        tls.Seen(string (nonNull certificate).Subject)
                        true
                )

            let options =
                SslClientAuthenticationOptions(
                    TargetHost = tls.Name,
                    EnabledSslProtocols = tls.Versions
                )

            use deadline = new CancellationTokenSource(patience)
            do! secured.AuthenticateAsClientAsync(options, deadline.Token)
            return secured :> Stream
        }

    /// Connects, with the stream below and TLS as asked for, and shakes every hand.
    let connectBy (below: Stream -> Stream) tls transport (port: int) : Task<Client> =
        task {
            let socket =
                new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)

            socket.NoDelay <- true
            do! socket.ConnectAsync(IPEndPoint(IPAddress.Loopback, port))
            let plain = below (new NetworkStream(socket, false))

            let! stream =
                if Transport.isSecure transport then
                    secure tls plain
                else
                    Task.FromResult plain

            let client =
                {
                    Transport = transport
                    Socket = socket
                    Stream = stream
                    Left = [||]
                }

            if Transport.isWebSocket transport then
                do! sendBytes client (bytes handshake)
                do! upgraded client

            return client
        }

    /// Connects.
    let connect transport port = connectBy id anyTls transport port
