// ResolutionLaws: what is true of every way that a URI is resolved, and of what is tried after a failure
// (RFC 3263 §4, RFC 2782, RFC 3261 §18.1.1).

namespace Sip.Properties.Locating

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Routing
open Sip.Properties

/// The laws of Resolution, ServerOrder, Failover and DnsAnswers.
[<RequireQualifiedAccess>]
module ResolutionLaws =

    /// One case.
    type private Case =
        {
            Means: Means
            Dice: Dice
            Zone: Zone
            Uri: SipUri
        }

    let private case =
        gen {
            let! means = Zones.means
            let! seed = Gen.choose (0, Int32.MaxValue)
            let! zone = Zones.zone
            let! uri = Zones.uri

            return
                {
                    Means = means
                    Dice = Dice(uint64 seed)
                    Zone = zone
                    Uri = uri
                }
        }

    let private cases = Arb.fromGen case

    let private told (case: Case) =
        Zones.resolve case.Means case.Dice case.Zone case.Uri

    let private found (case: Case) : Destination list =
        match (told case).Resolved with
        | Resolved.To destinations -> destinations
        | Resolved.Ask _
        | Resolved.Nowhere _ -> []

    let private ends =
        Law.holds "resolving comes to an end within six rounds, and asks nothing twice" cases
        <| fun case ->
            let told = told case
            let asked = List.concat told.Rounds

            told.Rounds.Length <= 6
            && List.distinct asked = asked
            && (match told.Resolved with
                | Resolved.Ask _ -> false
                | Resolved.To destinations -> not destinations.IsEmpty
                | Resolved.Nowhere _ -> true)

    let private nameOf (question: Question) =
        match question with
        | Question.Naptr name
        | Question.Srv name
        | Question.A name
        | Question.Aaaa name -> name

    let private neverInvalid =
        Law.holds "nothing under .invalid is ever asked" cases
        <| fun case ->
            List.concat (told case).Rounds
            |> List.forall (fun q -> not ((nameOf q).EndsWith("invalid", StringComparison.Ordinal)))

    let private withoutAsking =
        Law.holds
            "an address is called without a question, at its own port or its transport's"
            cases
        <| fun case ->
            match case.Uri.Host, Parameters.has "maddr" case.Uri.Parameters with
            | Host.Address address, false ->
                let told = told case

                told.Rounds.IsEmpty
                && (found case)
                   |> List.forall (fun d ->
                       d.Address = address
                       && d.Port =
                           ValueOption.defaultValue
                               (Transport.defaultPort (Hop.dialled d.Transport))
                               case.Uri.Port)
            | (Host.Address _ | Host.Name _), _ -> true

    let private explicitPort =
        Law.holds "a port that is written is the one that is called, and no SRV is asked" cases
        <| fun case ->
            match case.Uri.Port with
            | ValueNone -> true
            | ValueSome port ->
                List.forall (fun (d: Destination) -> d.Port = port) (found case)
                && List.concat (told case).Rounds
                   |> List.forall (fun q ->
                       match q with
                       | Question.A _
                       | Question.Aaaa _ -> true
                       | Question.Naptr _
                       | Question.Srv _ -> false)

    let private explicitTransport =
        Law.holds "a transport that is written is the only one, and SIPS is TLS only" cases
        <| fun case ->
            let wanted =
                match Uri.said case.Uri with
                | Said.Exactly transport -> ValueSome transport
                | Said.WebSocket
                | Said.Nothing
                | Said.Unheard _ -> ValueNone

            found case
            |> List.forall (fun d ->
                let transport = Hop.dialled d.Transport

                List.contains d.Transport case.Means.Transports
                && (wanted.IsNone || wanted = ValueSome transport)
                && (case.Uri.Scheme = Scheme.Sip || d.Transport = Dialled.Tls))

    let private webSocket =
        Law.holds "a URI that says WebSocket or an unknown transport leads nowhere" cases
        <| fun case ->
            match Uri.said case.Uri with
            | Said.WebSocket
            | Said.Exactly(Transport.Ws | Transport.Wss)
            | Said.Unheard _ -> (told case).Rounds.IsEmpty && (found case).IsEmpty
            | Said.Exactly(Transport.Udp | Transport.Tcp | Transport.Tls)
            | Said.Nothing -> true

    let private fenced =
        Law.holds "no barred address is ever a destination, whatever a name resolves to" cases
        <| fun case ->
            let barred address =
                List.exists (fun range -> Cidr.holds range address) case.Means.Barred

            let open' =
                { case with
                    Means = { case.Means with Barred = [] }
                }

            let isBarred (d: Destination) = barred d.Address

            List.filter (isBarred >> not) (found open') = found case

    let private families =
        Law.holds "only addresses of a family that we reach are called by name" cases
        <| fun case ->
            match case.Uri.Host, Parameters.value "maddr" case.Uri.Parameters with
            | Host.Address _, _
            | _, ValueSome "192.0.2.1" -> true
            | Host.Name _, _ ->
                found case
                |> List.forall (fun d ->
                    match case.Means.Families with
                    | Families.V4 -> Address.isV4 d.Address
                    | Families.V6 -> not (Address.isV4 d.Address)
                    | Families.Both -> true)

    let private repeatable =
        Law.holds "the same answers and the same dice give the same destinations, none twice" cases
        <| fun case ->
            let one = found case
            one = found case && List.distinct one = one

    let private records =
        gen {
            let! priority = Gen.choose (0, 3)
            let! weight = Gen.elements [ 0; 1; 3; 60 ]
            let! port = Gen.choose (1, 9)

            return
                {
                    Priority = priority
                    Weight = weight
                    Port = port
                    Target = "a.example.test"
                }
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
            let server weight : SrvRecord =
                {
                    Priority = 0
                    Weight = weight
                    Port = 5060
                    Target = "a.example.test"
                }

            let first seed =
                (ServerOrder.arrange (Dice(uint64 seed)) [ server 10; server 30 ]).Head.Weight

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

            let server port : Answer =
                Answer.Srv
                    [
                        {
                            Priority = 1
                            Weight = 1
                            Port = port
                            Target = "a.example.test"
                        }
                    ]

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
                        Question.Srv "_sips._tcp.example.test", server 5061
                        Question.Srv "_sip._tcp.example.test", server 5070
                        Question.Srv "_sip._udp.example.test", server 5080
                        Question.A "a.example.test", Answer.Addresses [ Address.ofV4 0xC6336401u ]
                    ]

            let means =
                {
                    Transports = [ Dialled.Udp; Dialled.Tcp; Dialled.Tls ]
                    Families = Families.V4
                    Barred = []
                }

            let uri = Uri.ofUser "bob" (Host.Name "example.test")

            match (Zones.resolve means (Dice 1UL) zone uri).Resolved with
            | Resolved.To found ->
                Expect.equal
                    (found |> List.map (fun d -> d.Transport, d.Port))
                    [ Dialled.Tls, 5061; Dialled.Tcp, 5070; Dialled.Udp, 5080 ]
                    "as the domain orders them"
            | other -> failtest $"%A{other}"

    let private silence =
        testCase "a name that nobody answers for is told apart from one that is not there"
        <| fun () ->
            let means =
                {
                    Transports = [ Dialled.Udp ]
                    Families = Families.V4
                    Barred = []
                }

            let uri = Uri.ofUser "bob" (Host.Name "example.test")

            let silent = Map.ofList [ Question.A "example.test", Answer.Failed ]

            let resolve zone =
                (Zones.resolve means (Dice 1UL) zone uri).Resolved

            Expect.equal (resolve silent) (Resolved.Nowhere Astray.NoAnswer) "failed"
            Expect.equal (resolve Map.empty) (Resolved.Nowhere Astray.NoAddress) "absent"

    let private attempts =
        gen {
            let! status = Gen.elements [ 200; 404; 408; 480; 486; 500; 503; 600 ]

            return!
                Gen.elements
                    [
                        Attempt.Answered (Status.TryOf status).Value
                        Attempt.TimedOut
                        Attempt.Broke
                        Attempt.Withheld
                    ]
        }

    let private nextOne =
        Law.holds
            "after a timeout, a 503 or a broken connection the next destination is tried, else none"
            (Arb.fromGen (Gen.zip attempts case))
        <| fun (attempt, case) ->
            let rest = found case

            let fails =
                match attempt with
                | Attempt.Answered status -> List.contains status.Number [ 503; 408; 430 ]
                | Attempt.TimedOut
                | Attempt.Broke
                | Attempt.Withheld -> true

            match Failover.after attempt rest with
            | Next.Try(first, left) -> fails && first :: left = rest
            | Next.Settle -> not fails || rest.IsEmpty

    let private large =
        Law.holds
            "a request over the MTU rule goes by TCP first, and by UDP only behind it"
            (Arb.fromGen (
                Gen.zip3
                    case
                    (Gen.choose (1, 3000))
                    (Gen.elements [ ValueNone; ValueSome 1500<octet>; ValueSome 576<octet> ])
            ))
        <| fun (case, size, mtu) ->
            let size = size * 1<octet>

            let limit =
                match mtu with
                | ValueSome mtu -> mtu - 200<octet>
                | ValueNone -> 1300<octet>

            let before = found case
            let after = Failover.fit size mtu before

            if size <= limit then
                after = before
            else
                let isBehindTcp (one: Destination, two: Destination) =
                    two.Transport <> Dialled.Udp || one = { two with Transport = Dialled.Tcp }

                let leads =
                    match after with
                    | (first: Destination) :: _ -> first.Transport <> Dialled.Udp
                    | [] -> true

                leads
                && List.forall isBehindTcp (List.pairwise after)
                && List.forall (fun d -> List.contains d after) before

    let private ask = Question.A "example.test"
    let private now = Instant.FromMilliseconds 1000L

    let private answers =
        Gen.elements
            [
                Answer.Addresses [ Address.ofV4 1u ]
                Answer.Srv []
                Answer.NoSuchName
                Answer.Failed
            ]

    let private remembered =
        Law.holds
            "an answer counts for its time to live, an absence for a minute, a failure for seconds"
            (Arb.fromGen (Gen.zip answers (Gen.choose (0, 100000))))
        <| fun (answer, ttl) ->
            let ttl = int64 ttl

            let expected =
                match answer with
                | Answer.NoSuchName -> max 1L (min ttl 60L)
                | Answer.Failed -> 5L
                | Answer.Naptr _
                | Answer.Srv _
                | Answer.Addresses _ -> max 1L (min ttl 3600L)

            let known = DnsAnswers.empty 4 |> DnsAnswers.learn now ask answer (ttl * 1L<s>)
            let last = now.After(expected * 1000L<ms> - 1L<ms>)

            DnsAnswers.find last ask known = ValueSome answer
            && DnsAnswers.find (last.After 1L<ms>) ask known = ValueNone

    let private bounded =
        Law.holds
            "no more answers are kept than there is room for, and the newest always"
            (Arb.fromGen (Gen.nonEmptyListOf (Gen.zip (Gen.choose (1, 50)) (Gen.choose (1, 900)))))
        <| fun learned ->
            let learn known (name: int, ttl) =
                let question = Question.A(string name)

                let known =
                    DnsAnswers.learn now question Answer.NoSuchName (int64 ttl * 1L<s>) known

                if DnsAnswers.find now question known <> ValueSome Answer.NoSuchName then
                    failtest "the newest is lost"

                known

            DnsAnswers.count (List.fold learn (DnsAnswers.empty 7) learned) <= 7

    /// Every law.
    let all: Test =
        testList
            "Locating servers (RFC 3263)"
            [
                ends
                neverInvalid
                withoutAsking
                explicitPort
                explicitTransport
                webSocket
                fenced
                families
                repeatable
                arranged
                weighted
                declared
                silence
                nextOne
                large
                remembered
                bounded
            ]
