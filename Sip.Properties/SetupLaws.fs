// SetupLaws: what is true of every set of wishes: a realm that others can reach, or every problem.

module Sip.Properties.SetupLaws

open System.Collections.Generic
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Routing
open Sip.Edge

let private outward = [ Address.ofV4 0xC0000207u ]

/// Wishes for these listeners, and nothing else.
let wishes (listen: string list) : Wishes =
    {
        Listen = List.toArray listen
        Trunks = [||]
        Advertise = ""
        Domains = [||]
        Peers = [||]
        Resolved = Dictionary<string, IReadOnlyList<Address>>()
        Upstreams = [||]
        UpstreamPath = "supported"
        Barred = [||]
        Limits = [||]
        Balancers = [||]
        Origins = [||]
        Hosts = [||]
        Paths = [||]
        Outward = List.toArray outward
        StrictOutbound = false
        StrictPath = false
        UnsafeNoAuth = false
        Digest = "all"
        MessageBytes = 65536
        Secret = Array.init 32 byte
        Epoch = 1UL
    }

let private addresses =
    Gen.elements [ "127.0.0.1"; "[::1]"; "0.0.0.0"; "[::]"; "192.0.2.7"; "[2001:db8::7]" ]

let private polite =
    gen {
        let! transport = Gen.elements [ "udp"; "tcp"; "tls"; "ws"; "wss" ]
        let! address = addresses
        let! port = Gen.choose (1, 65535)
        return String.concat ":" [ transport; address; string port ]
    }

let private hostile =
    Gen.elements
        [
            ""
            "udp"
            "udp:"
            "udp:127.0.0.1"
            "sctp:127.0.0.1:5060"
            "udp:127.0.0.1:0"
            "udp:127.0.0.1:65536"
            "udp:sip.example.com:5060"
            "udp:0.0.0.0:5060=127.0.0.1"
            "ws:192.0.2.7:80=localhost"
            "udp:127.0.0.1:5060=a b"
        ]

let private listeners = Arb.fromGen (Gen.listOf polite)
let private mixtures = Arb.fromGen (Gen.listOf (Gen.oneof [ polite; hostile ]))

let private isLoopback (host: Host) =
    match host with
    | Host.Address address -> Address.isLoopback address || Address.isUnspecified address
    | Host.Name name -> name = "localhost"

let private neverLoopback (listen: string list) =
    match Setup.configure (wishes listen) with
    | Configured.Invalid _ -> true
    | Configured.Ready setup ->
        setup.Realm.Listeners
        |> Array.forall (fun listener ->
            Address.isLoopback listener.Bound.Address
            || not (isLoopback listener.AdvertisedHost))

let private eachHasItsSocket (listen: string list) =
    match Setup.configure (wishes listen) with
    | Configured.Invalid _ -> true
    | Configured.Ready setup ->
        setup.Realm.Listeners
        |> Array.forall (fun listener ->
            setup.Openings
            |> Seq.filter (fun opening ->
                opening.Bound = listener.Bound
                && (opening.Sip = ValueSome listener.Id
                    || opening.WebSocket = ValueSome listener.Id))
            |> Seq.length
                =
                1)

let private everyProblem (listen: string list, bad: string) =
    match Setup.configure (wishes (bad :: listen)) with
    | Configured.Ready _ -> false
    | Configured.Invalid problems ->
        problems |> Seq.exists (fun problem -> problem.StartsWith("--listen " + bad))

let private named (text: string) =
    match Setup.configure (wishes [ text ]) with
    | Configured.Ready setup ->
        let listener = setup.Realm.Listeners[0]
        Host.print listener.AdvertisedHost + ":" + string listener.AdvertisedPort
    | Configured.Invalid problems -> Seq.head problems

let all =
    testList
        "Setup"
        [
            Law.holds
                "what listens beyond loopback is never advertised as loopback"
                mixtures
                neverLoopback
            Law.holds "every listener has exactly one socket" listeners eachHasItsSocket
            Law.holds
                "a wish that cannot be granted is named among the problems"
                (Arb.fromGen (Gen.zip (Gen.listOf polite) hostile))
                everyProblem
            testCase "a wildcard is advertised as the address that reaches the world"
            <| fun () -> Expect.equal (named "udp:0.0.0.0:5060") "192.0.2.7:5060" "advertised"
            testCase "an advertised name and port are taken as they stand"
            <| fun () ->
                Expect.equal
                    (named "ws:0.0.0.0:8080=sip.example.com:443")
                    "sip.example.com:443"
                    "advertised"
            testCase "a wildcard of a family without a way out is refused with what to set"
            <| fun () -> Expect.stringContains (named "udp:[::]:5060") "--advertise" "problem"
            testCase "one port serves SIP and WebSocket, told apart by the first bytes"
            <| fun () ->
                match Setup.configure (wishes [ "tcp:127.0.0.1:80"; "ws:127.0.0.1:80" ]) with
                | Configured.Ready setup -> Expect.equal setup.Openings.Count 1 "sockets"
                | Configured.Invalid problems -> failtest (String.concat "; " problems)
            testCase "one port cannot be both with and without TLS"
            <| fun () ->
                match Setup.configure (wishes [ "tls:127.0.0.1:80"; "ws:127.0.0.1:80" ]) with
                | Configured.Ready _ -> failtest "was granted"
                | Configured.Invalid problems ->
                    Expect.stringContains (Seq.head problems) "TLS" "problem"
        ]
