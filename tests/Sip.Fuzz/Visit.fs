// Visit: what this server makes of each exhibit of the museum, without a socket: its fate, and that nothing is
// wrong with whatever leaves, on every line of every kind of server.

module Sip.Fuzz.Visit

open System
open Expecto
open Sip
open Sip.Wire
open Sip.Museum

let private now = Instant.FromMilliseconds 0L

let private rules: StreamRules =
    {
        Serving = Serving.Either
        Limits = Limits.usual
        Handshake = Handshake.anything
    }

let private fateOfMessage (text: string) =
    match Reading.message Limits.usual (ReadOnlySpan(Text.toBytes text)) with
    | Arrival.Message _ -> Fate.Taken
    | Arrival.Broken _ -> Fate.Refused

/// The code of a Close frame, 0 where the bytes are none.
let private code (bytes: byte[]) =
    if bytes.Length > 3 && bytes[0] = 0x88uy then
        (int bytes[2] <<< 8) ||| int bytes[3]
    else
        0

let rec private fateOfBytes (state: StreamState) (bytes: byte[]) =
    let step = Stream.receive rules now state (Span bytes)

    match step.Event with
    | StreamEvent.NeedMore -> Fate.Ignored
    | StreamEvent.Message
    | StreamEvent.Assembled
    | StreamEvent.Write
    | StreamEvent.Upgraded -> fateOfBytes step.State bytes[step.Consumed ..]
    | StreamEvent.Broken
    | StreamEvent.TooLarge -> Fate.Closed 0
    | StreamEvent.CloseAfter -> Fate.Closed(code step.Bytes)

let private opened () =
    (Stream.receive rules now (Stream.accepted rules now) (Span(Array.copy Frame.handshake))).State

let private fate (carrier: Carrier) : Fate =
    match carrier with
    | Carrier.Message text -> fateOfMessage text
    | Carrier.Datagram bytes ->
        match Reading.message Limits.usual (ReadOnlySpan bytes) with
        | Arrival.Message _ -> Fate.Taken
        | Arrival.Broken(_, ValueNone) -> Fate.Ignored
        | Arrival.Broken(_, ValueSome _) -> Fate.Refused
    | Carrier.Stream bytes -> fateOfBytes (Stream.accepted rules now) (Array.copy bytes)
    | Carrier.Frames bytes -> fateOfBytes (opened ()) (Array.copy bytes)

/// The bytes of an exhibit as a line carries them; none where it does not.
let private carried (line: Line) (carrier: Carrier) : byte[] voption =
    let isWebSocket = Transport.isWebSocket line.Transport
    let isDatagram = line.Transport = Transport.Udp

    match carrier with
    | Carrier.Message text when isWebSocket ->
        ValueSome(Frame.masked 0x81 [| 1uy; 2uy; 3uy; 4uy |] (Text.toBytes text))
    | Carrier.Message text -> ValueSome(Text.toBytes text)
    | Carrier.Datagram bytes when isDatagram -> ValueSome bytes
    | Carrier.Stream bytes when not isWebSocket && not isDatagram -> ValueSome bytes
    | Carrier.Frames bytes when isWebSocket -> ValueSome bytes
    | Carrier.Datagram _
    | Carrier.Stream _
    | Carrier.Frames _ -> ValueNone

let private script (variant: int) (carrier: Carrier) : Script =
    {
        Variant = variant
        Steps =
            [
                for at, line in Array.indexed (Scene.lines ()) do
                    match carried line carrier with
                    | ValueSome bytes ->
                        Step.Bytes(at, bytes)
                        Step.Break at
                    | ValueNone -> ()
            ]
    }

let private visit (exhibit: Exhibit) =
    testCase (exhibit.Id + ": " + exhibit.Broke)
    <| fun () ->
        Expect.equal (fate exhibit.Carrier) exhibit.Fate "its fate"

        for variant in 0 .. Scene.variants - 1 do
            Expect.isEmpty (Paths.faults (script variant exhibit.Carrier)) "what leaves is sound"

/// Every exhibit once.
let all: Test =
    testList
        "Museum"
        [
            yield! List.map visit Museum.all
            test "the museum has at least sixty exhibits, and none twice" {
                let ids = Museum.all |> List.map (fun exhibit -> exhibit.Id + exhibit.Broke)
                Expect.isGreaterThanOrEqual (List.length (List.distinct ids)) 60 "exhibits"
                Expect.equal (List.length (List.distinct ids)) ids.Length "each once"
            }
        ]
