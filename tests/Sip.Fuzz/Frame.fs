// Frame: a client's WebSocket frames, written slowly as RFC 6455 §5.2 draws them, and its handshake.

[<RequireQualifiedAccess>]
module Sip.Fuzz.Frame

open System
open Sip

let private length (count: int) : byte[] =
    if count < 126 then
        [| byte count ||| 0x80uy |]
    elif count < 65536 then
        [| 0xFEuy; byte (count >>> 8); byte count |]
    else
        Array.append [| 0xFFuy |] (Array.rev (BitConverter.GetBytes(int64 count)))

/// A frame whose first byte is this one.
let masked (first: int) (mask: byte[]) (payload: byte[]) : byte[] =
    let hidden = payload |> Array.mapi (fun i octet -> octet ^^^ mask[i &&& 3])
    Array.concat [ [| byte first |]; length payload.Length; mask; hidden ]

/// A message in one frame or in several, as text or not.
let message (dice: Luck) (payload: byte[]) : byte[] =
    let first = if dice.Chance 80 then 1 else 2
    let mask = dice.Bytes 4

    if dice.Chance 80 then
        masked (0x80 ||| first) mask payload
    else
        let cut = dice.Below(payload.Length + 1)

        Array.concat
            [
                masked first mask payload[.. cut - 1]
                if dice.Chance 20 then
                    masked 0x89 mask "ping"B
                masked 0x80 mask payload[cut..]
            ]

/// Something that is a frame, or nearly one.
let strange (dice: Luck) : byte[] =
    match dice.Below 6 with
    | 0 -> masked (dice.Below 256) (dice.Bytes 4) (dice.Bytes(dice.Below 130))
    | 1 -> masked 0x88 (dice.Bytes 4) (dice.Bytes(dice.Below 8))
    | 2 -> masked (0x80 ||| dice.Below 16) (dice.Bytes 4) (dice.Bytes(dice.Between(120, 130)))
    | 3 -> Array.concat [ [| 0x82uy; 0xFFuy |]; dice.Bytes 8; dice.Bytes 4 ]
    | 4 -> Array.concat [ for _ in 1..70 -> masked (dice.Below 2) (dice.Bytes 4) [||] ]
    | _ -> dice.Bytes(dice.Below 20)

/// The handshake of a polite client.
let handshake: byte[] =
    Text.toBytes (
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\n"
        + "Sec-WebSocket-Version: 13\r\n\r\n"
    )
