// Exhibit: a message, a stream of bytes or a frame that once broke somebody's server, built by its described
// shape; and what this server makes of it.

namespace Sip.Museum

open System
open Sip

/// How an exhibit arrives.
[<RequireQualifiedAccess>]
type Carrier =
    /// A whole SIP message, over any transport.
    | Message of Text: string
    /// A datagram that is no SIP.
    | Datagram of Bytes: byte[]
    /// Bytes on a stream, from its first byte on.
    | Stream of Bytes: byte[]
    /// A client's frames on an open WebSocket.
    | Frames of Bytes: byte[]

/// What this server makes of it.
[<RequireQualifiedAccess>]
type Fate =
    /// It is a message like any other: its meaning is what harmed, and harms nobody here.
    | Taken
    /// It is none, and is refused.
    | Refused
    /// The connection is closed; of a WebSocket with this code.
    | Closed of Code: int
    /// Nothing at all comes of it.
    | Ignored

/// One case.
type Exhibit =
    {
        /// The advisory, the issue or the commit.
        Id: string
        /// What it broke, in one line.
        Broke: string
        Carrier: Carrier
        Fate: Fate
    }

/// Building exhibits.
[<RequireQualifiedAccess>]
module Exhibit =

    let private of' carrier fate id broke : Exhibit =
        {
            Id = id
            Broke = broke
            Carrier = carrier
            Fate = fate
        }

    /// A message that is read.
    let taken id broke text =
        of' (Carrier.Message text) Fate.Taken id broke

    /// A message that is not read.
    let refused id broke text =
        of' (Carrier.Message text) Fate.Refused id broke

    /// Bytes on a stream after which it is closed.
    let closed id broke (text: string) =
        of' (Carrier.Stream(Text.toBytes text)) (Fate.Closed 0) id broke

    /// A datagram that nothing comes of.
    let ignored id broke (bytes: byte[]) =
        of' (Carrier.Datagram bytes) Fate.Ignored id broke

    /// Frames after which the WebSocket is closed with a code.
    let frames id broke code (bytes: byte[]) =
        of' (Carrier.Frames bytes) (Fate.Closed code) id broke

    /// Frames that nothing comes of.
    let harmless id broke (bytes: byte[]) =
        of' (Carrier.Frames bytes) Fate.Ignored id broke

    let private name (field: string) =
        field.Substring(0, field.IndexOf ':').Trim()

    let private usual (method: string) =
        [
            "Via: SIP/2.0/UDP museum.invalid;branch=z9hG4bKmuseum;rport"
            "Max-Forwards: 70"
            "From: <sip:alice@example.test>;tag=museum"
            "To: <sip:bob@example.test>"
            "Call-ID: museum"
            "CSeq: 1 " + method
        ]

    /// A request: the usual fields, but for those that are given, which stand behind them; and a body.
    let requestWith method (uri: string) (fields: string list) (body: string) : string =
        let given = fields |> List.map name |> Set

        let kept =
            usual method |> List.filter (fun field -> not (given.Contains(name field)))

        let length =
            if given.Contains "Content-Length" then
                []
            else
                [ "Content-Length: " + string body.Length ]

        String.Join("\r\n", [ $"{method} {uri} SIP/2.0" ] @ kept @ fields @ length @ [ ""; body ])

    /// The same to Bob, without a body.
    let request method (fields: string list) : string =
        requestWith method "sip:bob@example.test" fields ""
