// KeepAliveLaws: who is kept alive and how: STUN on datagram sockets (RFC 5626 §8), signs of life for datagram
// clients behind a translator, and what is no message at all.

module Sip.Properties.World.KeepAliveLaws

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Wire
open Sip.Properties

let private transports =
    [ Transport.Udp; Transport.Tcp; Transport.Tls; Transport.Ws; Transport.Wss ]

let private ports = Gen.choose (1024, 65535)

let private stun =
    Array.concat
        [
            [| 0x00uy; 0x01uy; 0x00uy; 0x00uy; 0x21uy; 0x12uy; 0xA4uy; 0x42uy |]
            Array.init 12 byte
        ]

let private binding =
    Law.holds
        "a STUN Binding Request to a datagram socket is answered as STUN says, and to no other by STUN"
        (Arb.fromGen (Gen.zip (Gen.elements transports) ports))
    <| fun (transport, port) ->
        let house = House()
        let flow = house.Open(transport, port)
        let heard = house.Hear(flow, stun, 0L)

        match transport, Stun.read flow.Remote (ReadOnlySpan stun) with
        | Transport.Udp, Stun.Binding response -> heard = [ flow, 1_000L, response ]
        | (Transport.Tcp | Transport.Tls | Transport.Ws | Transport.Wss), _ -> heard.IsEmpty
        | Transport.Udp, (Stun.Unanswered | Stun.NotStun) -> false

let private silence =
    Law.holds
        "a datagram of line ends or of zeros, and STUN of another kind, are answered with nothing"
        (Arb.fromGen (
            Gen.elements [ "\r\n"; "\r\n\r\n"; "\000\000\000\000"; "\001\001\000\000"; "\000" ]
        ))
    <| fun text ->
        let house = House()
        (house.Hear(house.Open(Transport.Udp, 5060), Text.toBytes text, 60_000L)).IsEmpty

/// A client that registers for ten minutes and may say where it is.
type private Client =
    {
        Shards: int
        Transport: Transport
        Port: int
        /// Whether the Via names the address and the port that the datagram comes from.
        Truthful: bool
        Path: bool
    }

let private clients =
    Arb.fromGen (
        gen {
            let! shards = Gen.choose (1, 3)

            let! transport =
                Gen.frequency [ 3, Gen.constant Transport.Udp; 1, Gen.elements transports ]

            let! port = ports
            let! truthful = Gen.elements [ true; false ]
            let! path = Gen.frequency [ 3, Gen.constant false; 1, Gen.constant true ]

            return
                {
                    Shards = shards
                    Transport = transport
                    Port = port
                    Truthful = truthful
                    Path = path
                }
        }
    )

let private register (client: Client) (seconds: int) =
    let sheet =
        Letter.register
            "alice"
            "1@x"
            (String.Concat("<sip:alice@192.168.1.2:5060>;expires=", string seconds))
            [
                if client.Path then
                    "Path", "<sip:edge.example.net;lr>"
            ]

    let via =
        if client.Truthful then
            "SIP/2.0/UDP 198.51.100.7:" + string client.Port
        else
            "SIP/2.0/UDP 192.168.1.2:5060"

    { sheet with
        Fields =
            sheet.Fields
            |> List.map (fun (name, value) ->
                if name = "Via" then
                    name, value.Replace("SIP/2.0/WS x.invalid", via)
                else
                    name, value)
    }

let private signs =
    Law.holds
        "a datagram client behind a translator gets a sign of life every 25 seconds while it is bound, and \
         nobody else"
        clients
    <| fun client ->
        let house = House client.Shards
        let flow = house.Open(client.Transport, client.Port)
        house.Say(flow, register client 600) |> ignore
        let heard = house.Hear(flow, [||], 250_000L)
        house.Say(flow, register client 0) |> ignore
        let later = house.Hear(flow, [||], 250_000L)

        let needs =
            client.Transport = Transport.Udp && not client.Truthful && not client.Path

        let times = [ for _, at, _ in heard -> at ]

        later.IsEmpty
        && (if needs then
                times.Length = 10
                && List.forall (fun (one, other) -> other - one = 25_000L) (List.pairwise times)
                && heard
                   |> List.forall (fun (there, _, bytes) ->
                       there = flow && Text.ofBytes (ReadOnlySpan bytes) = "\r\n\r\n")
            else
                heard.IsEmpty)

let private expired =
    Law.holds "nobody is kept alive beyond the end of the binding" clients
    <| fun client ->
        let house = House client.Shards
        let flow = house.Open(client.Transport, client.Port)
        house.Say(flow, register client 100) |> ignore
        house.Hear(flow, [||], 100_001L) |> ignore
        (house.Hear(flow, [||], 250_000L)).IsEmpty

/// Every law.
let all: Test = testList "Keeping alive" [ binding; silence; signs; expired ]
