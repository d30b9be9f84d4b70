// OrderLaws: in what order the servers of a domain are tried (RFC 2782, RFC 3263 §4.1).

namespace Sip.Properties.Locating

open System
open Expecto
open FsCheck.FSharp
open Sip
open Sip.Routing
open Sip.Properties

/// The laws of ServerOrder, and of the order that a domain declares.
[<RequireQualifiedAccess>]
module OrderLaws =

    let private server priority weight port : SrvRecord =
        {
            Priority = priority
            Weight = weight
            Port = port
            Target = "a.example.test"
        }

    let private records =
        gen {
            let! priority = Gen.choose (0, 3)
            let! weight = Gen.elements [ 0; 1; 3; 60 ]
            let! port = Gen.choose (1, 9)

            return server priority weight port
        }
        |> Gen.listOf

    let private arranged =
        Law.holds
            "servers are tried by priority, each of them once"
            (Arb.fromGen (Gen.zip records (Gen.choose (0, Int32.MaxValue))))
        <| fun (records, seed) ->
            let arranged = ServerOrder.arrange (Dice(uint64 seed)) records
            let priorities = arranged |> List.map _.Priority
            List.sort arranged = List.sort records && List.sort priorities = priorities

    let private weighted =
        testCase "a server of three times the weight comes first three times as often"
        <| fun () ->
            let both = [ server 0 10 5060; server 0 30 5060 ]

            let first seed =
                (ServerOrder.arrange (Dice(uint64 seed)) both).Head.Weight

            let heavy = Seq.init 10_000 first |> Seq.filter ((=) 30) |> Seq.length
            // The lot is drawn from 0 to 40: 30 of 41 times; four deviations are 180.
            Expect.isTrue (abs (heavy - 7317) < 200) $"%d{heavy} of 10000"

    let private declared =
        testCase "a domain's own order of transports is kept before ours"
        <| fun () ->
            let rule order service replacement =
                {
                    Order = order
                    Preference = 1
                    Flags = "s"
                    Service = service
                    Replacement = replacement
                }

            let at port = Answer.Srv [ server 1 1 port ]

            let zone =
                Map.ofList
                    [
                        Question.Naptr "example.test",
                        Answer.Naptr
                            [
                                rule 90 "SIP+D2U" "_sip._udp.example.test"
                                rule 50 "SIPS+D2T" "_sips._tcp.example.test"
                                rule 60 "SIP+D2T" "_sip._tcp.example.test"
                            ]
                        Question.Srv "_sips._tcp.example.test", at 5061
                        Question.Srv "_sip._tcp.example.test", at 5070
                        Question.Srv "_sip._udp.example.test", at 5080
                        Question.A "a.example.test", Answer.Addresses [ Address.ofV4 0xC6336401u ]
                    ]

            match (Cases.plain [ Dialled.Udp; Dialled.Tcp; Dialled.Tls ] zone).Resolved with
            | Resolved.To found ->
                Expect.equal
                    (found |> List.map (fun d -> d.Transport, d.Port))
                    [ Dialled.Tls, 5061; Dialled.Tcp, 5070; Dialled.Udp, 5080 ]
                    "as the domain orders them"
            | other -> failtest $"%A{other}"

    /// Every law.
    let all: Test =
        testList "Locating servers (RFC 3263)" [ arranged; weighted; declared ]
