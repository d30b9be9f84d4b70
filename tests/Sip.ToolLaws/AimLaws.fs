// AimLaws: whom the tools may be aimed at, and how they are told.

module Sip.ToolLaws.AimLaws

open System
open System.Net
open Expecto
open FsCheck.FSharp
open Sip
open Sip.Properties
open Sip.Tools.Load
open Sip.Tools.Probe

let private address =
    gen {
        let! bytes = Gen.arrayOfLength 4 (Gen.map byte (Gen.choose (0, 255)))
        let! isLoopback = Gen.elements [ true; false ]

        if isLoopback then
            bytes[0] <- 127uy

        return IPAddress bytes
    }

let private addresses = Arb.fromGen (Gen.nonEmptyListOf address)

let private onlyHere (addresses: IPAddress list) =
    Targets.MayAim("a.example", addresses, []) = List.forall IPAddress.IsLoopback addresses

let private unlessAllowed (addresses: IPAddress list) =
    Targets.MayAim("a.example", addresses, [ "b.example"; "A.Example" ])
    && Targets.MayAim("a.example", addresses, [ "b.example" ]) =
        List.forall IPAddress.IsLoopback addresses

let private places =
    gen {
        let! scheme, transport, tail =
            Gen.elements
                [
                    "ws://", Transport.Ws, "/a/b?c"
                    "wss://", Transport.Wss, "/"
                    "sip:", Transport.Udp, ""
                    "sip:", Transport.Udp, ";transport=udp"
                    "sip:", Transport.Tcp, ";transport=tcp"
                    "sip:", Transport.Tls, ";transport=TLS"
                    "sips:", Transport.Tls, ";transport=tcp"
                ]

        let! host = Gen.elements [ "a.example"; "127.0.0.1"; "[::1]" ]
        let! port = Gen.elements [ None; Some 1; Some 5080; Some 65535 ]
        return scheme, transport, tail, host, port
    }
    |> Arb.fromGen

let private isFound (scheme: string, transport, tail: string, host: string, port) =
    let written =
        match port with
        | Some number -> ":" + string number
        | None -> ""

    match Place.TryRead(scheme + host + written + tail) with
    | null -> false
    | place ->
        place.Transport = transport
        && place.Host = host.Trim('[', ']')
        && place.Port = Option.defaultValue (Transport.defaultPort transport) port
        && place.Path = (if tail.StartsWith '/' then tail else "/")

let private isTold (name: string) =
    let words = [| "call"; name; "\001" |]
    let struct (_, problems) = LoadOptions.Read(ReadOnlySpan words)
    Seq.exists (fun (problem: string) -> problem.Contains name) problems

let private numbers =
    Arb.fromGen (
        Gen.elements
            [
                "--rate"
                "--pairs"
                "--duration"
                "--transport"
                "--ports"
                "--refresh"
                "--of"
                "--none"
            ]
    )

let all =
    testList
        "Aiming"
        [
            Law.holds "without leave, only this machine is aimed at" addresses onlyHere
            Law.holds "leave is given by the host's name, and to no other" addresses unlessAllowed
            Law.holds "a place is what its URL says" places isFound
            Law.holds "what an option cannot be is told with its name" numbers isTold
        ]
