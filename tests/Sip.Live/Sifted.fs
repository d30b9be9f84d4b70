// Sifted: what the system drops under load before anybody has read it, and whose calls it never drops.

module Sip.Live.Sifted

open System
open System.Net
open System.Net.Sockets
open System.Text
open Expecto
open Sip.Guarding
open Sip.Server.Reactor

let private call =
    Encoding.ASCII.GetBytes "INVITE sip:bob@example.test SIP/2.0\r\n\r\n"

let private last =
    Encoding.ASCII.GetBytes "BYE sip:bob@example.test SIP/2.0\r\n\r\n"

/// So many calls from a source, and how many of them come through to a socket with the narrowest sieve there is.
let private through (here: IPAddress) (peers: IPAddress list) (source: IPAddress) : int =
    use door = new Socket(here.AddressFamily, SocketType.Dgram, ProtocolType.Udp)
    door.ReceiveTimeout <- 10_000
    door.Bind(IPEndPoint(here, 0))
    Sifting.Set(int door.Handle, Sieve.step 1_000_000 0 0, peers)
    use caller = new Socket(here.AddressFamily, SocketType.Dgram, ProtocolType.Udp)
    caller.Bind(IPEndPoint(source, 0))

    for _ in 1..200 do
        caller.SendTo(call, nonNull door.LocalEndPoint) |> ignore

    // What begins nothing new passes any sieve, and comes last.
    caller.SendTo(last, nonNull door.LocalEndPoint) |> ignore
    let buffer = Array.zeroCreate<byte> 1500
    let mutable came = 0
    let mutable size = door.Receive buffer

    while size <> last.Length do
        came <- came + 1
        size <- door.Receive buffer

    came

/// Every example.
let all =
    testList
        "Sifting"
        [
            test "a peer's calls pass the narrowest sieve, and few of a stranger's do" {
                let address (text: string) = IPAddress.Parse text
                let peers = List.map address [ "127.0.0.7"; "192.0.2.1"; "127.0.0.2" ]

                let from source =
                    through IPAddress.Loopback peers (address source)

                Expect.equal (from "127.0.0.2") 200 "the last of the peers"
                Expect.equal (from "127.0.0.7") 200 "the first of the peers"
                Expect.isLessThan (from "127.0.0.3") 20 "a stranger"
                let six = IPAddress.IPv6Loopback
                Expect.equal (through six [ address "2001:db8::1"; six ] six) 200 "a peer on IPv6"
                Expect.isLessThan (through six [ address "::2" ] six) 20 "a stranger on IPv6"
            }
        ]
