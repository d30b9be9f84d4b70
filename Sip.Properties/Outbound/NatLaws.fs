// NatLaws: what is true of the findings about address translation, and of the signs of life that keep a
// translator's way open.

namespace Sip.Properties.Outbound

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Wire
open Sip.Registrar
open Sip.Routing
open Sip.Properties

/// The laws of Nat, Cidr and KeepAlive.
[<RequireQualifiedAccess>]
module NatLaws =

    let private addresses =
        Gen.oneof
            [
                Gen.map (uint32 >> Address.ofV4) (Gen.choose (Int32.MinValue, Int32.MaxValue))
                Gen.elements
                    [
                        Address.ofV4 0x0A000001u
                        Address.ofV4 0xC0A80001u
                        Address.ofV4 0xAC1FFFFFu
                        Address.ofV4 0x64400001u
                        Address.ofV4 0xC0000001u
                        (Address.tryV6 "fd00::1").Value
                        (Address.tryV6 "2001:db8::1").Value
                    ]
            ]

    let private hosts =
        Gen.oneof
            [
                Gen.map Host.Address addresses
                Gen.elements [ Host.Name "x.invalid"; Host.Name "phone.example.test" ]
            ]

    let private ports = Gen.elements [ 5060; 5061; 40000 ]

    let private facts =
        gen {
            let! flow = Addresses.flow
            let! address = addresses
            let! port = ports

            let source =
                { flow with
                    Remote = { Address = address; Port = port }
                }

            let! via =
                Gen.oneof [ Gen.zip hosts ports; Gen.constant (Host.Address address, port) ]

            let! contact =
                Gen.oneof [ Gen.constant ValueNone; Gen.map ValueSome (Gen.zip hosts ports) ]

            let! media = Gen.listOf (Gen.oneof [ addresses; Gen.constant address ])

            let! onward =
                Gen.oneof
                    [
                        Gen.constant ValueNone
                        Gen.map2
                            (fun hop host ->
                                ValueSome(
                                    hop,
                                    { Uri.ofUser "bob" host with
                                        Port = ValueSome 5060
                                    }
                                ))
                            (Gen.oneof
                                [
                                    Gen.map Hop.Flow Addresses.flow
                                    Gen.map2
                                        (fun address host ->
                                            Hop.Dial
                                                {
                                                    Transport = Dialled.Udp
                                                    Address = address
                                                    Port = 5060
                                                    Domain = host
                                                })
                                        addresses
                                        hosts
                                ])
                            hosts
                    ]

            return
                {
                    Source = source
                    SentBy = via
                    Contact = contact
                    Media = media
                    Onward = onward
                }
        }

    let private all' = Arb.fromGen facts

    let private every =
        [
            Finding.PrivateContact
            Finding.SentByDiffers
            Finding.PrivateSentBy
            Finding.PrivateMedia
            Finding.SourcePortDiffers
            Finding.PrivateSource
            Finding.WebSocket
            Finding.ContactPortDiffers
            Finding.MediaDiffers
            Finding.TargetDiffers
        ]

    let private bits =
        testCase "each finding has a bit of its own, from 1 to 512"
        <| fun () ->
            Expect.equal
                (List.map Nat.bit every)
                [ 1; 2; 4; 8; 16; 32; 64; 128; 256; 512 ]
                "in the order of nat_uac_test"

    // Whoever is where it says it is: the law's other half, that each lie is found, is in the ones
    // that follow.
    let private honest =
        Law.holds "a client that is where it says it is leaves no finding" all'
        <| fun facts ->
            let flow =
                { facts.Source with
                    Transport = Transport.Udp
                    Remote.Address = Address.ofV4 0xCB007107u
                }

            let here = Host.Address flow.Remote.Address, flow.Remote.Port

            Nat.findings
                {
                    Source = flow
                    SentBy = here
                    Contact = ValueSome here
                    Media = [ flow.Remote.Address ]
                    Onward = ValueNone
                }
                =
                Set.empty

    let private browser =
        Law.holds "a WebSocket is found by the flow alone, whatever the message says" all'
        <| fun facts ->
            Set.contains Finding.WebSocket (Nat.findings facts) =
                Transport.isWebSocket facts.Source.Transport

    let private addressesDiffer =
        Law.holds "a name in a Via or another address differs from the source" all'
        <| fun facts ->
            let found = Nat.findings facts

            Set.contains Finding.SentByDiffers found =
                (fst facts.SentBy <> Host.Address facts.Source.Remote.Address)
            && Set.contains Finding.SourcePortDiffers found =
                (snd facts.SentBy <> facts.Source.Remote.Port)

    let private privacy =
        Law.holds "nothing is found private in a message that names public addresses only" all'
        <| fun facts ->
            let isPublic host =
                match host with
                | Host.Address address -> not (Cidr.isPrivate address)
                | Host.Name _ -> true

            let contact =
                match facts.Contact with
                | ValueSome(host, _) -> isPublic host
                | ValueNone -> true

            let found = Nat.findings facts
            let has finding = Set.contains finding found

            has Finding.PrivateContact = not contact
            && has Finding.PrivateSentBy = not (isPublic (fst facts.SentBy))
            && has Finding.PrivateMedia = List.exists Cidr.isPrivate facts.Media
            && has Finding.PrivateSource = Cidr.isPrivate facts.Source.Remote.Address

    let private fewer =
        Law.holds "a message without Contact and media has no finding about them" all'
        <| fun facts ->
            let found =
                Nat.findings
                    { facts with
                        Contact = ValueNone
                        Media = []
                        Onward = ValueNone
                    }

            Set.isSubset
                found
                (Set.ofList
                    [
                        Finding.SentByDiffers
                        Finding.PrivateSentBy
                        Finding.SourcePortDiffers
                        Finding.PrivateSource
                        Finding.WebSocket
                    ])
            && Set.isSubset found (Nat.findings facts)

    let private message (facts: NatFacts) =
        let host, port = facts.SentBy

        let contact =
            match facts.Contact with
            | ValueSome(host, port) ->
                String.Concat("m: <sip:a@", Host.print host, ":", string port) + ">\r\n"
            | ValueNone -> ""

        let line address =
            (if Address.isV4 address then "c=IN IP4 " else "c=IN IP6 ")
            + Address.print address
            + "\r\n"

        let body = "v=0\r\n" + (facts.Media |> List.map line |> String.Concat)

        let text =
            "INVITE sip:bob@example.test SIP/2.0\r\nVia: SIP/2.0/UDP "
            + Host.print host
            + ":"
            + string port
            + ";branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:bob@example.test>\r\n"
            + "Call-ID: 1@x\r\nCSeq: 1 INVITE\r\n"
            + contact
            + "Content-Length: "
            + string body.Length
            + "\r\n\r\n"
            + body

        match Reading.message Limits.usual (ReadOnlySpan(Text.toBytes text)) with
        | Arrival.Message message -> message
        | Arrival.Broken(fault, _) -> failtest $"%A{fault} in\n%s{text}"

    let private reading =
        Law.holds "the facts read from a message are those that it was written from" all'
        <| fun facts ->
            Nat.facts facts.Source facts.Onward (message facts) =
                { facts with
                    Media = List.distinct facts.Media
                }

    let private translated =
        Law.holds
            "whose Via names another host or port than the source is found translated without a finding made"
            all'
        <| fun facts ->
            let found = Nat.findings facts

            let isFound =
                found.Contains Finding.SentByDiffers || found.Contains Finding.SourcePortDiffers

            Nat.isTranslated facts.Source.Remote (message facts) = isFound

    let private ranges =
        Law.holds
            "a range holds the addresses that agree with it in its bits, and no others"
            (Arb.fromGen (Gen.zip3 addresses addresses (Gen.choose (0, 128))))
        <| fun (one, other, bits) ->
            let whole =
                Address.print
                    { one with
                        High = one.High ||| 1UL <<< 63
                    }

            let one = (Address.tryV6 whole).Value
            let range = (Cidr.tryRead (whole + "/" + string bits)).Value

            let word (a: Address) = UInt128(a.High, a.Low)

            let agrees = bits = 0 || (word one >>> (128 - bits)) = (word other >>> (128 - bits))

            Cidr.holds range one && Cidr.holds range other = agrees

    let private badRanges =
        testCase "what is no range is none"
        <| fun () ->
            for text in [ ""; "/"; "10.0.0.0/33"; "10.0.0/8"; "::/129"; "x/8"; "10.0.0.0/-1" ] do
                Expect.equal (Cidr.tryRead text) ValueNone text

            for text, inside, outside in
                [
                    "10.0.0.0/8", "10.255.255.255", "11.0.0.0"
                    "172.16.0.0/12", "172.31.0.1", "172.32.0.1"
                    "192.0.2.7", "192.0.2.7", "192.0.2.8"
                ] do
                let range = (Cidr.tryRead text).Value
                Expect.isTrue (Cidr.holds range (Address.tryV4 inside).Value) inside
                Expect.isFalse (Cidr.holds range (Address.tryV4 outside).Value) outside

    let private interval = 30_000L<ms>

    let private due =
        Law.holds
            "a flow is due once in every interval, at its own place in it"
            (Arb.fromGen (Gen.zip Addresses.flow (Gen.choose (0, 1_000_000))))
        <| fun (flow, at) ->
            let now = Instant.FromMilliseconds(int64 at)
            let next = KeepAlive.next interval now flow

            next > now
            && next.Since now <= interval
            && KeepAlive.next interval next flow = next.After interval

    let private even =
        testCase "the signs of life of ten thousand clients are spread evenly"
        <| fun () ->
            let flows = Gen.sampleWithSeed (Rnd 1UL) 50 10_000 Addresses.flow

            let seconds =
                flows
                |> Array.countBy (fun flow ->
                    (KeepAlive.next interval (Instant.FromMilliseconds 0L) flow).Milliseconds
                    / 1000L)

            // 333 in each second; more than 450 or fewer than 230 would be a lump or a hole.
            Expect.isGreaterThanOrEqual seconds.Length 30 "every second has some"

            for second, count in seconds do
                if second < 30L then
                    Expect.isTrue (count < 450 && count > 230) $"%d{count} at second %d{second}"

    /// Every law.
    let all: Test =
        testList
            "Address translation"
            [
                bits
                honest
                browser
                addressesDiffer
                privacy
                fewer
                reading
                translated
                ranges
                badRanges
                due
                even
            ]
