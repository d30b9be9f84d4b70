// Zones: small pieces of the domain name system, and the loop that asks them until a URI is resolved.

namespace Sip.Properties.Locating

open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Routing

/// What there is, and what was asked of it.
type Zone = Map<Question, Answer>

/// Generators of zones, and resolving by them.
[<RequireQualifiedAccess>]
module Zones =

    let private names =
        [ "example.test"; "a.example.test"; "b.example.test"; "c.example.test" ]

    let private address (n: int) = Address.ofV4 (0xC6336400u + uint32 n)

    let private address6 (n: int) =
        {
            High = 0x20010db800000000UL
            Low = uint64 n
        }

    let private srv =
        gen {
            let! priority = Gen.choose (0, 2)
            let! weight = Gen.elements [ 0; 0; 1; 10; 100 ]
            let! port = Gen.elements [ 0; 5060; 5070; 5080 ]
            let! target = Gen.elements ("." :: "x.invalid" :: "A.example.test." :: names)

            return
                {
                    Priority = priority
                    Weight = weight
                    Port = port
                    Target = target
                }
        }

    let private naptr =
        gen {
            let! order = Gen.choose (1, 3)
            let! preference = Gen.choose (1, 3)

            let! service =
                Gen.elements [ "SIP+D2U"; "sip+d2t"; "SIPS+D2T"; "SIP+D2S"; "E2U+sip"; "SIPS+D2W" ]

            let! flags = Gen.elements [ "s"; "S"; "s"; "u" ]

            let! replacement =
                Gen.elements
                    [
                        "_sip._udp.example.test"
                        "_sip._tcp.example.test"
                        "_sips._tcp.example.test."
                    ]

            return
                {
                    Order = order
                    Preference = preference
                    Flags = flags
                    Service = service
                    Replacement = replacement
                }
        }

    let private few generator =
        Gen.choose (1, 5) >>= fun n -> Gen.listOfLength n generator

    let private or' answer =
        Gen.frequency
            [ 4, answer; 1, Gen.constant Answer.NoSuchName; 1, Gen.constant Answer.Failed ]

    let private questions =
        [
            Question.Naptr "example.test"
            for service in [ "_sip._udp"; "_sip._tcp"; "_sips._tcp" ] do
                Question.Srv(service + ".example.test")
            for name in names do
                Question.A name
                Question.Aaaa name
        ]

    let private answer (question: Question) : Gen<Answer> =
        match question with
        | Question.Naptr _ -> or' (Gen.map Answer.Naptr (few naptr))
        | Question.Srv _ -> or' (Gen.map Answer.Srv (few srv))
        | Question.A _ -> or' (Gen.map Answer.Addresses (few (Gen.map address (Gen.choose (1, 9)))))
        | Question.Aaaa _ ->
            or' (Gen.map Answer.Addresses (few (Gen.map address6 (Gen.choose (1, 9)))))

    /// Zones in which anything may be missing or fail.
    let zone: Gen<Zone> =
        questions
        |> List.map (fun q -> Gen.map (fun a -> q, a) (answer q))
        |> Gen.sequenceToList
        |> Gen.map Map.ofList

    /// What a server can do.
    let means: Gen<Means> =
        gen {
            let! transports =
                Gen.elements
                    [
                        [ Dialled.Udp; Dialled.Tcp; Dialled.Tls ]
                        [ Dialled.Tls; Dialled.Tcp ]
                        [ Dialled.Udp ]
                    ]

            let! families = Gen.elements [ Families.V4; Families.V6; Families.Both ]

            let! barred = Gen.elements [ []; []; [ (Cidr.tryRead "198.51.100.4/30").Value ] ]

            return
                {
                    Transports = transports
                    Families = families
                    Barred = barred
                }
        }

    /// URIs of that zone.
    let uri: Gen<SipUri> =
        gen {
            let! scheme = Gen.elements [ Scheme.Sip; Scheme.Sip; Scheme.Sips ]

            let! host =
                Gen.frequency
                    [
                        5, Gen.constant (Host.Name "example.test")
                        1, Gen.constant (Host.Name "x.invalid")
                        1, Gen.map (address >> Host.Address) (Gen.choose (1, 9))
                    ]

            let! port = Gen.elements [ ValueNone; ValueNone; ValueSome 5080 ]

            let! transport = Gen.elements [ ""; ""; ""; "udp"; "tcp"; "tls"; "ws"; "sctp" ]

            let! maddr =
                Gen.elements [ ""; ""; ""; ""; "a.example.test"; "y.invalid"; "192.0.2.1" ]

            let some name value : Parameters =
                if value = "" then
                    []
                else
                    [ { Name = name; Value = ValueSome value } ]

            return
                { Uri.ofUser "bob" host with
                    Scheme = scheme
                    Port = port
                    Parameters = some "transport" transport @ some "maddr" maddr
                }
        }

    /// What resolving came to, and every question of it in order.
    type Told =
        {
            Resolved: Resolved
            Rounds: Question list list
        }

    /// Resolves by a zone: names that it lacks are not there.
    let resolve (means: Means) (dice: Dice) (zone: Zone) (uri: SipUri) : Told =
        let answerOf question =
            Map.tryFind question zone |> Option.defaultValue Answer.NoSuchName

        let rec go (known: Zone) rounds =
            let know question =
                match Map.tryFind question known with
                | Some answer -> ValueSome answer
                | None -> ValueNone

            match Resolution.resolve means dice know uri with
            | Resolved.Ask questions when List.length rounds < 9 ->
                let known = questions |> List.fold (fun k q -> Map.add q (answerOf q) k) known

                go known (questions :: rounds)
            | resolved ->
                {
                    Resolved = resolved
                    Rounds = List.rev rounds
                }

        go Map.empty []
