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
        Balancers = [||]
        Limits = [||]
        Origins = [||]
        Hosts = [||]
        Paths = [||]
        Outward = List.toArray outward
        StrictOutbound = false
        StrictPath = false
        Tokens = ValueNone
        UnsafeBearer = false
        HandshakeTokens = [||]
        UnsafeNoAuth = false
        Inbound = "known"
        UserStarts = "300,6000,50000,500,600"
        PeerStarts = "20,120,500,60,40"
        UserCalls = "100,6000"
        PeerCalls = "10,600"
        Digest = "all"
        MessageBytes = 65536
        Secret = Array.init 32 byte
        Epoch = 1UL
        Born = 0L<s>
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

/// Wishes that are good, with some of their letters changed, lost, doubled or swapped.
let private mutated =
    let text (good: string) =
        gen {
            let! kind = Gen.frequency [ 30, Gen.constant 0; 1, Gen.choose (1, 4) ]
            let! at = Gen.choose (0, max 0 (good.Length - 1))

            let! letter =
                Gen.elements
                    [ ':'; '='; '0'; '9'; '*'; ' '; '\r'; '\n'; '\000'; 'x'; '['; '.'; '-'; '/' ]

            return
                match kind with
                | 0 -> good
                | 1 -> good.Insert(at, string letter)
                | 2 when good <> "" -> good.Remove(at, 1)
                | 3 -> good + good
                | _ when good <> "" -> good.Remove(at, 1).Insert(at, string letter)
                | _ -> string letter
        }

    let texts all =
        gen {
            let! some = Gen.subListOf all
            let! mutated = some |> List.map text |> Gen.sequenceToList
            return List.toArray mutated :> IReadOnlyList<string>
        }

    gen {
        let! listen =
            texts
                [
                    "udp:127.0.0.1:5060"
                    "tls:192.0.2.1:5061=sip.test"
                    "ws:0.0.0.0:80"
                    "tcp:127.0.0.1:5060"
                ]

        let! peers = texts [ "udp:192.0.2.7:5060"; "tls:192.0.2.8:5061" ]
        let! domains = texts [ "sip.test"; "192.0.2.1" ]
        let! barred = texts [ "10.0.0.0/8"; "2001:db8::/32" ]
        let! upstreams = texts [ "sip:registrar.test"; "udp:192.0.2.9:5060" ]
        let! origins = texts [ "https://app.test"; "*" ]
        let! back = text "supported"
        let! digest = text "all"
        let! advertise = text "edge.test"

        let! size =
            Gen.elements [ 0; 1023; 1024; 1025; 4096; 65536; 65537; 1048576; 1048577; -1 ]

        let! isUnsafe = Gen.elements [ true; false ]
        let! inbound = Gen.elements [ "known"; "known"; "anybody"; "nobody" ]

        return
            { wishes [] with
                Listen = listen
                Peers = peers
                Domains = domains
                Barred = barred
                Upstreams = upstreams
                Origins = origins
                UpstreamPath = back
                Digest = digest
                Advertise = advertise
                MessageBytes = size
                UnsafeNoAuth = isUnsafe
                Inbound = inbound
            }
    }

/// What is ready is all that was asked for and nothing weaker; what is not is explained, option by option.
let private isHonest (wishes: Wishes) =
    match Setup.configure wishes with
    | Configured.Invalid problems ->
        problems.Count > 0
        && problems
           |> Seq.forall (fun words -> words.StartsWith "--" && words.Contains ": ")
    | Configured.Ready setup ->
        setup.Realm.Listeners.Length = wishes.Listen.Count
        && setup.Realm.Peers.Length = wishes.Peers.Count
        && setup.Realm.Barred.Length = wishes.Barred.Count
        && (wishes.Domains.Count = 0 || setup.Realm.Domains.Length = wishes.Domains.Count)
        && (setup.Realm.Admittance = Admittance.UnsafeOpen) = wishes.UnsafeNoAuth
        && (setup.Realm.Inbound = Inbound.Anybody) = (wishes.Inbound = "anybody")
        && (wishes.Inbound <> "anybody" || wishes.Upstreams.Count = 0)
        && (Seq.exists
                (fun (sentence: string) -> sentence.Contains "--inbound anybody")
                (Explaining.sentences setup)
                =
                (wishes.Inbound = "anybody"))
        && wishes.MessageBytes >= 1024
        && wishes.MessageBytes <= 1048576
        && setup.Openings
           |> Seq.forall (fun opening ->
               (opening.Rules.Handshake.Origins = Sip.Wire.Origins.AnyOrigin) =
                   Seq.contains "*" wishes.Origins)
        && (Seq.exists
                (fun (sentence: string) -> sentence.Contains "nobody has to sign in")
                (Explaining.sentences setup)
                =
                wishes.UnsafeNoAuth)

let private options =
    [
        "--listen"
        "--advertise"
        "--pages"
        "--certificate"
        "--unsafe-no-auth"
        "--data"
        "--upstream-path"
    ]

let private mistyped =
    gen {
        let! word = Gen.elements options
        let! at = Gen.choose (2, word.Length - 1)
        let! letter = Gen.elements [ 'q'; 'z'; '7' ]

        let! wrong =
            Gen.elements
                [
                    word.Remove(at, 1)
                    word.Insert(at, string letter)
                    word.Remove(at, 1).Insert(at, string letter)
                ]

        return word, wrong
    }

let private mutations =
    [
        Law.holdsMeeting
            [ true; false ]
            "mutated wishes are either all fulfilled and nothing weaker, or every one that is wrong is named"
            (Arb.fromGen mutated)
            (fun wishes ->
                if isHonest wishes then
                    match Setup.configure wishes with
                    | Configured.Ready _ -> ValueSome true
                    | Configured.Invalid _ -> ValueSome false
                else
                    ValueNone)
        Law.holds
            "an option with one letter wrong is answered with the option that was meant"
            (Arb.fromGen mistyped)
        <| fun (word, wrong) -> Suggestion.nearest options wrong = ValueSome word
    ]

let all =
    testList
        "Setup"
        [
            Law.holds
                "what listens beyond loopback is never advertised as loopback"
                mixtures
                neverLoopback
            Law.holds "every listener has exactly one socket" listeners eachHasItsSocket
            yield! mutations
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
