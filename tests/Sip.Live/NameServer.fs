// NameServer: a name server on loopback for tests: it answers from a table, over UDP, and remembers what it
// was asked (RFC 1035 §4, RFC 2782, RFC 3403).

namespace Sip.Live

open System
open System.Collections.Concurrent
open System.Net
open System.Net.Sockets
open System.Text
open System.Threading

/// What the server does about a question.
[<RequireQualifiedAccess>]
type Zonal =
    | Records of Type: int * Data: byte[] list
    | Nothing
    | Refuse
    /// It is never answered.
    | Silence

/// A running name server.
[<Sealed>]
type NameServer(answer: string -> int -> Zonal) =
    let socket =
        new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp)

    let asked = ConcurrentQueue<struct (string * int)>()
    let stopping = new CancellationTokenSource()

    let short (value: int) = [| byte (value >>> 8); byte value |]

    // 3600 seconds for what there is.
    let record (kind: int) (data: byte[]) =
        Array.concat
            [
                [| 0xC0uy; 12uy |]
                short kind
                short 1
                [| 0uy; 0uy; 14uy; 16uy |]
                short data.Length
                data
            ]

    let question (query: byte[]) =
        let rec labels at found =
            match int query[at] with
            | 0 -> at + 1, String.Join('.', List.rev found)
            | length ->
                labels (at + 1 + length) (Encoding.ASCII.GetString(query, at + 1, length) :: found)

        let at, name = labels 12 []
        struct (name.ToLowerInvariant(), int query[at] * 256 + int query[at + 1], at + 4)

    let respond (query: byte[]) : byte[] voption =
        let struct (name, kind, stop) = question query
        asked.Enqueue(struct (name, kind))

        let whole (code: byte) (records: byte[] list) =
            Array.concat (
                [
                    query[0..1]
                    [| 0x81uy; 0x80uy ||| code; 0uy; 1uy |]
                    short records.Length
                    [| 0uy; 0uy; 0uy; 0uy |]
                    query[12 .. stop - 1]
                ]
                @ records
            )
            |> ValueSome

        match answer name kind with
        | Zonal.Records(kind, data) -> whole 0uy (List.map (record kind) data)
        | Zonal.Nothing -> whole 3uy []
        | Zonal.Refuse -> whole 2uy []
        | Zonal.Silence -> ValueNone

    let serve () =
        task {
            let buffer = Array.zeroCreate<byte> 2048

            try
                while not stopping.IsCancellationRequested do
                    let! got =
                        socket.ReceiveFromAsync(
                            Memory buffer,
                            SocketFlags.None,
                            IPEndPoint(IPAddress.Any, 0),
                            stopping.Token
                        )

                    match respond buffer[.. got.ReceivedBytes - 1] with
                    | ValueSome response ->
                        let! _ =
                            socket.SendToAsync(
                                ReadOnlyMemory response,
                                SocketFlags.None,
                                got.RemoteEndPoint,
                                stopping.Token
                            )

                        ()
                    | ValueNone -> ()
            with :? OperationCanceledException ->
                ()
        }

    do socket.Bind(IPEndPoint(IPAddress.Loopback, 0))
    let serving = serve ()

    /// Where it listens.
    member _.Endpoint: IPEndPoint = (nonNull socket.LocalEndPoint) :?> IPEndPoint

    /// Every question so far, in order.
    member _.Asked: struct (string * int) list = List.ofSeq asked

    interface IDisposable with
        member _.Dispose() =
            stopping.Cancel()
            serving.GetAwaiter().GetResult()
            socket.Dispose()

/// The data of records.
[<RequireQualifiedAccess>]
module Rdata =

    let private short (value: int) = [| byte (value >>> 8); byte value |]

    let private name (text: string) =
        let label (part: string) =
            Array.append [| byte part.Length |] (Encoding.ASCII.GetBytes part)

        Array.append
            (text.Split('.', StringSplitOptions.RemoveEmptyEntries) |> Array.collect label)
            [| 0uy |]

    let private text (value: string) =
        Array.append [| byte value.Length |] (Encoding.ASCII.GetBytes value)

    /// An address.
    let address (written: string) : byte[] =
        (IPAddress.Parse written).GetAddressBytes()

    /// A server of a service.
    let srv priority weight port target : byte[] =
        Array.concat [ short priority; short weight; short port; name target ]

    /// A rule of NAPTR with the flag `s`.
    let naptr order preference service replacement : byte[] =
        Array.concat
            [
                short order
                short preference
                text "s"
                text service
                text ""
                name replacement
            ]
