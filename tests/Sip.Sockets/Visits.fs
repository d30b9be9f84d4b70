// Visits: a server that opens its WebSockets to who shows a token of the issuer with the handshake: 101 and
// registered without a password, or 401 with words.

module Sip.Sockets.Visits

open System
open System.IO
open System.Threading.Tasks
open Expecto
open Sip
open Sip.Properties
open Sip.Properties.Tokens

/// A server that wants a token, among the sub-protocols or in a cookie.
let prepare (shell: string) : Task<Laboratory> =
    let folder = Directory.CreateTempSubdirectory "sip-keys-"
    let key = Path.Combine(folder.FullName, "r1.pem")
    File.WriteAllText(key, rsaPem)

    task {
        let! lab =
            Laboratory.start
                shell
                [ "wss" ]
                "example.test"
                [
                    "--jwt-issuer"
                    rules.Issuer
                    "--jwt-audience"
                    rules.Audience
                    "--jwt-keys"
                    key
                    "--handshake-token"
                    "protocol"
                    "--handshake-token"
                    "cookie=session"
                ]

        folder.Delete true
        return lab
    }

let private token (seconds: int64) : string =
    let now = DateTimeOffset.UtcNow.ToUnixTimeSeconds() * 1L<s>
    sign Signer.Rsa rsaHeader (claimsUntil (now + seconds * 1L<s>) "alice")

let private ask (lab: Laboratory) (lines: string list) : Task<struct (Stream * string)> =
    task {
        let place = Laboratory.place lab "wss"
        let! struct (stream, _) = Line.stream true place

        let asked =
            WebSocketClient.polite place
            |> WebSocketClient.changing "Sec-WebSocket-Protocol" lines

        do! stream.WriteAsync(WebSocketClient.head asked, Waiting.deadline ())
        let! said = WebSocketClient.readHead stream
        return struct (stream, said)
    }

let private register (lab: Laboratory) (user: string) : byte[] =
    Said.write
        $"REGISTER sip:{lab.Domain} SIP/2.0"
        [
            "Via", "SIP/2.0/WSS x7.invalid;branch=z9hG4bK" + Guid.NewGuid().ToString "N"
            "Max-Forwards", "70"
            "From", $"<sip:{user}@{lab.Domain}>;tag=1"
            "To", $"<sip:{user}@{lab.Domain}>"
            "Call-ID", Guid.NewGuid().ToString "N"
            "CSeq", "1 REGISTER"
            "Contact", "<sip:q1@x7.invalid;transport=ws>"
        ]
        [||]

let private opened (lab: Laboratory) (name: string) (lines: string -> string list) : Test =
    testCaseTask $"who shows a token {name} is its user, and nobody else without a proof"
    <| fun () ->
        task {
            let! struct (stream, said) = ask lab (lines (token 300L))
            use stream = stream
            Expect.stringStarts said "HTTP/1.1 101 " "opened"
            Expect.stringContains said "\r\nSec-WebSocket-Protocol: sip\r\n" "for sip"
            Expect.isFalse (said.Contains "bearer") "and for no token"

            for user, status in [ "alice", 200; "bob", 401 ] do
                let frame = WebSocketClient.frame 0x81 (register lab user)
                do! stream.WriteAsync(frame, Waiting.deadline ())
                let! answer = WebSocketClient.read stream
                Expect.equal (Said.status (Said.read answer.Payload)) status user
        }

let private refused (lab: Laboratory) (name: string) (lines: unit -> string list) : Test =
    testCaseTask $"who shows {name} is answered 401 in words"
    <| fun () ->
        task {
            let! struct (stream, said) = ask lab (lines ())
            use stream = stream

            Expect.stringStarts
                said
                "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\n"
                name

            let! words = WebSocketClient.readAll stream
            Expect.isTrue (words.Length > 20) words
        }

let private sip = "Sec-WebSocket-Protocol: sip"

/// Every test.
let all (lab: Laboratory) : Test =
    testList
        "Handshakes with tokens"
        [
            opened lab "among the sub-protocols" (fun token -> [ $"{sip}, bearer.{token}" ])
            opened lab "in a cookie" (fun token -> [ sip; $"Cookie: a=b; session={token}" ])
            refused lab "no token" (fun () -> [ sip ])
            refused lab "a token that has ended" (fun () -> [ $"{sip}, bearer.{token -31L}" ])
            refused lab "a token that nobody signed" (fun () -> [ $"{sip}, bearer.e30.e30." ])
            refused lab "two tokens" (fun () ->
                [ $"{sip}, bearer.{token 300L}"; $"Cookie: session={token 300L}" ])
        ]
