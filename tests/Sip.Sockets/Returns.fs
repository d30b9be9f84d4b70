// Returns: a caller whose connection is cut in a call and who comes back on another as the same instance
// (RFC 5626 §4.2.1, RFC 5627 §3.1), and STUN on the datagram listener (RFC 5626 §8).

module Sip.Sockets.Returns

open System
open System.Net.Sockets
open System.Threading.Tasks
open Expecto

let private ways = [ "ws", "ws"; "wss", "tcp"; "tcp", "tls"; "tls", "wss" ]

let users =
    [
        for from, _ in ways do
            for name in [ "rita"; "rolf"; "ruth" ] -> $"{name}.{from}"
    ]

let private urn = "\"<urn:uuid:00000000-0000-1000-8000-000a95a0e128>\""

/// Registers as that instance, with a Contact that may be an older one.
let private registerAs (phone: Phone) (contact: string) : Task<Said> =
    task {
        let headers =
            [
                "Supported", "outbound, path, gruu"
                "Contact", $"<{contact}>;reg-id=1;+sip.instance={urn};expires=600"
            ]

        let! _ =
            Phone.ask phone "REGISTER" $"sip:{phone.Domain}" $"<{phone.Aor}>" headers [||]

        return! phone.Response 200
    }

/// How a user connects by a transport.
type Seat = string -> string -> Task<Phone>

let private connect (lab: Laboratory) : Seat =
    fun transport user ->
        Phone.connect transport (Laboratory.place lab transport) user Laboratory.password lab.Domain

let private gruuOf (answer: Said) : string =
    let contact = Said.one "Contact" answer
    let mark = "pub-gruu=\""
    let start = contact.IndexOf mark + mark.Length
    contact.Substring(start, contact.IndexOf('"', start) - start)

/// What the caller names itself by in the call.
[<RequireQualifiedAccess>]
type Naming =
    | Contact
    | Gruu

let private recorded (request: Said) =
    [ for value in Said.all "Record-Route" request -> "Record-Route", value ]

/// A call whose caller connects in one way, is cut off and comes back in the other.
let comesBack (lab: Laboratory) (first: Seat) (again: Seat) from by naming =
    testCaseTask
        $"a caller on {from} who is cut off and comes back on {by} is reached in the call, by its {naming}"
    <| fun () ->
        task {
            let! rita = first from $"rita.{from}"
            let! granted = registerAs rita rita.Contact
            let! rolf = Laboratory.phone lab "ws" $"rolf.{from}"
            let! ruth = Laboratory.phone lab from $"ruth.{from}"

            let own =
                match naming with
                | Naming.Contact -> rita.Contact
                | Naming.Gruu -> gruuOf granted

            let offer = [ "Contact", $"<{own}>"; "Content-Type", "application/sdp" ]
            let! _ = Phone.ask rita "INVITE" rolf.Aor $"<{rolf.Aor}>" offer Phone.sdp
            let! invite = rolf.Request "INVITE"
            let accepting = recorded invite @ Phone.offering rolf
            do! rolf.Answer(invite, 200, "OK", accepting, Phone.sdp)
            let! accepted = rita.Response 200
            let within = Phone.dialogOfCaller accepted
            let local = Said.one "To" accepted

            (rita.Line :> IDisposable).Dispose()
            let! back = again by $"rita.{from}"
            let! _ = registerAs back rita.Contact

            let fromRolf method headers =
                let dialog = Phone.dialogOfCallee invite local
                Phone.within rolf dialog method (rolf.NextSequence()) headers [||]

            let struct (hold, _) = fromRolf "INVITE" (Phone.offering rolf)
            do! rolf.Send hold
            let! held = back.Request "INVITE"
            Expect.equal (Said.target held) rita.Contact "the hold has the instance's Contact"
            Expect.equal (Said.all "Route" held) [] "and no Route"
            do! back.Answer(held, 200, "OK", [ "Contact", $"<{own}>" ], Phone.sdp)
            let! _ = rolf.Response 200

            let struct (info, _) = Phone.within back within "INFO" (back.NextSequence()) [] [||]
            do! back.Send info
            let! heard = rolf.Request "INFO"
            Expect.equal (Said.target heard) rolf.Contact "whoever came back reaches its peer"
            do! rolf.Answer(heard, 200, "OK", [], [||])
            let! _ = back.Response 200

            let struct (bye, _) = fromRolf "BYE" []
            do! rolf.Send bye
            let! over = back.Request "BYE"
            Expect.equal (Said.target over) rita.Contact "the BYE has the instance's Contact"
            do! back.Answer(over, 200, "OK", [], [||])
            let! _ = rolf.Response 200

            // The bystander's next message is the answer to its own question, so that nothing came before.
            do! Laboratory.stillAnswers lab ruth.Line
        }

let private stun (lab: Laboratory) =
    testCaseTask "a STUN Binding Request on the UDP listener is answered with where it came from"
    <| fun () ->
        task {
            use! line = Line.connect "udp" (Laboratory.place lab "udp")
            let transaction = Guid.NewGuid().ToByteArray()[..11]

            let cookie = [| 0x21uy; 0x12uy; 0xA4uy; 0x42uy |]
            do! line.Send(Array.concat [ [| 0uy; 1uy; 0uy; 0uy |]; cookie; transaction ])
            let! answer = line.Receive()

            let port = line.Local.Port ^^^ 0x2112
            let address = Array.map2 (^^^) (line.Local.Address.GetAddressBytes()) cookie

            Expect.equal
                answer
                (Array.concat
                    [
                        [| 1uy; 1uy; 0uy; 12uy |]
                        cookie
                        transaction
                        [| 0uy; 0x20uy; 0uy; 8uy; 0uy; 1uy; byte (port >>> 8); byte port |]
                        address
                    ])
                "a Binding Response with XOR-MAPPED-ADDRESS"

            do! Laboratory.stillAnswers lab line
        }

let all (lab: Laboratory) : Test =
    testList
        "Returns"
        [
            for from, by in ways do
                let naming = if by = "tcp" then Naming.Contact else Naming.Gruu
                comesBack lab (connect lab) (connect lab) from by naming
            comesBack lab (connect lab) (connect lab) "ws" "wss" Naming.Contact
            stun lab
        ]
    |> testSequenced
