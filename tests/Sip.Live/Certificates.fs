// Certificates: which one is shown to whom, how it is replaced, and whom we believe when we call.

module Sip.Live.Certificates

open System
open System.Net
open System.Net.Security
open System.Net.Sockets
open System.Security.Authentication
open System.Security.Cryptography.X509Certificates
open System.Threading
open System.Threading.Tasks
open Expecto
open Sip
open Sip.Routing
open Sip.Server.Reactor

let private echo () =
    Teller(fun flow bytes shard -> shard.Send(&flow, bytes.Span))

/// The subject of the certificate that a client sees who asks for this name.
let private seen (port: int) (name: string) : Task<string> =
    task {
        let mutable subject = ""

        let tls =
            { Client.anyTls with
                Name = name
                Seen = fun shown -> subject <- shown
            }

        use! _ = Client.connectBy id tls Transport.Wss port
        return subject
    }

let private byName =
    testCaseTask "the certificate shown is that of the name asked for, else the first"
    <| fun () ->
        task {
            let ports = Ports.take 4

            let server =
                Reactors.serving
                    [
                        Reactors.certificate [ "one.test" ]
                        Reactors.certificate [ "two.test"; "*.three.test" ]
                    ]

            let! edge = Reactors.start ports TimeProvider.System [ echo () ] server
            let! two = seen ports[3] "two.test"
            Expect.equal two "CN=two.test" "by its name"
            let! wild = seen ports[3] "sip.three.test"
            Expect.equal wild "CN=two.test" "by a wildcard"
            let! one = seen ports[3] "one.test"
            Expect.equal one "CN=one.test" "the first by its name"
            let! other = seen ports[3] "elsewhere.test"
            Expect.equal other "CN=one.test" "the first for any other"
            do! edge.StopAsync()
        }

let private replaced =
    testCaseTask "a certificate is replaced under living connections"
    <| fun () ->
        task {
            let ports = Ports.take 4
            let before = Reactors.serving [ Reactors.certificate [ "before.test" ] ]
            let! edge = Reactors.start ports TimeProvider.System [ echo () ] before
            use! old = Client.connect Transport.Wss ports[3]
            let after = Reactors.serving [ Reactors.certificate [ "after.test" ] ]
            do! edge.ReplaceAsync after
            let! shown = seen ports[3] "localhost"
            Expect.equal shown "CN=after.test" "the new one is shown"
            do! Client.send old "still here"
            let! echoed = Client.receive old
            Expect.equal echoed (Came.Message "still here") "and the old connection lives"
            do! edge.StopAsync()
        }

/// A TLS peer that says what it is told by whoever calls it, once.
let private peer (certificate: X509Certificate2) : struct (int * Task<string>) =
    let listener = new TcpListener(IPAddress.Loopback, 0)
    listener.Start()

    let heard =
        task {
            use listener = listener
            use! client = listener.AcceptTcpClientAsync()
            use stream = new SslStream(client.GetStream())
            do! stream.AuthenticateAsServerAsync(certificate, false, SslProtocols.None, false)
            let buffer = Array.zeroCreate<byte> 4096
            let! count = stream.ReadAsync(Memory buffer)
            return Text.Encoding.Latin1.GetString(buffer, 0, count)
        }

    struct ((listener.LocalEndpoint :?> IPEndPoint).Port, heard)

let private hello = "OPTIONS sip:peer SIP/2.0\r\n\r\n"

/// What becomes of a call to this host by TLS, when these authorities are trusted.
let private call host (trusted: X509Certificate2) (shown: X509Certificate2) =
    task {
        let struct (port, heard) = peer shown
        let ports = Ports.take 4

        let hop =
            Hop.Dial
                {
                    Transport = Dialled.Tls
                    Address = Address.ofV4 0x7F000001u
                    Port = port
                    Domain = host
                }


        let conductor =
            Teller(fun _ _ shard ->
                shard.Dial(hop, ReadOnlyMemory(Text.Encoding.Latin1.GetBytes hello)))

        let contexts =
            new TlsContexts(
                Server = (Reactors.serving [ shown ]).Server,
                Client = TlsContext.ForClient(trusted.ExportCertificatePem(), [||])
            )

        let! edge = Reactors.start ports TimeProvider.System [ conductor ] contexts
        use! client = Client.connect Transport.Ws ports[2]
        do! Client.send client "call"
        let! opened = conductor.Next()
        let! arrived = conductor.Next()
        let! then' = conductor.Next()
        Expect.isTrue (opened.IsOpened && arrived.IsArrived) "the client's message"
        return struct (edge, heard, then')
    }

let private trustedPeer (words: string) host (names: string list) =
    testCaseTask words
    <| fun () ->
        task {
            let certificate = Reactors.certificate names
            let! struct (edge, heard, then') = call host certificate certificate
            Expect.isTrue then'.IsOpened "the connection opens"
            let! said = heard.WaitAsync Client.patience
            Expect.equal said hello "and the message arrives"
            do! edge.StopAsync()
        }

let private distrusted (words: string) host trusted shown =
    testCaseTask words
    <| fun () ->
        task {
            let! struct (edge, heard, then') = call host trusted shown

            match then' with
            | Told.Severed _ -> ()
            | other -> failtest (string other)

            let! failure = Task.WhenAny(heard, Task.Delay(Client.patience))

            Expect.isTrue
                (failure.IsFaulted || (heard.IsCompleted && heard.Result = ""))
                "nothing was said"

            do! edge.StopAsync()
        }

let private localhost = Host.Name "localhost"
let private loopback = Host.Address(Address.ofIPAddress IPAddress.Loopback)

let all =
    testList
        "Certificates"
        [
            byName
            replaced
            trustedPeer
                "a peer is called whose certificate bears its name"
                localhost
                [ "localhost" ]
            trustedPeer
                "a peer is called whose certificate bears its address"
                loopback
                [ "peer.test"; "127.0.0.1" ]
            distrusted
                "a peer is not believed whose certificate bears another name"
                localhost
                (Reactors.certificate [ "elsewhere.test" ])
                (Reactors.certificate [ "elsewhere.test" ])
            distrusted
                "a peer is not believed whose authority is nobody's"
                localhost
                (Reactors.certificate [ "localhost" ])
                (Reactors.certificate [ "localhost" ])
        ]
