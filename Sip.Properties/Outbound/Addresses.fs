// Addresses: addresses of record, instances and flows such as meet at an edge.

namespace Sip.Properties.Outbound

open System
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Routing

/// Generators of what an edge deals with.
[<RequireQualifiedAccess>]
module Addresses =

    /// A secret that is no other's.
    let secret (number: int) : byte[] =
        Array.init 32 (fun i -> byte (i * 7 + number))

    /// The keys of one secret.
    let keys: Keyring = Keyring.ofSecret (secret 1)

    /// Addresses of record with users of every manner.
    let aor: Gen<SipUri> =
        gen {
            let! user =
                Gen.elements [ "alice"; "Alice"; "bob"; "+1555123"; "a%40b"; "c;d=e"; "f$g.h" ]

            let! host = Gen.elements [ "example.test"; "edge.example.test" ]
            return Uri.ofUser user (Host.Name host)
        }

    /// Instances as they are compared.
    let instance: Gen<string> =
        Gen.elements
            [
                "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
                "urn:uuid:0c67446e-f1a1-11d9-94d3-000a95a0e128"
                "urn:gsma:imei:90420156-025763-0"
                "urn:x:strange%3B\"one"
            ]

    /// Flows of every transport over the listeners of the laws' realm.
    let flow: Gen<Flow> =
        gen {
            let! listener, transport =
                Gen.elements
                    [
                        0, Transport.Udp
                        1, Transport.Tcp
                        2, Transport.Tls
                        3, Transport.Ws
                        4, Transport.Wss
                    ]

            let! number = Gen.choose (1, Int32.MaxValue)
            let! high = Gen.elements [ 0UL; 0x20010db800000000UL ]
            let! low = Gen.choose (1, Int32.MaxValue)
            let! port = Gen.choose (1, 65535)

            return
                {
                    Listener = ListenerId listener
                    Transport = transport
                    Connection =
                        (match transport with
                         | Transport.Udp -> 0L
                         | Transport.Tcp
                         | Transport.Tls
                         | Transport.Ws
                         | Transport.Wss -> int64 number)
                    Remote =
                        {
                            Address =
                                (if high = 0UL then
                                     Address.ofV4 (uint32 low)
                                 else
                                     { High = high; Low = uint64 low })
                            Port = port
                        }
                }
        }
