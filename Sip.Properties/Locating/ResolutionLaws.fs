// ResolutionLaws: what is true of every way that a URI is resolved (RFC 3263 §4).

namespace Sip.Properties.Locating

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Routing
open Sip.Properties

/// The laws of Resolution.
[<RequireQualifiedAccess>]
module ResolutionLaws =

    let private ends =
        Law.holds "resolving comes to an end within six rounds, and asks nothing twice" Cases.all
        <| fun case ->
            let told = Cases.told case
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
        Law.holds "nothing under .invalid is ever asked" Cases.all
        <| fun case ->
            List.concat (Cases.told case).Rounds
            |> List.forall (fun q -> not ((nameOf q).EndsWith("invalid", StringComparison.Ordinal)))

    let private withoutAsking =
        Law.holds
            "an address is called without a question, at its own port or its transport's"
            Cases.all
        <| fun case ->
            match case.Uri.Host, Parameters.has "maddr" case.Uri.Parameters with
            | Host.Address address, false ->
                let told = Cases.told case

                told.Rounds.IsEmpty
                && (Cases.found case)
                   |> List.forall (fun d ->
                       d.Address = address
                       && d.Port =
                           ValueOption.defaultValue
                               (Transport.defaultPort (Hop.dialled d.Transport))
                               case.Uri.Port)
            | (Host.Address _ | Host.Name _), _ -> true

    let private explicitPort =
        Law.holds "a port that is written is the one that is called, and no SRV is asked" Cases.all
        <| fun case ->
            match case.Uri.Port with
            | ValueNone -> true
            | ValueSome port ->
                List.forall (fun (d: Destination) -> d.Port = port) (Cases.found case)
                && List.concat (Cases.told case).Rounds
                   |> List.forall (fun q ->
                       match q with
                       | Question.A _
                       | Question.Aaaa _ -> true
                       | Question.Naptr _
                       | Question.Srv _ -> false)

    let private explicitTransport =
        Law.holds "a transport that is written is the only one, and SIPS is TLS only" Cases.all
        <| fun case ->
            let wanted =
                match Uri.said case.Uri with
                | Said.Exactly transport -> ValueSome transport
                | Said.WebSocket
                | Said.Nothing
                | Said.Unheard _ -> ValueNone

            Cases.found case
            |> List.forall (fun d ->
                let transport = Hop.dialled d.Transport

                List.contains d.Transport case.Means.Transports
                && (wanted.IsNone || wanted = ValueSome transport)
                && (case.Uri.Scheme = Scheme.Sip || d.Transport = Dialled.Tls))

    let private webSocket =
        Law.holds "a URI that says WebSocket or an unknown transport leads nowhere" Cases.all
        <| fun case ->
            match Uri.said case.Uri with
            | Said.WebSocket
            | Said.Exactly(Transport.Ws | Transport.Wss)
            | Said.Unheard _ -> (Cases.told case).Rounds.IsEmpty && (Cases.found case).IsEmpty
            | Said.Exactly(Transport.Udp | Transport.Tcp | Transport.Tls)
            | Said.Nothing -> true

    let private fenced =
        Law.holds "no barred address is ever a destination, whatever a name resolves to" Cases.all
        <| fun case ->
            let barred address =
                List.exists (fun range -> Cidr.holds range address) case.Means.Barred

            let open' =
                { case with
                    Means = { case.Means with Barred = [] }
                }

            let isBarred (d: Destination) = barred d.Address

            List.filter (isBarred >> not) (Cases.found open') = Cases.found case

    let private families =
        Law.holds "only addresses of a family that we reach are called by name" Cases.all
        <| fun case ->
            match case.Uri.Host, Parameters.value "maddr" case.Uri.Parameters with
            | Host.Address _, _
            | _, ValueSome "192.0.2.1" -> true
            | Host.Name _, _ ->
                Cases.found case
                |> List.forall (fun d ->
                    match case.Means.Families with
                    | Families.V4 -> Address.isV4 d.Address
                    | Families.V6 -> not (Address.isV4 d.Address)
                    | Families.Both -> true)

    let private repeatable =
        Law.holds
            "the same answers and the same dice give the same destinations, none twice"
            Cases.all
        <| fun case ->
            let one = Cases.found case
            one = Cases.found case && List.distinct one = one

    let private silence =
        testCase "a name that nobody answers for is told apart from one that is not there"
        <| fun () ->
            let silent = Map.ofList [ Question.A "example.test", Answer.Failed ]

            let resolve zone =
                (Cases.plain [ Dialled.Udp ] zone).Resolved

            Expect.equal (resolve silent) (Resolved.Nowhere Astray.NoAnswer) "failed"
            Expect.equal (resolve Map.empty) (Resolved.Nowhere Astray.NoAddress) "absent"

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
                silence
            ]
