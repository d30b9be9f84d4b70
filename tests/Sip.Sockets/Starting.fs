// Starting: options and what the server says of them: all problems at once, ports in use, wildcards,
// certificates, and what outlives a restart.

module Sip.Sockets.Starting

open System
open System.Diagnostics
open System.IO
open System.Net
open System.Net.Security
open System.Net.Sockets
open System.Security.Cryptography
open System.Security.Cryptography.X509Certificates
open System.Threading.Tasks
open Expecto

let private folder () =
    Directory.CreateTempSubdirectory("sip-sockets-").FullName

let private refuses name environment options (code: int) (sentences: string list) =
    testCaseTask name
    <| fun () ->
        task {
            let! struct (exit, said) = Server.Refused(environment, options)
            Expect.equal exit code said
            Expect.isFalse (said.Contains "   at ") $"sentences, no stack trace: {said}"

            for sentence in sentences do
                Expect.stringContains said sentence "the reason"
        }

let private problems =
    [
        refuses
            "everything that is wrong with the options is said at once"
            []
            [
                "--listen"
                "nonsense"
                "--listen"
                "udp:somewhere:5060"
                "--listen"
                "tcp:127.0.0.1:0"
                "--user"
                "nopassword"
                "--pages"
                "nowhere"
                "--peer"
                "xyz"
                "--domain"
                "a b"
                "--message-bytes"
                "5"
                "--queue-bytes"
                "5"
                "--stop-seconds"
                "999"
                "--shell"
                "egg"
                "--certificate"
                "/nonexistent/cert.pem"
                "--colour=red"
                "--lisen=udp:127.0.0.1:5060"
                "--key"
            ]
            2
            [
                "--listen nonsense: say transport:address:port"
                "--listen udp:somewhere:5060: a server listens on an address"
                "--listen tcp:127.0.0.1:0: say"
                "--user: say name:password"
                "--pages nowhere: say address:port"
                "--peer xyz: say"
                "--domain a b: "
                "--message-bytes: say"
                "--queue-bytes: say"
                "--stop-seconds: say"
                "--shell egg: say"
                "/nonexistent/cert.pem: there is no such file"
                "--certificate and --key: give both"
                "--colour: there is no such option; there are --listen, "
                "--lisen: there is no such option, did you mean --listen?; there are"
                "--key: its value is missing"
            ]
        refuses
            "a key unheard of in the environment is refused"
            [ "Sip__Colour", "red" ]
            [ "--listen"; $"udp:127.0.0.1:{Ports.take ()}" ]
            2
            [ "Colour" ]
        refuses
            "a key that is nearly one of ours is refused with a guess"
            [ "Sip__UnsafeNoAuht", "true"; "Sip__Listen__0__x", "y" ]
            [ "--listen"; $"udp:127.0.0.1:{Ports.take ()}" ]
            2
            [
                "Sip:UnsafeNoAuht: there is no such setting, did you mean UnsafeNoAuth?"
                "Sip:Listen: it is a list of texts"
            ]
        refuses
            "a number that is none is refused"
            []
            [ "--listen"; $"udp:127.0.0.1:{Ports.take ()}"; "--queue-bytes"; "many" ]
            2
            [ "many" ]
        refuses
            "one port cannot be both with and without TLS"
            []
            (let port = Ports.take () in
             [ "--listen"; $"tls:127.0.0.1:{port}"; "--listen"; $"ws:127.0.0.1:{port}" ])
            2
            [ "cannot be both with and without TLS" ]
        refuses
            "a wildcard never advertises this machine alone"
            []
            [
                "--listen"
                $"udp:0.0.0.0:{Ports.take ()}"
                "--listen"
                $"ws:0.0.0.0:{Ports.take ()}=localhost:443"
                "--advertise"
                "127.0.0.1"
            ]
            2
            [
                "would advertise 127.0.0.1, where nobody else can reach it"
                "would advertise localhost"
            ]
        refuses
            "a data folder that cannot be one is refused"
            []
            [ "--listen"; $"udp:127.0.0.1:{Ports.take ()}"; "--data"; "/dev/null/sip" ]
            2
            [ "--data /dev/null/sip: the folder cannot be used" ]
    ]

let private checks =
    testCaseTask "settings are explained without being served"
    <| fun () ->
        task {
            let port = Ports.take ()

            let options =
                [
                    "--check"
                    "--listen"
                    $"udp:127.0.0.1:{port}"
                    "--unsafe-no-auth"
                    "--origin"
                    "*"
                    "--listen"
                    $"ws:127.0.0.1:{port}"
                ]

            let! struct (exit, said) = Server.Refused([], options)
            Expect.equal exit 0 said

            for sentence in
                [
                    "UNSAFE: nobody has to sign in"
                    "UNSAFE: any web page"
                    $"listens on udp:127.0.0.1:{port}, known as 127.0.0.1:{port}, for anybody"
                    "serves the users of 127.0.0.1"
                ] do
                Expect.stringContains said sentence "what would be served"

            let! struct (exit, said) = Server.Refused([], [ "--check"; "--listen"; "nonsense" ])
            Expect.equal exit 2 said
            Expect.stringContains said "--listen nonsense: say" "what is wrong"
        }

let private badCertificate =
    let path = Path.Combine(folder (), "bad.pem")
    File.WriteAllText(path, "no certificate")

    refuses
        "a certificate that is none is refused"
        []
        [
            "--listen"
            $"tls:127.0.0.1:{Ports.take ()}"
            "--certificate"
            path
            "--key"
            path
        ]
        2
        [ $"--certificate {path} and --key {path}: " ]

let private occupied shell (kind: SocketType) protocol (transport: string) =
    testCaseTask $"a port in use is one clear sentence, for {transport} in the {shell} shell"
    <| fun () ->
        task {
            use taken = new Socket(AddressFamily.InterNetwork, kind, protocol)
            let port = Ports.take ()
            taken.Bind(IPEndPoint(IPAddress.Loopback, port))

            if kind = SocketType.Stream then
                taken.Listen()

            let ports = Map [ transport, port ]

            let options = Laboratory.options shell ports (Ports.take ()) "example.test"
            let! struct (exit, said) = Server.Refused([], options)
            Expect.equal exit 1 said
            Expect.stringContains said "Cannot listen: " "what is wrong"
            Expect.stringContains said "Choose other addresses" "what to do"
            Expect.isFalse (said.Contains "   at ") $"one sentence, no stack trace: {said}"
        }

/// The address by which this machine reaches others, if there is a way out; asking sends nothing.
let private outward () =
    use socket =
        new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp)

    try
        socket.Connect(IPEndPoint(IPAddress.Parse "192.0.2.1", 9))

        match socket.LocalEndPoint with
        | :? IPEndPoint as place -> Some(string place.Address)
        | _ -> None
    with :? SocketException ->
        None

let private recordedBy shell (port: int) (more: string list) : Task<string> =
    task {
        let users = Laboratory.users [ "alice"; "bob" ]
        let pages = $"127.0.0.1:{Ports.take ()}"

        let options =
            [
                "--listen"
                $"udp:0.0.0.0:{port}"
                "--pages"
                pages
                "--domain"
                "example.test"
            ]

        use! server = Server.Start(options @ [ "--shell"; shell ] @ users @ more)
        let place = IPEndPoint(IPAddress.Loopback, port)

        let signIn user =
            Phone.signedIn "udp" place user Laboratory.password "example.test"

        let! alice = signIn "alice"
        let! bob = signIn "bob"
        let offer = Phone.offering alice
        let! _ = Phone.ask alice "INVITE" bob.Aor $"<{bob.Aor}>" offer Phone.sdp
        let! invite = bob.Request "INVITE"
        do! bob.Answer(invite, 486, "Busy Here", [], [||])
        let! _ = alice.Response 486
        return Said.one "Record-Route" invite
    }

let private wildcard shell =
    testCaseTask
        $"a wildcard advertises what it was told, or what reaches others, in the {shell} shell"
    <| fun () ->
        task {
            let port = Ports.take ()
            let! named = recordedBy shell port [ "--advertise"; "sip.example.test" ]
            Expect.equal named $"<sip:sip.example.test:{port};lr>" "the name that was given"
            let port = Ports.take ()

            match outward () with
            | Some address ->
                let! found = recordedBy shell port []
                Expect.equal found $"<sip:{address}:{port};lr>" "the address that reaches others"
            | None ->
                let! struct (exit, said) =
                    Server.Refused([], [ "--listen"; $"udp:0.0.0.0:{port}"; "--shell"; shell ])

                Expect.equal exit 2 said
                Expect.stringContains said "give --advertise" "what to do"
        }

let private shown (place: IPEndPoint) : Task<string> =
    task {
        use socket = new TcpClient()
        do! socket.ConnectAsync place
        use secure = new SslStream(socket.GetStream(), false, fun _ _ _ _ -> true)
        do! secure.AuthenticateAsClientAsync "sip.example.test"

        match secure.RemoteCertificate with
        | null -> return failwith "no certificate was shown"
        | certificate -> return certificate.GetCertHashString()
    }

let private ownCertificate shell =
    testCaseTask $"the certificate that was given is shown on tls and wss, in the {shell} shell"
    <| fun () ->
        task {
            let folder = folder ()
            use key = ECDsa.Create ECCurve.NamedCurves.nistP256

            let request =
                CertificateRequest("CN=sip.example.test", key, HashAlgorithmName.SHA256)

            let now = DateTimeOffset.UtcNow
            use made = request.CreateSelfSigned(now.AddDays -1., now.AddDays 1.)
            let certificate = Path.Combine(folder, "own.pem")
            let keyFile = Path.Combine(folder, "own.key")
            File.WriteAllText(certificate, made.ExportCertificatePem())
            File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem())

            let! lab =
                Laboratory.start
                    shell
                    [ "tls"; "wss" ]
                    "example.test"
                    [ "--certificate"; certificate; "--key"; keyFile ]

            use _ = lab.Server

            for transport in [ "tls"; "wss" ] do
                let! hash = shown (Laboratory.place lab transport)
                Expect.equal hash (made.GetCertHashString()) transport

            Directory.Delete(folder, true)
        }

let private restart shell =
    testCaseTask $"users, secret and calls over UDP outlive a restart, in the {shell} shell"
    <| fun () ->
        task {
            let data = folder ()
            let ports = Map [ "udp", Ports.take (); "tls", Ports.take () ]
            let pages = Ports.take ()

            let start more =
                Laboratory.startOn shell ports pages "example.test" ([ "--data"; data ] @ more)

            let! first = start (Laboratory.users [ "alice"; "bob" ])
            use _ = first.Server
            let! before = shown (Laboratory.place first "tls")
            let! alice = Laboratory.phone first "udp" "alice"
            let! bob = Laboratory.phone first "udp" "bob"
            let offer = Phone.offering alice
            let! _ = Phone.ask alice "INVITE" bob.Aor $"<{bob.Aor}>" offer Phone.sdp
            let! invite = bob.Request "INVITE"
            let route = [ for value in Said.all "Record-Route" invite -> "Record-Route", value ]
            do! bob.Answer(invite, 200, "OK", route @ Phone.offering bob, Phone.sdp)
            let! accepted = alice.Response 200
            let dialog = Phone.dialogOfCaller accepted
            let struct (ack, _) = Phone.within alice dialog "ACK" 2 [] [||]
            do! alice.Send ack
            let! _ = bob.Request "ACK"
            let! code = first.Server.Stop()
            Expect.equal code 0 "a clean stop"

            let! second = start []
            use _ = second.Server
            let struct (bye, _) = Phone.within alice dialog "BYE" 9 [] [||]
            do! alice.Send bye
            // The new process has seen no proof of hers yet.
            let! challenged = alice.Response 407
            let challenge = Said.one "Proxy-Authenticate" challenged
            let proof = Digest.answer "alice" Laboratory.password "BYE" dialog.Target challenge

            let struct (bye, _) =
                Phone.within alice dialog "BYE" 10 [ "Proxy-Authorization", proof ] [||]

            do! alice.Send bye
            let! bye = bob.Request "BYE"
            do! bob.Answer(bye, 200, "OK", [], [||])
            let! _ = alice.Response 200
            let! _ = Phone.register alice
            let! after = shown (Laboratory.place second "tls")
            Expect.equal after before "the development certificate is kept"
            let! code = second.Server.Stop()
            Expect.equal code 0 "a clean stop"
            Directory.Delete(data, true)
        }

let private environment shell =
    testCaseTask $"settings may stand in the environment, in the {shell} shell"
    <| fun () ->
        task {
            let port = Ports.take ()

            let environment =
                [ "Sip__Listen__0", $"tcp:127.0.0.1:{port}"; "Sip__Domain__0", "example.test" ]

            let pages = $"127.0.0.1:{Ports.take ()}"

            use! server = Server.StartWith(environment, [ "--pages"; pages; "--shell"; shell ])

            Expect.equal server.Ready $"ready tcp:127.0.0.1:{port} http://{pages}/" "as it was said"
        }

/// The built server with another runtime asked for than it was built with.
let private old =
    testCaseTask "a runtime that is older than the one it was built with is refused in words"
    <| fun () ->
        task {
            let assembly = Server.Assembly
            let file = nonNull (Path.ChangeExtension(assembly, ".runtimeconfig.json"))
            let isOne (line: string) = line.Contains "\"version\": \""

            let read (line: string) = Version.Parse(line.Split('"')[3])

            let lines = File.ReadAllLines file
            let built = lines |> Array.filter isOne |> Array.map read
            Expect.isGreaterThanOrEqual built.Length 2 "the runtime and the web's"
            Expect.all built (fun one -> one <= Environment.Version) "it is content with this one"

            let newer =
                lines
                |> Array.map (fun line ->
                    if isOne line then
                        let one = read line
                        line.Replace(string one, $"{one.Major}.{one.Minor}.{one.Build + 900}")
                    else
                        line)

            let config = Path.Combine(folder (), "Sip.Server.runtimeconfig.json")
            File.WriteAllLines(config, newer)

            let info =
                ProcessStartInfo(
                    "dotnet",
                    [ "exec"; "--runtimeconfig"; config; assembly; "--check" ]
                )

            info.RedirectStandardError <- true
            info.RedirectStandardOutput <- true
            use host = nonNull (Process.Start info)
            let! said = host.StandardError.ReadToEndAsync()
            do! Waiting.forEnd "the host to refuse" (host.WaitForExitAsync())
            Expect.notEqual host.ExitCode 0 "it does not start"
            Expect.stringContains said "You must install or update .NET" "what to do"
            Expect.stringContains said $"version '{built[0].Major}.{built[0].Minor}.9" "which one"
            Directory.Delete(nonNull (Path.GetDirectoryName config), true)
        }

let all (shells: string list) : Test =
    testList
        "Starting"
        [
            yield! problems
            checks
            badCertificate
            old

            for shell in shells do
                occupied shell SocketType.Dgram ProtocolType.Udp "udp"
                occupied shell SocketType.Stream ProtocolType.Tcp "tcp"
                occupied shell SocketType.Stream ProtocolType.Tcp "wss"
                wildcard shell
                ownCertificate shell
                restart shell
                environment shell
        ]
