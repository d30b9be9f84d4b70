// Barring: what one address may open, and bans as an operator sets, reads and lifts them over HTTP.

module Sip.Sockets.Barring

open System.IO
open System.Net
open System.Net.Http
open System.Net.Sockets
open System.Text
open System.Threading.Tasks
open Expecto

let private token = "canary-token-0123456789-0123456789-0123456789"

/// A server at which an address may have three connections, and its admin surface.
let prepare (shell: string) : Task<struct (Laboratory * int)> =
    task {
        let admin = Ports.take ()

        let options =
            [
                "--limit"
                "connections-per-address=3"
                "--admin"
                $"127.0.0.1:{admin}"
                "--admin-token"
                token
            ]

        let! lab = Laboratory.start shell [ "udp"; "tcp" ] "example.test" options
        return struct (lab, admin)
    }

// How a connection goes on: closed, perhaps before it is told that it was opened, or with a byte of an answer.
let private next (client: TcpClient) (opening: Task) : Task<int> =
    task {
        try
            do! opening
            return! client.GetStream().ReadAsync(Array.zeroCreate<byte> 1, 0, 1)
        with
        | :? IOException -> return 0
        | :? SocketException as reason when reason.SocketErrorCode = SocketError.ConnectionReset ->
            return 0
    }

let private fourth (lab: Laboratory) =
    testCaseTask "of four connections of an address that may have three one is closed at once"
    <| fun () ->
        task {
            let opened =
                [
                    for _ in 1..4 ->
                        let client = new TcpClient()

                        struct (client,
                                next client (client.ConnectAsync(Laboratory.place lab "tcp")))
                ]

            let! closed = Task.WhenAny [ for struct (_, next) in opened -> next ]
            let! count = closed
            Expect.equal count 0 "closed"
            // The three are still served.
            let text =
                "OPTIONS sip:example.test SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKfourth\r\n"
                + "Max-Forwards: 70\r\nFrom: <sip:a@example.test>;tag=a\r\nTo: <sip:example.test>\r\n"
                + "Call-ID: fourth\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"

            for struct (client, next) in opened do
                if not (obj.ReferenceEquals(next, closed)) then
                    do! client.GetStream().WriteAsync(Encoding.ASCII.GetBytes text, 0, text.Length)
                    let! first = next
                    Expect.equal first 1 "open"
                    let rest = Array.zeroCreate<byte> 10
                    do! client.GetStream().ReadExactlyAsync(rest, 0, 10)
                    Expect.equal (Encoding.ASCII.GetString rest) "IP/2.0 200" "an answer"

                client.Dispose()
        }

let private options (number: int) =
    Encoding.ASCII.GetBytes(
        $"OPTIONS sip:example.test SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKban%d{number}\r\n"
        + "Max-Forwards: 70\r\nFrom: <sip:a@example.test>;tag=a\r\nTo: <sip:example.test>\r\n"
        + $"Call-ID: ban%d{number}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )

let private from (address: string) =
    new UdpClient(IPEndPoint(IPAddress.Parse address, 0))

let private banned (lab: Laboratory) (admin: int) =
    testCaseTask
        "a ban over HTTP drops what its address sends until it is lifted, and is counted without naming anybody"
    <| fun () ->
        task {
            use http = new HttpClient()
            http.DefaultRequestHeaders.Add("Authorization", "Bearer " + token)
            let place = Laboratory.place lab "udp"
            let url (path: string) = $"http://127.0.0.1:{admin}{path}"
            use nine = from "127.0.0.9"
            use ten = from "127.0.0.10"

            let send (client: UdpClient) number =
                client.SendAsync(options number, place).AsTask() :> Task

            let! set = http.PostAsync(url "/api/bans?address=127.0.0.9&seconds=600", null)
            Expect.equal set.StatusCode HttpStatusCode.NoContent "banned"
            let! list = http.GetStringAsync(url "/api/bans")

            Expect.stringContains
                list
                "\"address\":\"127.0.0.9\",\"reason\":\"by hand\""
                "in the list"

            do! send nine 1
            do! send ten 2
            let! answer = Waiting.upTo "an answer to another" (ten.ReceiveAsync())
            Expect.stringContains (Encoding.ASCII.GetString answer.Buffer) "Call-ID: ban2" "another"
            let! counts = http.GetStringAsync(url "/metrics")
            Expect.stringContains counts "\nsip_dropped_banned_total 1\n" "counted"
            Expect.isFalse (counts.Contains "127.0.0") "nobody is named"
            let! lifted = http.DeleteAsync(url "/api/bans?address=127.0.0.9")
            Expect.equal lifted.StatusCode HttpStatusCode.NoContent "lifted"
            do! send nine 3
            let! answer = Waiting.upTo "an answer once lifted" (nine.ReceiveAsync())

            Expect.stringContains
                (Encoding.ASCII.GetString answer.Buffer)
                "Call-ID: ban3"
                "the first that is heard"

            let! none = http.DeleteAsync(url "/api/bans?address=127.0.0.9")
            Expect.equal none.StatusCode HttpStatusCode.NotFound "no ban any more"
            let! wrong = http.PostAsync(url "/api/bans?address=nowhere", null)
            Expect.equal wrong.StatusCode HttpStatusCode.BadRequest "explained"
        }

let all (struct (lab: Laboratory, admin: int)) : Test =
    testList "Barring" [ fourth lab; banned lab admin ]
