// Trunks: peers that are known by their certificates, in both directions: who connects to a listener for trunks,
// and whom we call (RFC 5922 sections 7.1 to 7.4). Whatever is wrong with a certificate, nothing is said.

module Sip.Live.Trunks

open System
open System.IO
open System.Net
open System.Net.Security
open System.Net.Sockets
open System.Security.Authentication
open System.Security.Cryptography.X509Certificates
open System.Threading
open System.Threading.Tasks
open Expecto
open Sip

let private name = "localhost"

let private context (shown: Shown) =
    SslStreamCertificateContext.Create(
        shown.Certificate,
        X509Certificate2Collection(List.toArray shown.Between),
        true
    )

/// A peer that listens, and what it hears from whoever calls it, once: nothing, where hands could not be shaken.
let private peer (shown: Shown) : struct (int * Task<string>) =
    let listener = new TcpListener(IPAddress.Loopback, 0)
    listener.Start()

    let heard =
        task {
            use listener = listener
            use! client = listener.AcceptTcpClientAsync().WaitAsync Client.patience
            use stream = new SslStream(client.GetStream())

            let options =
                SslServerAuthenticationOptions(ServerCertificateContext = context shown)

            use deadline = new CancellationTokenSource(Client.patience)

            try
                do! stream.AuthenticateAsServerAsync(options, deadline.Token)
                let buffer = Array.zeroCreate<byte> 4096
                let! count = stream.ReadAsync(Memory buffer, deadline.Token)
                return Text.Encoding.Latin1.GetString(buffer, 0, count)
            with
            | :? AuthenticationException
            | :? IOException -> return ""
        }

    struct ((listener.LocalEndpoint :?> IPEndPoint).Port, heard)

/// What a trunk hears that connects with this certificate, or with none, and asks.
let private asks (port: int) (shown: Shown option) : Task<string> =
    task {
        use socket = new TcpClient()
        do! socket.ConnectAsync(IPAddress.Loopback, port)
        use stream = new SslStream(socket.GetStream(), false, fun _ _ _ _ -> true)

        let options =
            SslClientAuthenticationOptions(
                TargetHost = name,
                ClientCertificateContext = (shown |> Option.map context |> Option.toObj)
            )

        use deadline = new CancellationTokenSource(Client.patience)

        try
            do! stream.AuthenticateAsClientAsync(options, deadline.Token)
            let ask = Requests.options Transport.Tls (Requests.fresh ())
            do! stream.WriteAsync(ReadOnlyMemory(Text.Encoding.Latin1.GetBytes ask), deadline.Token)
            let buffer = Array.zeroCreate<byte> 4096
            let! count = stream.ReadAsync(Memory buffer, deadline.Token)
            return Text.Encoding.Latin1.GetString(buffer, 0, count)
        with
        | :? AuthenticationException
        | :? IOException -> return ""
    }

let private beginning (text: string) =
    if text = "" then
        "nothing"
    else
        text.Substring(0, text.IndexOf ' ')

/// A server with these peers and a listener for them, that believes this authority.
let private serving shell (root: X509Certificate2) (peers: int list) =
    task {
        let trust = Path.GetTempFileName()
        File.WriteAllText(trust, root.ExportCertificatePem())
        let trunk = List.head (Ports.take 1)

        let options =
            [
                String.Concat("--trunk=tls:127.0.0.1:", string trunk)
                String.Concat("--trust=", trust)
                for port in peers do
                    String.Concat("--peer=tls:localhost:", string port)
            ]

        let! server = Served.startWith shell options "Error" ignore
        File.Delete trust
        return struct (trunk, server)
    }

let private called shell =
    testCaseTask "a peer is called that shows who it is, and none of fourteen that do not"
    <| fun () ->
        task {
            let root = Authority.make "root"

            let peers =
                [
                    for expected, shown in
                        List.map (fun one -> "OPTIONS", one) (Authority.believed root name)
                        @ List.map
                            (fun one -> "nothing", one)
                            (Authority.disbelieved root name false) do
                        let struct (port, heard) = peer (snd shown)
                        struct (fst shown, expected, port, heard)
                ]

            let! struct (_, server) =
                serving shell root [ for struct (_, _, port, _) in peers -> port ]

            use server = server
            use! caller = Client.connect Transport.Ws (server.Port Transport.Ws)

            for struct (_, _, port, _) in peers do
                let target = String.Concat("sip:localhost:", string port, ";transport=tls")
                do! Client.send caller (Requests.optionsTo target Transport.Ws (Requests.fresh ()))

            for struct (words, expected, _, heard) in peers do
                let! said = heard
                Expect.equal (beginning said) expected words
        }

let private calling shell =
    testCaseTask "a trunk is answered that shows who it is, and none of fourteen that do not"
    <| fun () ->
        task {
            let root = Authority.make "root"
            let! struct (port, server) = serving shell root [ 5061 ]
            use _ = server

            for words, shown in Authority.believed root name do
                let! said = asks port (Some shown)
                Expect.equal (beginning said) "SIP/2.0" words

            for words, shown in Authority.disbelieved root name true do
                let! said = asks port (Some shown)
                Expect.equal (beginning said) "nothing" words

            let! said = asks port None
            Expect.equal (beginning said) "nothing" "without a certificate"

            let! ready =
                (new Http.HttpClient())
                    .GetAsync(
                        String.Concat("http://127.0.0.1:", string server.Ports[4], "/health/ready")
                    )

            Expect.equal ready.StatusCode HttpStatusCode.OK "and the server is ready"
        }

let all =
    testList
        "Trunks"
        [
            for shell in [ Shell.Reactor; Shell.Portable ] do
                testList (Served.word shell) [ called shell; calling shell ]
        ]
