// Shards: a server of two shards is one server: calls between connections of different shards, what
// becomes of them when either connection is cut or taken up again, one nonce count for all, and each user shown once.

module Sip.Sockets.Shards

open System
open System.Net.Http
open System.Net.Http.Headers
open System.Text
open System.Text.RegularExpressions
open System.Threading.Tasks
open Expecto

let private shards = 2

/// The shard of a connection, as its number in the log tells.
let private shardOf (lab: Laboratory) (line: Line) : Task<int> =
    task {
        do! lab.Server.Says $"{line.Local} connection"

        let found =
            Regex.Match(lab.Server.Output, $"{line.Local} connection ([0-9]+) opened")

        return int (int64 found.Groups[1].Value >>> 20) &&& 0xFF
    }

/// A phone whose connection lives in that shard.
let private connected (lab: Laboratory) (shard: int) transport user : Task<Phone> =
    task {
        let place = Laboratory.place lab transport
        let mutable found = ValueNone
        let mutable tries = 0

        while found.IsNone do
            tries <- tries + 1
            Expect.isLessThan tries 100 "the system spreads connections over the shards"
            let! phone = Phone.connect transport place user Laboratory.password lab.Domain
            do! Laboratory.stillAnswers lab phone.Line

            match! shardOf lab phone.Line with
            | there when there = shard -> found <- ValueSome phone
            | _ -> (phone.Line :> IDisposable).Dispose()

        return found.Value
    }

/// A phone whose connection lives in that shard, registered.
let private seated (lab: Laboratory) transport user (shard: int) : Task<Phone> =
    task {
        let! phone = connected lab shard transport user
        let! _ = Phone.register phone
        return phone
    }

let private comesBack lab (shard: int) from by naming =
    testList
        $"From shard {shard} to the other"
        [
            Returns.comesBack lab (connected lab shard) (connected lab (1 - shard)) from by naming
        ]

let private across lab (from: string) (towards: string) =
    testCaseTask $"{from} of one shard and {towards} of the other call each other"
    <| fun () ->
        task {
            let name side = $"{side}.{from}.{towards}"
            let! alice = seated lab from (name "shard-a") 0
            let! bob = seated lab towards (name "shard-b") 1
            use _ = alice.Line
            use _ = bob.Line
            do! Calls.talk lab alice bob
            do! Calls.talk lab bob alice
        }

let private datagrams lab (towards: string) =
    testCaseTask $"calls by datagram find {towards} of either shard, whichever is home to them"
    <| fun () ->
        task {
            for shard in 0 .. shards - 1 do
                for turn in 1..4 do
                    let! alice = Laboratory.phone lab "udp" $"shard-a.udp.{towards}"
                    let! bob = seated lab towards $"shard-b.udp.{towards}" shard
                    use _ = alice.Line
                    do! Calls.talk lab alice bob
                    (bob.Line :> IDisposable).Dispose()
                    do! lab.Server.Says $"{bob.Line.Local} connection"
        }

let private ring (caller: Phone) (callee: Phone) : Task<struct (byte[] * Said)> =
    task {
        let offer = Phone.offering caller

        let! struct (sent, _, _) =
            Phone.ask caller "INVITE" callee.Aor $"<{callee.Aor}>" offer Phone.sdp

        let! ringing = callee.Request "INVITE"
        do! callee.Answer(ringing, 180, "Ringing", [], [||])
        let! _ = caller.Response 180
        return struct (sent, ringing)
    }

let private cut lab =
    testCaseTask "a connection that is cut frees what the other shard holds"
    <| fun () ->
        task {
            for shard in 0 .. shards - 1 do
                let! alice = seated lab "ws" "shard-cut-a" shard
                let! bob = seated lab "tcp" "shard-cut-b" (1 - shard)
                let! struct (sent, _) = ring alice bob
                (bob.Line :> IDisposable).Dispose()
                let! final = alice.Response 480
                do! Phone.acknowledgeFailure alice sent final

                let! bob = seated lab "tcp" "shard-cut-b" (1 - shard)
                let! struct (_, ringing) = ring alice bob
                (alice.Line :> IDisposable).Dispose()
                let! cancel = bob.Request "CANCEL"
                do! bob.Answer(cancel, 200, "OK", [], [||])
                do! bob.Answer(ringing, 487, "Request Terminated", [], [||])
                let! _ = bob.Request "ACK"
                (bob.Line :> IDisposable).Dispose()
        }

let private replay lab =
    testCaseTask "a nonce count that was used is used by no shard again"
    <| fun () ->
        task {
            let! alice = Laboratory.phone lab "udp" "shard-replay-a"
            let! bob = Laboratory.phone lab "ws" "shard-replay-b"
            use _ = alice.Line
            use _ = bob.Line
            let! struct (sent, _, _) = Phone.ask alice "MESSAGE" bob.Aor $"<{bob.Aor}>" [] [||]
            let! message = bob.Request "MESSAGE"
            do! bob.Answer(message, 200, "OK", [], [||])
            let! _ = alice.Response 200

            // Each Call-ID has a home of its own, so that both shards are asked.
            for turn in 1..16 do
                let again = Guid.NewGuid().ToString "N"
                let text = Said.text sent
                let text = Regex.Replace(text, "branch=z9hG4bK[^;\r]*", $"branch=z9hG4bK{again}")
                let text = Regex.Replace(text, "Call-ID: [^\r]*", $"Call-ID: {again}")
                do! alice.Send(Said.bytes text)
                let! refused = alice.Response 407
                Expect.equal (Said.one "Call-ID" refused) again "the one that was repeated"
        }

let private listed (lab: Laboratory) =
    testCaseTask "who is online is shown once, whichever shard their connections live in"
    <| fun () ->
        task {
            let user = "shard-listed"
            let! one = seated lab "ws" user 0
            let! other = seated lab "tcp" user 1
            use _ = one.Line
            use _ = other.Line
            use client = new HttpClient()
            let secret = Encoding.UTF8.GetBytes $"{user}:{Laboratory.password}"

            client.DefaultRequestHeaders.Authorization <-
                AuthenticationHeaderValue("Basic", Convert.ToBase64String secret)

            let! text = client.GetStringAsync $"http://127.0.0.1:{lab.Pages}/api/online"
            let found = Regex.Matches(text, $"\"user\":\"{user}\",\"contacts\":([0-9]+)")
            Expect.equal found.Count 1 text
            Expect.equal found[0].Groups[1].Value "2" "with the contacts of both shards"
        }

let private pairs = [ "ws", "ws"; "ws", "tcp"; "wss", "tls" ]

let private users =
    [
        for from, towards in pairs @ [ "udp", "ws"; "udp", "tcp" ] do
            $"shard-a.{from}.{towards}"
            $"shard-b.{from}.{towards}"
        "shard-cut-a"
        "shard-cut-b"
        "shard-replay-a"
        "shard-replay-b"
        "shard-listed"
    ]

/// A server of two shards.
let prepare (shell: string) : Task<Laboratory> =
    Laboratory.start
        shell
        Laboratory.transports
        "example.test"
        ([ "--shards"; string shards ]
         @ Laboratory.users (users @ Calls.users @ Flows.users @ Departures.users @ Returns.users))

let all (lab: Laboratory) : Test =
    testList
        "Shards"
        [
            for from, towards in pairs do
                across lab from towards
            datagrams lab "ws"
            datagrams lab "tcp"
            cut lab
            replay lab
            listed lab
            comesBack lab 0 "ws" "tcp" Returns.Naming.Gruu
            comesBack lab 1 "wss" "ws" Returns.Naming.Contact
            Calls.all lab
            Flows.all lab
            Departures.shared lab
        ]
