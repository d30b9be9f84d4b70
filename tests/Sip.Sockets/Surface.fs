// Surface: what the server shows of itself and to whom: the admin listener and its token, nothing of its version,
// no secret in what it writes, no line in its log that a stranger wrote.

module Sip.Sockets.Surface

open System
open System.IO
open System.Net
open System.Net.Http
open System.Net.Sockets
open System.Text
open System.Text.Json
open System.Threading.Tasks
open Expecto

let private token = "canary-token-0123456789-0123456789-0123456789"
let private http = new HttpClient()

/// A laboratory with an admin surface, and where that is.
let private start shell more : Task<struct (Laboratory * int)> =
    task {
        let admin = Ports.take ()
        let options = [ "--admin"; $"127.0.0.1:{admin}" ] @ more

        let! lab =
            Laboratory.start shell [ "udp"; "tcp"; "ws"; "wss" ] "example.test" options

        return struct (lab, admin)
    }

let private ask
    (port: int)
    (method: string)
    (path: string)
    (authorization: string)
    : Task<HttpResponseMessage> =
    task {
        use request =
            new HttpRequestMessage(HttpMethod method, $"http://127.0.0.1:{port}{path}")

        if authorization <> "" then
            request.Headers.TryAddWithoutValidation("Authorization", authorization)
            |> ignore

        return! http.SendAsync(request, Waiting.deadline ())
    }

let private body (answer: HttpResponseMessage) = answer.Content.ReadAsStringAsync()

let private basic (pair: string) =
    "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes pair)

/// What is not the token.
let private wrong =
    [
        ""
        "Bearer"
        "Bearer "
        "Bearer x"
        "Bearer " + token.Substring 1
        "Bearer " + token + "x"
        "Bearer " + token.ToUpperInvariant()
        "Basic " + token
        "bearer: " + token
        token
        basic $"admin:{token}"
        basic $"alice:{Laboratory.password}"
        basic "admin:admin"
        "Bearer " + token + ", Bearer " + token
    ]

let private guarded shell =
    testCaseTask $"every endpoint of the admin surface wants the token, in the {shell} shell"
    <| fun () ->
        task {
            let! struct (lab, admin) =
                start shell ([ "--admin-token"; token ] @ Laboratory.users [ "alice" ])

            use _ = lab.Server
            let right = "Bearer " + token
            let! all = ask admin "GET" "/" right
            let! text = body all
            let routes = nonNull (JsonSerializer.Deserialize<string[]> text)
            Expect.isGreaterThanOrEqual routes.Length 3 "there is something to guard"

            for route in routes do
                let parts = route.Split ' '
                let method, path = parts[0], parts[1]

                for shown in wrong do
                    let! answer = ask admin method path shown

                    Expect.equal
                        answer.StatusCode
                        HttpStatusCode.Unauthorized
                        $"{route} with '{shown}'"

                if method = "GET" then
                    let! answer = ask admin method path right
                    Expect.equal answer.StatusCode HttpStatusCode.OK route

                let! elsewhere = ask lab.Pages method path right
                let! instead = body elsewhere

                Expect.isTrue
                    (path = "/api/online" || elsewhere.StatusCode = HttpStatusCode.NotFound)
                    $"{route} among the pages: {instead}"

            for path in [ "/nowhere"; "/api/settings"; "/health/ready"; "/index.html" ] do
                let! answer = ask admin "GET" path ""

                Expect.equal
                    answer.StatusCode
                    HttpStatusCode.Unauthorized
                    $"{path} without the token"

                let! answer = ask admin "GET" path right
                Expect.equal answer.StatusCode HttpStatusCode.NotFound $"{path} is not there"

            use large =
                new HttpRequestMessage(HttpMethod.Post, $"http://127.0.0.1:{admin}/api/counts")

            large.Headers.TryAddWithoutValidation("Authorization", right) |> ignore
            large.Content <- new StringContent(String('[', 70000))
            let! answer = http.SendAsync(large, Waiting.deadline ())
            Expect.equal answer.StatusCode HttpStatusCode.RequestEntityTooLarge "a large body"
            let! answer = ask admin "DELETE" "/api/counts" right
            Expect.equal answer.StatusCode HttpStatusCode.MethodNotAllowed "another method"
        }

let private kept shell =
    testCaseTask
        $"a token that is made is kept where its owner alone reads it, in the {shell} shell"
    <| fun () ->
        task {
            let data = Directory.CreateTempSubdirectory("sip-admin-").FullName
            let! struct (lab, admin) = start shell [ "--data"; data ]
            let file = Path.Combine(data, "admin.token")
            let made = (File.ReadAllText file).Trim()
            Expect.isGreaterThanOrEqual made.Length 43 "256 bits"

            Expect.equal
                (File.GetUnixFileMode file)
                (UnixFileMode.UserRead ||| UnixFileMode.UserWrite)
                "nobody else"

            let! answer = ask admin "GET" "/api/counts" ("Bearer " + made)
            Expect.equal answer.StatusCode HttpStatusCode.OK "it opens"
            Expect.isFalse (lab.Server.Output.Contains made) "it is not written elsewhere"
            let! _ = lab.Server.Stop()
            let! struct (again, admin) = start shell [ "--data"; data ]
            use _ = again.Server
            let! answer = ask admin "GET" "/api/counts" ("Bearer " + made)
            Expect.equal answer.StatusCode HttpStatusCode.OK "after a restart, too"
            Directory.Delete(data, true)
        }

let private refusals =
    testCaseTask
        "an admin surface beyond loopback, on the pages' port or with a short token is refused"
    <| fun () ->
        task {
            let port = Ports.take ()
            let udp = $"udp:127.0.0.1:{Ports.take ()}"
            let pages = [ "--listen"; udp; "--pages"; $"127.0.0.1:{port}" ]

            for options, sentence in
                [
                    [ "--admin"; "0.0.0.0:8001" ], "it stays on loopback"
                    [ "--admin"; $"127.0.0.1:{port}" ], "the pages have this port"
                    [ "--admin"; "nowhere" ], "--admin nowhere: say address:port"
                    [ "--admin-token"; "secret" ], "--admin-token: it is too short"
                ] do
                let! struct (exit, said) = Server.Refused([], pages @ options)
                Expect.equal exit 2 said
                Expect.stringContains said sentence "why"
                Expect.isFalse (said.Contains "secret") "the token is not repeated"
        }

/// All that comes back on a connection for these bytes, until the other side has said this.
let private raw (port: int) (request: string) (last: string) : Task<string> =
    task {
        use client = new TcpClient()
        do! client.ConnectAsync(IPAddress.Loopback, port)
        let stream = client.GetStream()
        do! stream.WriteAsync(ReadOnlyMemory(Encoding.Latin1.GetBytes request), Waiting.deadline ())
        let buffer = Array.zeroCreate<byte> 65536
        let heard = StringBuilder()
        let mutable isOpen = true

        while isOpen && not (heard.ToString().Contains last) do
            let! count = stream.ReadAsync(Memory buffer, Waiting.deadline ())
            isOpen <- count > 0
            heard.Append(Encoding.Latin1.GetString(buffer, 0, count)) |> ignore

        return heard.ToString()
    }

let private crlf (lines: string list) = String.Join("\r\n", lines @ [ ""; "" ])

let private request (uri: string) (callId: string) (more: string list) =
    crlf (
        [
            $"OPTIONS {uri} SIP/2.0"
            "Via: SIP/2.0/TCP a.invalid;branch=z9hG4bKsurface"
            "Max-Forwards: 70"
            "From: <sip:a@a.invalid>;tag=1"
            $"To: <{uri}>"
            $"Call-ID: {callId}"
            "CSeq: 1 OPTIONS"
            "Content-Length: 0"
        ]
        @ more
    )

let private anonymous shell =
    testCaseTask $"no answer tells the server's name or version, in the {shell} shell"
    <| fun () ->
        task {
            let! struct (lab, admin) = start shell []
            use _ = lab.Server

            let get host =
                crlf [ "GET / HTTP/1.1"; $"Host: {host}"; "Connection: close" ]

            let upgrade =
                crlf
                    [
                        "GET / HTTP/1.1"
                        "Host: 127.0.0.1"
                        "Upgrade: websocket"
                        "Connection: Upgrade"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
                        "Sec-WebSocket-Version: 13"
                        "Sec-WebSocket-Protocol: sip"
                    ]

            let sip = request "sip:example.test" "surface" []

            for port, asked, stop in
                [
                    lab.Pages, get "127.0.0.1", "\r\n\r\n"
                    lab.Pages, get "elsewhere.test", "\r\n\r\n"
                    lab.Pages, crlf [ "nonsense" ], "\r\n\r\n"
                    admin, get "127.0.0.1", "\r\n\r\n"
                    lab.Ports["ws"], upgrade, "\r\n\r\n"
                    lab.Ports["ws"], get "127.0.0.1", "\r\n\r\n"
                    lab.Ports["tcp"], sip, "\r\n\r\n"
                    lab.Ports["tcp"], request "sip:nobody@example.test" "surface2" [], "\r\n\r\n"
                ] do
                let! said = raw port asked stop
                Expect.isGreaterThan said.Length 10 $"an answer to {asked}"
                let head = (said.Split "\r\n\r\n")[0]

                for tell in
                    [
                        "\r\nServer:"
                        "User-Agent:"
                        "X-Powered-By"
                        "Kestrel"
                        "ASP.NET"
                        "0.1.0"
                        ".NET"
                    ] do
                    Expect.isFalse
                        (head.Contains(tell, StringComparison.OrdinalIgnoreCase))
                        $"'{tell}' in {head}"

            let! page = ask lab.Pages "GET" "/" ""
            let policy = String.Join(";", page.Headers.GetValues "Content-Security-Policy")
            Expect.stringContains policy "script-src 'self'" "scripts are ours"
            Expect.isFalse (policy.Contains "unsafe-") "and none stands in the page"

            Expect.equal
                (Seq.head (page.Headers.GetValues "X-Content-Type-Options"))
                "nosniff"
                "types are ours"
        }

let private silent shell =
    testCaseTask
        $"no secret and no line of a stranger's stands in what the server writes, in the {shell} shell"
    <| fun () ->
        task {
            let password = "canary-password-5d7f"

            let environment =
                [ "Logging__LogLevel__Default", "Trace"; "Logging__LogLevel__Sip", "Trace" ]

            let ports = Map [ "tcp", Ports.take (); "udp", Ports.take () ]
            let admin = Ports.take ()

            let options =
                Laboratory.options shell ports (Ports.take ()) "example.test"
                @ [
                    "--user"
                    $"alice:{password}"
                    "--admin"
                    $"127.0.0.1:{admin}"
                    "--admin-token"
                    token
                ]

            use! server = Server.StartWith(environment, options)
            let place = IPEndPoint(IPAddress.Loopback, ports["tcp"])
            let! phone = Phone.signedIn "tcp" place "alice" password "example.test"
            let! _ = Phone.register phone
            let! _ = ask admin "GET" "/api/counts" ("Bearer " + token)
            let! _ = ask admin "GET" "/api/counts" ("Bearer " + token + "x")

            // A stranger who would like to write the log: a status line of another program, in colours.
            let forged = "\027[31mfail: Sip[1] forged\027[0m"

            for callId in [ "a\tb"; forged; "x\u0085y" ] do
                let! _ = raw ports["tcp"] (request "sip:nobody@example.test" callId []) "\r\n\r\n"
                ()

            let! _ =
                raw
                    ports["tcp"]
                    (crlf [ $"OPTIONS sip:\rfail: {forged} SIP/2.0"; "Via: \027[2J" ])
                    "\r\n\r\n"

            // A response to nothing is logged with its Call-ID as it came.
            let tcp = ports["tcp"]

            let stray =
                crlf
                    [
                        "SIP/2.0 200 OK"
                        $"Via: SIP/2.0/TCP 127.0.0.1:{tcp};branch=z9hG4bKstray"
                        "Via: SIP/2.0/TCP a.invalid;branch=z9hG4bKelse"
                        "From: <sip:a@a.invalid>;tag=1"
                        "To: <sip:b@a.invalid>;tag=2"
                        $"Call-ID: {forged}"
                        "CSeq: 1 OPTIONS"
                        "Content-Length: 0"
                    ]

            let! _ = raw ports["tcp"] (stray + request "sip:example.test" "after" []) "\r\n\r\n"
            let! _ = server.Stop()
            let said = server.Output

            for secret in [ password; token; token.Substring 10 ] do
                Expect.isFalse (said.Contains secret) $"'{secret}' in {said}"

            Expect.isFalse (said.Contains '\027') $"an escape in {said}"
            Expect.stringContains said @"\u001b[" "what a stranger wrote is there, and harmless"

            for line in said.Split('\n', StringSplitOptions.RemoveEmptyEntries) do
                Expect.isFalse
                    (line.StartsWith "fail: Sip[1] forged" || line.StartsWith "fail: \\")
                    line

                Expect.isTrue
                    (Seq.forall (fun c -> not (Char.IsControl c)) (line.TrimEnd '\r'))
                    line
        }

let private notified shell =
    testCaseTask
        $"the service manager hears when the server is ready, lives and stops, in the {shell} shell"
    <| fun () ->
        task {
            let folder = Directory.CreateTempSubdirectory("sip-notify-").FullName
            let place = Path.Combine(folder, "notify")

            use manager =
                new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified)

            manager.Bind(UnixDomainSocketEndPoint place)

            let hear () =
                task {
                    let buffer = Array.zeroCreate<byte> 256

                    let! count =
                        manager.ReceiveAsync(Memory buffer, SocketFlags.None, Waiting.deadline ())

                    return Encoding.ASCII.GetString(buffer, 0, count)
                }

            let environment = [ "NOTIFY_SOCKET", place; "WATCHDOG_USEC", "200000" ]
            let ports = Map [ "udp", Ports.take () ]

            use! server =
                Server.StartWith(
                    environment,
                    Laboratory.options shell ports (Ports.take ()) "example.test"
                )

            for expected in [ "READY=1"; "WATCHDOG=1"; "WATCHDOG=1"; "WATCHDOG=1" ] do
                let! said = hear ()
                Expect.equal said expected "in this order"

            let ending = server.Stop()
            let mutable said = "WATCHDOG=1"

            while said = "WATCHDOG=1" do
                let! next = hear ()
                said <- next

            Expect.equal said "STOPPING=1" "at the end"
            let! code = ending
            Expect.equal code 0 "a clean stop"
            Directory.Delete(folder, true)
        }

let private measured shell =
    testCaseTask
        $"metrics tell the days of each certificate, memory and the collector's pauses, in the {shell} shell"
    <| fun () ->
        task {
            let! struct (lab, admin) = start shell [ "--admin-token"; token ]
            use _ = lab.Server
            let! answer = ask admin "GET" "/metrics" ("Bearer " + token)
            let! text = body answer

            for name in
                [
                    "sip_memory_bytes"
                    "sip_memory_limit_bytes"
                    "sip_pause_seconds"
                    "sip_pause_longest_seconds"
                    "sip_certificate_days\\{name=\"localhost\"\\}"
                ] do
                Expect.isMatch text $"(?m)^{name} [0-9.]*[1-9][0-9.]*(E[-+][0-9]+)?$" name
        }

let all (shells: string list) : Test =
    testList
        "Surface"
        [
            refusals

            for shell in shells do
                guarded shell
                measured shell
                kept shell
                anonymous shell
                silent shell
                notified shell
        ]
