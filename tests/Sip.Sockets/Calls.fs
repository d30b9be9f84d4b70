// Calls: a whole call between any two transports, in each direction, with requests inside the dialog
// from both sides along the recorded route (RFC 3261 §12, §16; RFC 5658; RFC 5626 §5.3; RFC 7118 §5).

module Sip.Sockets.Calls

open System
open System.Text.RegularExpressions
open System.Threading.Tasks
open Expecto

let private route (lab: Laboratory) (transport: string) (pair: string) =
    let shown =
        match transport with
        | "udp" -> ""
        | "wss" -> ";transport=ws"
        | other -> $";transport={other}"

    if transport = "udp" then
        $"<sip:{Laboratory.place lab transport}{shown}{pair};lr>"
    else
        $"<sip:TOKEN@{Laboratory.place lab transport}{shown}{pair};lr;ob>"

let private token = Regex @"^<sip:[A-Za-z0-9_-]{88}@"

/// What the server has recorded, with a word for every token.
let private recordedIn (said: Said) =
    [
        for value in Said.all "Record-Route" said -> token.Replace(value, "<sip:TOKEN@")
    ]

/// What the server records between two lines, from the callee's side to the caller's.
let private recorded lab (caller: Phone) (callee: Phone) =
    if caller.Line.Transport = "udp" && callee.Line.Transport = "udp" then
        [ route lab caller.Line.Transport "" ]
    else
        [
            route lab callee.Line.Transport ";r2=on"
            route lab caller.Line.Transport ";r2=on"
        ]

let private equal (actual: 'a) (expected: 'a) (what: string) = Expect.equal actual expected what

let private isOwnVia (lab: Laboratory) (receiver: Phone) (via: string) =
    let transport = receiver.Line.Transport

    Expect.stringStarts
        via
        $"SIP/2.0/{transport.ToUpperInvariant()} {Laboratory.place lab transport};branch=z9hG4bK"
        "the server's Via names the listener that the request left by"

/// What must be true of each request that arrives, and of the Contact in it.
let private arrivedWell lab (sender: Phone) (receiver: Phone) (via: string) (said: Said) =
    equal (Said.target said) receiver.Contact "the Request-URI is the receiver's own Contact"
    equal (Said.all "Route" said) [] "no Route is left"
    equal (Said.one "Max-Forwards" said) "69" "one hop is spent"

    match Said.all "Via" said with
    | [ ours; theirs ] ->
        isOwnVia lab receiver ours
        equal theirs (sender.Stamped via) "the sender's Via carries received and rport"
    | vias -> failtest $"two Vias, not {vias}"

let private isAliased (owner: Phone) (said: Said) =
    Expect.stringStarts
        (Said.uri (Said.one "Contact" said))
        (owner.Contact + ";alias=")
        "the Contact carries our alias"

/// What must be true of each response that arrives.
let private returnedWell (receiver: Phone) (via: string) (said: Said) =
    equal
        (Said.all "Via" said)
        [ receiver.Stamped via ]
        "the server's Via is off, the own is stamped"

let private recordedOf (request: Said) =
    [ for value in Said.all "Record-Route" request -> "Record-Route", value ]

/// Sets a call up and returns the dialogs of caller and callee.
let private call lab (caller: Phone) (callee: Phone) : Task<struct (Dialog * Dialog)> =
    task {
        let offer = Phone.offering caller

        let! struct (_, via, _) =
            Phone.ask caller "INVITE" callee.Aor $"<{callee.Aor}>" offer Phone.sdp

        let! invite = callee.Request "INVITE"
        arrivedWell lab caller callee via invite
        isAliased caller invite
        equal (recordedIn invite) (recorded lab caller callee) "the recorded route"
        equal invite.Body Phone.sdp "the body byte for byte"
        equal (Said.one "Content-Type" invite) "application/sdp" "its type"

        do! callee.Answer(invite, 180, "Ringing", recordedOf invite, [||])
        let! ringing = caller.Response 180
        returnedWell caller via ringing

        let accepting = recordedOf invite @ Phone.offering callee
        do! callee.Answer(invite, 200, "OK", accepting, Phone.sdp)
        let! accepted = caller.Response 200
        returnedWell caller via accepted
        isAliased callee accepted
        equal accepted.Body Phone.sdp "the answer's body byte for byte"
        equal (recordedIn accepted) (recorded lab caller callee) "the route comes back"

        let ofCaller = Phone.dialogOfCaller accepted
        let sequence = int ((Said.one "CSeq" accepted).Split(' ').[0])
        let struct (ack, via) = Phone.within caller ofCaller "ACK" sequence [] [||]
        do! caller.Send ack
        let! ack = callee.Request "ACK"
        arrivedWell lab caller callee via ack

        return struct (ofCaller, Phone.dialogOfCallee invite (Said.one "To" accepted))
    }

/// A request inside the dialog and its 200; nobody is challenged there.
let private exchange lab (sender: Phone) (receiver: Phone) dialog method headers body =
    task {
        let struct (sent, via) =
            Phone.within sender dialog method (sender.NextSequence()) headers body

        do! sender.Send sent
        let! arrived = receiver.Request method
        arrivedWell lab sender receiver via arrived
        equal arrived.Body body "the body byte for byte"
        let answer = if method = "INVITE" then Phone.offering receiver else []
        do! receiver.Answer(arrived, 200, "OK", answer, [||])
        let! accepted = sender.Response 200
        returnedWell sender via accepted

        if method = "INVITE" then
            isAliased sender arrived
            let sequence = int ((Said.one "CSeq" accepted).Split(' ').[0])
            let struct (ack, via) = Phone.within sender dialog "ACK" sequence [] [||]
            do! sender.Send ack
            let! ack = receiver.Request "ACK"
            arrivedWell lab sender receiver via ack
    }

let private info = [ "Content-Type", "application/dtmf-relay" ]
let private digit = Said.bytes "Signal=5\r\n"

/// Two calls: in one the callee ends it, in the other the caller.
let talk (lab: Laboratory) (caller: Phone) (callee: Phone) : Task<unit> =
    task {
        let! struct (ofCaller, ofCallee) = call lab caller callee
        do! exchange lab caller callee ofCaller "INVITE" (Phone.offering caller) Phone.sdp
        do! exchange lab callee caller ofCallee "INFO" info digit
        do! exchange lab callee caller ofCallee "BYE" [] [||]

        let! struct (ofCaller, ofCallee) = call lab caller callee
        do! exchange lab callee caller ofCallee "INVITE" (Phone.offering callee) Phone.sdp
        do! exchange lab caller callee ofCaller "INFO" info digit
        do! exchange lab caller callee ofCaller "BYE" [] [||]
    }

let private pairs = List.allPairs Laboratory.transports Laboratory.transports
let private userOf side (from, towards) = $"{side}.{from}.{towards}"

/// The users that the pairs need.
let users: string list =
    pairs |> List.collect (fun pair -> [ userOf "alice" pair; userOf "bob" pair ])

let private pairTest (lab: Laboratory) (from: string, towards: string) =
    testCaseTask $"alice on {from} calls bob on {towards}, and both speak inside the dialog"
    <| fun () ->
        task {
            let! alice = Laboratory.phone lab from (userOf "alice" (from, towards))
            let! bob = Laboratory.phone lab towards (userOf "bob" (from, towards))
            use _ = alice.Line
            use _ = bob.Line
            do! talk lab alice bob
        }

let all (lab: Laboratory) =
    testList "Calls" (List.map (pairTest lab) pairs)
