// PatienceLaws: nobody holds a connection by being slow, silent or deaf, and nobody who keeps time
// loses one.

module Sip.Properties.PatienceLaws

open System
open Expecto
open FsCheck.FSharp
open Sip
open Sip.Wire

let private start = Instant.FromMilliseconds 1_000L

let private rules serving : StreamRules =
    {
        Serving = serving
        Limits = Limits.usual
        Handshake = Handshake.anything
    }

let private either = rules Serving.Either

let private handshake =
    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\n"
    + "Sec-WebSocket-Version: 13\r\n\r\n"
    |> Text.toBytes

let private message =
    Text.toBytes "OPTIONS sip:a SIP/2.0\r\nVia: b\r\nContent-Length: 2\r\n\r\nhi"

/// A client's frame of at most 125 bytes, with a mask of zeroes.
let private frame (first: int) (payload: byte[]) =
    Array.concat
        [
            [| byte first; 0x80uy ||| byte payload.Length |]
            Array.zeroCreate 4
            payload
        ]

let private opened =
    (Stream.receive either start (Stream.accepted either start) (Span(Array.copy handshake))).State

/// What is begun on a connection, and the connection that it is begun on.
let private beginnings: (StreamState * byte[]) list =
    [
        Stream.accepted either start, handshake
        Stream.accepted (rules Serving.WebSocket) start, handshake
        Stream.accepted either start, message
        Stream.dialled, message
        opened, frame 0x81 message
        opened,
        Array.concat [ frame 0x01 "a"B; frame 0x89 "ping"B; frame 0x00 "b"B; frame 0x80 "c"B ]
        opened, frame 0x89 "a ping"B
    ]

/// Feeds a byte at each of these times and ticks whenever it is asked to: the time at which the
/// connection was closed, or none and the last state.
let private trickled state (bytes: byte[]) (pauses: int64 list) =
    let rec go (state: StreamState) (kept: byte[]) at (left: byte list) (pauses: int64 list) =
        match left, pauses with
        | octet :: left, pause :: pauses ->
            let next = at + pause

            if state.Wake.Milliseconds <= next then
                let step = Stream.tick state.Wake state

                if step.Event = StreamEvent.CloseAfter then
                    Error state.Wake.Milliseconds
                else
                    go step.State kept at (octet :: left) ((next - at) :: pauses)
            else
                drain state (Array.append kept [| octet |]) next left pauses
        | _, _ -> Ok state

    and drain state (buffer: byte[]) at left pauses =
        let step = Stream.receive either (Instant.FromMilliseconds at) state (Span buffer)
        let rest = buffer[step.Consumed ..]

        if step.Event = StreamEvent.NeedMore then
            go step.State rest at left pauses
        else
            drain step.State rest at left pauses

    go state [||] start.Milliseconds (List.ofArray bytes) pauses

let private slowness =
    gen {
        let! state, bytes = Gen.elements beginnings
        // From far too fast to far too slow, in all.
        let! pace = Gen.choose (1, 400)
        let! pauses = Gen.choose (1, pace) |> Gen.map int64 |> Gen.listOfLength bytes.Length
        return state, bytes, 0L :: List.tail pauses
    }
    |> Arb.fromGen

type private Outcome =
    | InTime
    | TooSlow

let private whole =
    Law.holdsMeeting
        [ InTime; TooSlow ]
        "what is begun is whole five seconds after its first byte, or the connection ends then"
        slowness
        (fun (state, bytes, pauses) ->
            let took = List.sum pauses
            let limit = int64 Patience.whole
            let first = start.Milliseconds

            match trickled state bytes pauses with
            | Error at when took >= limit && at = first + limit -> ValueSome TooSlow
            | Ok state when took < limit && state.Wake.Milliseconds > first + limit ->
                ValueSome InTime
            | Error _
            | Ok _ -> ValueNone)

let private talk =
    gen {
        let! pauses = Gen.choose (1, 9_999) |> Gen.nonEmptyListOf

        let! socket =
            Gen.elements [ Stream.accepted either start, message; opened, frame 0x81 message ]

        return fst socket, snd socket, List.map int64 pauses
    }
    |> Arb.fromGen

let private keepsTime =
    Law.holds
        "who sends a whole message now and then is never given up"
        talk
        (fun (state, bytes, pauses) ->
            let rec say (state: StreamState) at pauses =
                match pauses with
                | pause :: later ->
                    let next = at + pause

                    if state.Wake.Milliseconds <= next then
                        // A ping is due, and what is said next answers it as well.
                        let step = Stream.tick state.Wake state
                        let left = next - state.Wake.Milliseconds

                        step.Event = StreamEvent.Write
                        && say step.State state.Wake.Milliseconds (left :: later)
                    else
                        let step =
                            Stream.receive
                                either
                                (Instant.FromMilliseconds next)
                                state
                                (Span(Array.copy bytes))

                        step.Event = StreamEvent.Message && say step.State next later
                | [] -> true

            say state start.Milliseconds pauses)

let private silence =
    testList
        "silence"
        [
            for name, state, limit in
                [
                    "a balancer that announces nothing", Stream.announcing start, 5_000L
                    "who shakes no hands for TLS", Stream.securing start, 5_000L
                    "who asks for no WebSocket",
                    Stream.accepted (rules Serving.WebSocket) start,
                    5_000L
                    "who says no first word", Stream.accepted either start, 10_000L
                    "who opens a WebSocket and says nothing", opened, 10_000L
                ] do
                test $"{name} is given up after {limit} ms" {
                    Expect.equal state.Wake.Milliseconds (start.Milliseconds + limit) "in time"
                    let step = Stream.tick state.Wake state
                    Expect.equal step.Event StreamEvent.CloseAfter "given up"
                }
        ]

let private keepAlives =
    test "what may become a keep-alive begins no message" {
        for bytes in [ "\r"B; "\r\n"B; "\r\n\r"B ] do
            let step = Stream.receive either start Stream.dialled (Span(Array.copy bytes))
            Expect.equal step.State.Wake Instant.Never "nothing is due"
    }

let private reading =
    gen {
        let! turns =
            Gen.listOf (
                Gen.zip3 (Gen.choose (0, 3_000)) (Gen.choose (0, 500)) (Gen.choose (0, 500))
            )

        return turns
    }
    |> Arb.fromGen

/// The bytes that wait, oldest first, each with the time since which it does.
let private unread =
    Law.holdsMeeting
        [ InTime; TooSlow ]
        "what waits to be sent leaves within ten seconds, twenty at most, or the peer is given up"
        reading
        (fun turns ->
            let turn
                (backlog, waiting: (int64 * int) list, now, isGivenUp, oldest)
                (pause, written, taken)
                =
                let now = now + int64 pause

                let isGivenUp =
                    isGivenUp || Backlog.isUnread (Instant.FromMilliseconds now) backlog

                let queue = waiting @ [ now, written ]

                let rec take count (queue: (int64 * int) list) =
                    match queue with
                    | (since, size) :: rest when size <= count -> take (count - size) rest
                    | (since, size) :: rest -> (since, size - count) :: rest
                    | [] -> []

                let left = take taken queue
                let size = List.sumBy snd
                let sent = size queue - size left
                let backlog = Backlog.after (Instant.FromMilliseconds now) sent (size left) backlog

                let age =
                    match left with
                    | (since, _) :: _ -> now - since
                    | [] -> 0L

                backlog, left, now, isGivenUp, max oldest age

            let _, _, _, isGivenUp, oldest =
                List.fold turn (Backlog.none, [], 0L, false, 0L) turns

            match isGivenUp with
            | true when oldest >= 7_000L -> ValueSome TooSlow
            | false when oldest <= 23_000L -> ValueSome InTime
            | _ -> ValueNone)

let all = testList "Patience" [ whole; keepsTime; silence; keepAlives; unread ]
