// Flows: what becomes of a call that is not simply taken: cancelled, declined, rung in two places,
// for nobody, by nobody; and requests that UDP delivers twice (RFC 3261 §9, §16.7, §17.2, §22).

module Sip.Sockets.Flows

open System
open System.Threading.Tasks
open Expecto

// Each test has users of its own, for a UDP binding outlives its phone.
let private names = [ "anna"; "ben"; "cleo"; "dora"; "emil" ]

let private tests =
    [
        "cancel-ws"
        "cancel-udp"
        "cancel-tcp"
        "fork"
        "refuse"
        "wrong-ws"
        "wrong-udp"
        "other"
        "twice"
        "off"
    ]

let users = [ for test, name in List.allPairs tests names -> $"{name}.{test}" ]

let private ring (phone: Phone) : Task<Said> =
    task {
        let! invite = phone.Request "INVITE"
        let route = [ for value in Said.all "Record-Route" invite -> "Record-Route", value ]
        do! phone.Answer(invite, 180, "Ringing", route, [||])
        return invite
    }

let private invite (caller: Phone) (aor: string) =
    Phone.ask caller "INVITE" aor $"<{aor}>" (Phone.offering caller) Phone.sdp

/// The CANCEL of a request that was sent (§9.1).
let private cancel (phone: Phone) (sent: byte[]) : Task =
    let sent = Said.read sent

    phone.Send(
        Said.write
            $"CANCEL {Said.target sent} SIP/2.0"
            [
                "Via", Said.one "Via" sent
                "Max-Forwards", "70"
                "From", Said.one "From" sent
                "To", Said.one "To" sent
                "Call-ID", Said.one "Call-ID" sent
                "CSeq", (Said.one "CSeq" sent).Split(' ').[0] + " CANCEL"
            ]
            [||]
    )

let private cancelled lab test from towards =
    testCaseTask $"a caller on {from} thinks better of it before {towards} answers"
    <| fun () ->
        task {
            let! anna = Laboratory.phone lab from $"anna.{test}"
            let! ben = Laboratory.phone lab towards $"ben.{test}"
            let! struct (sent, _, _) = invite anna ben.Aor
            let! ringing = ring ben
            let! _ = anna.Response 180
            do! cancel anna sent
            let! ok = anna.Response 200
            Expect.stringEnds (Said.one "CSeq" ok) " CANCEL" "the CANCEL is answered"
            let! cancel = ben.Request "CANCEL"
            Expect.equal (Said.one "Via" cancel) (Said.one "Via" ringing) "in the same transaction"
            do! ben.Answer(cancel, 200, "OK", [], [||])
            do! ben.Answer(ringing, 487, "Request Terminated", [], [||])
            let! _ = ben.Request "ACK"
            let! final = anna.Response 487
            do! Phone.acknowledgeFailure anna sent final
        }

let private forked lab test =
    testCaseTask "both phones of a user ring, and the slower one is called off"
    <| fun () ->
        task {
            let! anna = Laboratory.phone lab "wss" $"anna.{test}"
            let! quick = Laboratory.phone lab "ws" $"cleo.{test}"
            let! late = Laboratory.phone lab "udp" $"cleo.{test}"
            let! _ = invite anna quick.Aor
            let! here = ring quick
            let! there = ring late
            let! _ = anna.Response 180
            do! quick.Answer(here, 200, "OK", Phone.offering quick, Phone.sdp)
            let! cancel = late.Request "CANCEL"
            Expect.stringContains (Said.one "Reason" cancel) "SIP;cause=200" "answered elsewhere"
            do! late.Answer(cancel, 200, "OK", [], [||])
            do! late.Answer(there, 487, "Request Terminated", [], [||])
            let! _ = late.Request "ACK"
            return ()
        }

let private refused lab test =
    testCaseTask "a busy phone, an absent one and a stranger are told apart"
    <| fun () ->
        task {
            let! anna = Laboratory.phone lab "ws" $"anna.{test}"
            let! dora = Laboratory.phone lab "tls" $"dora.{test}"

            let! struct (sent, _, _) = invite anna dora.Aor
            let! ringing = ring dora
            let! _ = anna.Response 180
            do! dora.Answer(ringing, 486, "Busy Here", [], [||])
            let! _ = dora.Request "ACK"
            let! busy = anna.Response 486
            do! Phone.acknowledgeFailure anna sent busy

            let! _ = invite anna $"sip:emil.{test}@{lab.Domain}"
            let! _ = anna.Response 480
            let! _ = invite anna $"sip:nobody@{lab.Domain}"
            let! _ = anna.Response 404
            return ()
        }

let private wrongPassword lab test transport =
    testCaseTask $"a wrong password is challenged again and binds nothing, on {transport}"
    <| fun () ->
        task {
            let place = Laboratory.place lab transport
            let! mallory = Phone.connect transport place $"emil.{test}" "guess" lab.Domain
            let contact = [ "Contact", $"<{mallory.Contact}>" ]
            let registrar = $"sip:{lab.Domain}"
            let! _ = Phone.ask mallory "REGISTER" registrar $"<{mallory.Aor}>" contact [||]
            let! _ = mallory.Response 401
            return ()
        }

let private otherFrom lab test =
    testCaseTask "a user who calls under another's name is refused"
    <| fun () ->
        task {
            let! anna = Laboratory.phone lab "ws" $"anna.{test}"
            let place = $"<sip:ben.{test}@{lab.Domain}>;tag=1", "<sip:x@a.invalid>", "forged", 1
            let uri = $"sip:dora.{test}@{lab.Domain}"
            let struct (first, _) = Phone.request anna "MESSAGE" uri place [] [||]
            do! anna.Send first
            let! challenged = anna.Response 407
            let challenge = Said.one "Proxy-Authenticate" challenged
            let answer = Digest.answer anna.User anna.Password "MESSAGE" uri challenge
            let headers = [ "Proxy-Authorization", answer ]
            let struct (second, _) = Phone.request anna "MESSAGE" uri place headers [||]
            do! anna.Send second
            let! _ = anna.Response 403
            return ()
        }

let private twice lab test =
    testCaseTask "a request that UDP delivers twice is worked on once and answered twice"
    <| fun () ->
        task {
            let! anna = Laboratory.phone lab "udp" $"anna.{test}"
            let! ben = Laboratory.phone lab "tcp" $"ben.{test}"
            let! struct (sent, _, _) = Phone.ask anna "MESSAGE" ben.Aor $"<{ben.Aor}>" [] "once"B
            do! anna.Send sent
            let! message = ben.Request "MESSAGE"
            do! ben.Answer(message, 200, "OK", [], [||])
            let! _ = anna.Response 200
            do! anna.Send sent
            let! again = anna.Line.Receive()
            Expect.equal (Said.status (Said.read again)) 200 "the same answer"
            let! _ = Phone.ask anna "MESSAGE" ben.Aor $"<{ben.Aor}>" [] "next"B
            let! next = ben.Request "MESSAGE"
            Expect.equal next.Body "next"B "nothing came between"
            do! ben.Answer(next, 200, "OK", [], [||])
        }

let private unregistered lab test =
    testCaseTask "a phone that signs off is listed no more"
    <| fun () ->
        task {
            let! emil = Laboratory.phone lab "tls" $"emil.{test}"
            let off = [ "Contact", "*"; "Expires", "0" ]
            let! _ = Phone.ask emil "REGISTER" $"sip:{lab.Domain}" $"<{emil.Aor}>" off [||]
            let! listed = emil.Response 200
            Expect.equal (Said.all "Contact" listed) [] "no contact is left"
        }

let all (lab: Laboratory) : Test =
    testList
        "Flows"
        [
            cancelled lab "cancel-ws" "ws" "udp"
            cancelled lab "cancel-udp" "udp" "ws"
            cancelled lab "cancel-tcp" "tcp" "tls"
            forked lab "fork"
            refused lab "refuse"
            wrongPassword lab "wrong-ws" "ws"
            wrongPassword lab "wrong-udp" "udp"
            otherFrom lab "other"
            twice lab "twice"
            unregistered lab "off"
        ]
