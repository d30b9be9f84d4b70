// CertificateLaws: which certificate is shown, what becomes of it when files change, and for whom one speaks.

module Sip.Properties.CertificateLaws

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Identity
open Sip.Routing
open Sip.Edge

let private now = DateTimeOffset(2026, 11, 25, 12, 0, 0, TimeSpan.Zero)

let private names =
    Gen.elements [ "a.test"; "b.test"; "x.a.test"; "*.a.test"; "*.b.test"; "C.TEST"; "" ]

let private keys =
    Gen.elements [ KeyKind.Ecdsa; KeyKind.Rsa 2048; KeyKind.Rsa 1024; KeyKind.Other "DSA" ]

let private certificate =
    gen {
        let! names = Gen.listOf names
        let! key = keys
        let! from = Gen.choose (-40, 10)
        let! length = Gen.choose (0, 60)
        let before = now.AddDays(float from)
        let after = before.AddDays(float length)
        return Certificate.make names [] [] "common.test" before after key
    }

let private found =
    gen {
        let! source = Gen.elements [ "one"; "two"; "three"; "four" ]
        let! certificate = certificate

        return!
            Gen.frequency
                [
                    3,
                    Gen.constant (
                        Found.Pair
                            {
                                Source = source
                                Certificate = certificate
                                Pair = Guid.NewGuid()
                            }
                    )
                    1, Gen.constant (Found.Broken(source, "broken"))
                ]
    }

let private source (one: Found<Guid>) =
    match one with
    | Found.Pair held -> held.Source
    | Found.Broken(source, _) -> source

/// What is found one time after another, each source at most once a time.
let private rounds =
    Arb.fromGen (Gen.nonEmptyListOf (Gen.map (List.distinctBy source) (Gen.listOf found)))

let private play (rounds: Found<Guid> list list) =
    rounds
    |> List.scan
        (fun (shown: Held<Guid> list, _) found ->
            let renewal = Renewal.decide now shown found
            List.ofSeq renewal.Shown, Some(shown, found, renewal))
        ([], None)
    |> List.choose snd

let private isFit (held: Held<Guid>) =
    (Certificate.misfit now held.Certificate).IsNone

let private files =
    let part = Gen.elements [ "a"; "b"; "fullchain"; "privkey"; "chain" ]
    let ending = Gen.elements [ ".pem"; ".crt"; ".key"; ".txt"; "" ]
    let folder = Gen.elements [ ""; "x/"; "y/" ]

    Gen.map3 (fun folder part ending -> folder + part + ending) folder part ending
    |> Gen.listOf
    |> Gen.map List.distinct
    |> Arb.fromGen

let private paired (files: string list) =
    let found = PairFiles.among files

    let isOwn (pair: PairFile) =
        List.contains pair.Certificate files
        && List.contains pair.Key files
        && (pair.Certificate.Replace("fullchain.pem", "privkey.pem") = pair.Key
            || IO.Path.ChangeExtension(pair.Certificate, ".key") = pair.Key)

    Seq.forall isOwn found.Pairs
    && Seq.forall
        (fun alone ->
            Seq.forall
                (fun (pair: PairFile) -> pair.Certificate <> alone && pair.Key <> alone)
                found.Pairs)
        found.Alone

let private certificates = Gen.nonEmptyListOf certificate

let private asked =
    Gen.elements [ "a.test"; "x.a.test"; "y.a.test."; "B.Test"; "z"; ""; ".."; "*.a.test" ]

let private bears (name: string) (certificate: Certificate) =
    match certificate.Names with
    | [] -> certificate.CommonName = name
    | names -> List.contains name names

let private chosen (all: Certificate list) (name: string) =
    let showing = Showing.ofCertificates all
    let group = showing.Groups[Showing.choose showing name]
    all[group[0]]

let private exactFirst (all: Certificate list, asked: string) =
    let name = asked.ToLowerInvariant().TrimEnd '.'
    let shown = chosen all asked

    if List.exists (bears name) all then
        bears name shown
    else
        match name.IndexOf '.' with
        | dot when dot > 0 && List.exists (bears ("*" + name.Substring dot)) all ->
            bears ("*" + name.Substring dot) shown
        | _ -> Set.ofList shown.Names = Set.ofList all.Head.Names

let private ecdsaFirst (all: Certificate list, asked: string) =
    let shown = chosen all asked

    shown.Key = KeyKind.Ecdsa
    || not (
        all
        |> List.exists (fun other ->
            other.Key = KeyKind.Ecdsa && Set.ofList other.Names = Set.ofList shown.Names)
    )

let private named names uris common =
    Certificate.make names [] uris common now now KeyKind.Ecdsa

let private speaks =
    testList
        "for whom a certificate speaks"
        [
            let is expected words host certificate =
                testCase words
                <| fun () ->
                    Expect.equal (SipDomain.bears (Host.Name host) certificate) expected words

            is true "a DNS name is a SIP domain" "a.test" (named [ "A.test" ] [] "")
            is false "a wildcard is no SIP domain's" "x.a.test" (named [ "*.a.test" ] [] "")
            is false "not even the wildcard's own text is" "*.a.test" (named [ "*.a.test" ] [] "")
            is true "a SIP URI names a domain" "a.test" (named [] [ "sip:a.test" ] "")

            is
                false
                "DNS names do not count beside a SIP URI"
                "b.test"
                (named [ "b.test" ] [ "sip:a.test" ] "")

            is
                true
                "a URI of another scheme counts for nothing"
                "b.test"
                (named [ "b.test" ] [ "https://a.test/" ] "")

            is
                false
                "a SIP URI with a user names no domain"
                "a.test"
                (named [] [ "sip:alice@a.test" ] "")

            is false "nor does a SIPS URI" "a.test" (named [] [ "sips:a.test" ] "")

            is
                true
                "a common name counts where there is nothing else"
                "a.test"
                (named [] [] "A.test")

            is
                false
                "a common name does not count beside DNS names"
                "a.test"
                (named [ "b.test" ] [] "a.test")

            is
                false
                "a name that only begins or ends alike is another"
                "a.test"
                (named [ "aa.test"; "a.test.evil" ] [] "")
        ]

let private loopback = Address.ofV4 0x7F000001u
let private carrier = Address.ofV4 0xC0000264u

let private trunk peers =
    { SetupLaws.wishes [ "tls:127.0.0.1:5061" ] with
        Trunks = [| "tls:127.0.0.1:5063" |]
        Peers = List.toArray peers
        Resolved =
            dict [ "carrier.test", [| carrier |] :> Collections.Generic.IReadOnlyList<Address> ]
            |> Collections.Generic.Dictionary
    }

let private flow listener address : Flow =
    {
        Listener = ListenerId listener
        Transport = Transport.Tls
        Connection = 7L
        Remote = { Address = address; Port = 40000 }
    }

let private trunks =
    testList
        "listeners for trunks"
        [
            testCase "a peer that is known by its certificate is known by it alone"
            <| fun () ->
                match Setup.configure (trunk [ "tls:carrier.test:5061" ]) with
                | Configured.Invalid problems -> failtest (String.Join("; ", problems))
                | Configured.Ready setup ->
                    let realm = setup.Realm

                    Expect.isTrue
                        (Realm.isPeer realm (flow 1 loopback))
                        "whoever got into the trunk's listener"

                    Expect.isFalse (Realm.isPeer realm (flow 0 carrier)) "not its address elsewhere"

                    Expect.isTrue
                        (Realm.isCertified realm (named [ "carrier.test" ] [] ""))
                        "its certificate"

                    Expect.isFalse
                        (Realm.isCertified realm (named [ "*.test" ] [] "carrier.test"))
                        "no other"
            testCase "a call to such a peer leaves by the trunk's listener, any other does not"
            <| fun () ->
                match Setup.configure (trunk [ "tls:carrier.test:5061" ]) with
                | Configured.Invalid problems -> failtest (String.Join("; ", problems))
                | Configured.Ready setup ->
                    let leaves host =
                        Realm.towards
                            setup.Realm
                            (Hop.Dial
                                {
                                    Transport = Dialled.Tls
                                    Address = carrier
                                    Port = 5061
                                    Domain = host
                                })
                        |> ValueOption.map _.Id

                    Expect.equal
                        (leaves (Host.Name "carrier.test"))
                        (ValueSome(ListenerId 1))
                        "to the peer"

                    Expect.equal
                        (leaves (Host.Name "other.test"))
                        (ValueSome(ListenerId 0))
                        "to another name there"

                    Expect.equal
                        (leaves (Host.Address carrier))
                        (ValueSome(ListenerId 0))
                        "to its address without a name"
            testCase "a listener for trunks is TLS, on a port of its own, for somebody"
            <| fun () ->
                let problems wishes =
                    match Setup.configure wishes with
                    | Configured.Invalid problems -> String.Join("; ", problems)
                    | Configured.Ready _ -> ""

                Expect.stringContains (problems (trunk [])) "nobody is meant" "no peer"

                Expect.stringContains
                    (problems (trunk [ "tls:192.0.2.100:5061" ]))
                    "nobody is meant"
                    "an address has no certificate of its own"

                let there place =
                    problems
                        { trunk [ "tls:carrier.test:5061" ] with
                            Trunks = [| place |]
                        }

                Expect.stringContains
                    (there "udp:127.0.0.1:5063")
                    "trunks come by TLS"
                    "another transport"

                Expect.stringContains (there "tls:127.0.0.1:5061") "stands there twice" "the same"

                Expect.stringContains
                    (problems
                        { trunk [ "tls:carrier.test:5061" ] with
                            Listen = [| "wss:127.0.0.1:5063" |]
                        })
                    "a port of its own"
                    "shared with WebSockets"
        ]

let all =
    testList
        "Certificates"
        [
            Law.holds
                "what is shown is good at that time, whatever the files were"
                rounds
                (fun rounds ->
                    play rounds
                    |> List.forall (fun (_, _, renewal) -> Seq.forall isFit renewal.Shown))
            Law.holds
                "a pair that is not fit never takes the place of the one that was shown"
                rounds
                (fun rounds ->
                    play rounds
                    |> List.forall (fun (before, found, renewal) ->
                        before
                        |> List.forall (fun old ->
                            let next =
                                renewal.Shown
                                |> Seq.filter (fun held -> held.Source = old.Source)
                                |> List.ofSeq

                            let isReplaced =
                                found
                                |> List.exists (fun one ->
                                    match one with
                                    | Found.Pair held -> held.Source = old.Source && isFit held
                                    | Found.Broken _ -> false)

                            next.Length = 1 && (isReplaced || next = [ old ]))))
            Law.holds
                "every pair that was found is either taken or refused in words"
                rounds
                (fun rounds ->
                    play rounds
                    |> List.forall (fun (_, found, renewal) ->
                        renewal.Taken.Count + renewal.Refused.Count = found.Length
                        && Seq.forall (fun (words: string) -> words.Contains ": ") renewal.Refused))
            Law.holds
                "the certificate that bears the very name is shown, else one whose wildcard covers it, else the first"
                (Arb.fromGen (Gen.zip certificates asked))
                exactFirst
            Law.holds
                "of the same names the ECDSA key is shown first"
                (Arb.fromGen (Gen.zip certificates asked))
                ecdsaFirst
            Law.holds
                "any text that a client asks for has a certificate"
                (Arb.fromGen (
                    Gen.zip
                        certificates
                        (ArbMap.defaults
                         |> ArbMap.generate<NonEmptyString>
                         |> Gen.map (fun (NonEmptyString text) -> text))
                ))
                (fun (all, name) -> List.contains (chosen all name) all)
            Law.holds
                "a pair of a folder is a certificate with the key of its own name"
                files
                paired
            speaks
            trunks
        ]
