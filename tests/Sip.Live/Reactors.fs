// Reactors: the reactor inside of the test's own process, with another conductor than the ledger.

namespace Sip.Live

open System
open System.Collections.Generic
open System.Security.Cryptography
open System.Security.Cryptography.X509Certificates
open System.Threading
open System.Threading.Channels
open System.Threading.Tasks
open Expecto
open Microsoft.Extensions.Logging.Abstractions
open Sip
open Sip.Edge
open Sip.Guarding
open Sip.Routing
open Sip.Server.Reactor
open Sip.Server.Shell

/// What a shard told its conductor.
[<RequireQualifiedAccess>]
type Told =
    | Opened of Flow
    | Arrived of Flow * Text: string
    | Closed of Flow
    | Handed of Flow * Text: string
    | Told of Sip.Edge.Told
    | Severed of Hop

/// Tells the test what it is told, and does with arrived messages what the test says.
type Teller(arrived: Flow -> ReadOnlyMemory<byte> -> Shard -> unit) =
    let told = Channel.CreateUnbounded<Told>()
    let tell what = told.Writer.TryWrite what |> ignore
    let guard = Guard(Array.init 32 byte, Bound.usual, [])
    let load = Load()

    let text (bytes: ReadOnlyMemory<byte>) =
        Text.Encoding.Latin1.GetString bytes.Span

    /// The next thing that it was told.
    member _.Next() : Task<Told> =
        task {
            use deadline = new CancellationTokenSource(Client.patience)
            return! told.Reader.ReadAsync deadline.Token
        }

    interface IConductor with
        member _.Wake = Instant.Never
        member _.Pending = 0
        member _.Held = 0
        member _.Proofs = 0
        member _.Guard = guard
        member _.Load = load
        member _.Withheld = 0L
        member _.Opened(_, flow, _) = tell (Told.Opened flow)
        member _.Visited(_, _, _, _, _) = ()

        member _.Arrived(_, flow, bytes, shard) =
            tell (Told.Arrived(flow, text bytes))
            arrived flow bytes shard

        member _.Unframed(_, flow, _, head, shard) =
            tell (Told.Arrived(flow, text head))
            arrived flow head shard

        member _.Closed(_, flow, _) = tell (Told.Closed flow)

        member _.Severed(_, hop, _) = tell (Told.Severed hop)

        member _.Handed(_, flow, bytes, _) = tell (Told.Handed(flow, text bytes))

        member _.Told(_, what, _) = tell (Told.Told what)

        member _.Tick(_, _) = ()
        member _.Enroll(_, _, _) = ()

        member _.Online _ =
            [||] :> IReadOnlyList<KeyValuePair<string, int>>

/// A clock that the test moves.
type Hands() =
    inherit TimeProvider()
    let mutable milliseconds = 0L
    override _.GetTimestamp() = Volatile.Read(&milliseconds)
    override _.TimestampFrequency = 1000L

    /// Moves it on.
    member _.Move(by: int64<ms>) =
        Interlocked.Add(&milliseconds, int64 by) |> ignore

/// Building reactors and certificates.
[<RequireQualifiedAccess>]
module Reactors =

    /// A certificate for these names, with its key; its own authority.
    let certificate (names: string list) : X509Certificate2 =
        use key = ECDsa.Create ECCurve.NamedCurves.nistP256

        let request = CertificateRequest("CN=" + names.Head, key, HashAlgorithmName.SHA256)

        let alternatives = SubjectAlternativeNameBuilder()

        for name in names do
            match Net.IPAddress.TryParse name with
            | true, address -> alternatives.AddIpAddress(nonNull address)
            | false, _ -> alternatives.AddDnsName name

        request.CertificateExtensions.Add(alternatives.Build())
        request.CertificateExtensions.Add(X509BasicConstraintsExtension(true, false, 0, true))
        let now = DateTimeOffset.UtcNow
        use made = request.CreateSelfSigned(now.AddDays -1., now.AddDays 1.)
        X509CertificateLoader.LoadPkcs12(made.Export X509ContentType.Pkcs12, null)

    /// TLS for accepted connections, by these certificates.
    let serving (certificates: X509Certificate2 list) : TlsContexts =
        new TlsContexts(
            Server = TlsContext.ForServer(certificates |> List.map TlsIdentity.Of |> List.toArray)
        )

    /// A reactor that listens on these ports, in the order of `Served.Port`.
    let start
        (ports: int list)
        (time: TimeProvider)
        conductors
        (tls: TlsContexts)
        : Task<ReactorEdge> =
        task {
            let listen =
                List.map2
                    (fun transport (port: int) ->
                        String.Concat(transport, ":127.0.0.1:", string port))
                    [ "udp"; "tcp"; "tls"; "ws"; "wss" ]
                    (ports.Head :: List.truncate 4 ports)

            let wishes: Wishes =
                {
                    Listen = List.toArray listen
                    Trunks = [||]
                    Advertise = ""
                    Domains = [| "sip.test" |]
                    Peers = [||]
                    Resolved = Dictionary()
                    Upstreams = [||]
                    UpstreamPath = "supported"
                    Barred = [||]
                    Balancers = [||]
                    Limits = [||]
                    Origins = [||]
                    Hosts = [||]
                    Paths = [||]
                    Outward = [||]
                    StrictOutbound = false
                    StrictPath = false
                    Tokens = ValueNone
                    UnsafeBearer = false
                    HandshakeTokens = [||]
                    UnsafeNoAuth = true
                    Inbound = "known"
                    UserStarts = "300,6000,50000,500,600"
                    PeerStarts = "20,120,500,60,40"
                    UserCalls = "100,6000"
                    PeerCalls = "10,600"
                    Digest = "all"
                    MessageBytes = 65536
                    Secret = Array.zeroCreate 32
                    Epoch = 1UL
                    Born = 0L<s>
                }

            match Setup.configure wishes with
            | Configured.Invalid problems -> return failtest (String.Join("; ", problems))
            | Configured.Ready setup ->
                let edge =
                    ReactorEdge(
                        setup,
                        List.toArray conductors,
                        Clock time,
                        ReactorSettings(QueueBytes = 65536, Tls = tls),
                        TimeSpan.Zero,
                        NullLogger.Instance
                    )

                do! edge.StartAsync CancellationToken.None
                return edge
        }
