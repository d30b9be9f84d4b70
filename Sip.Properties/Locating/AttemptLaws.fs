// AttemptLaws: what is tried after a failure, and what first for a request that is too large for a datagram
// (RFC 3263 §4.3, RFC 3261 §18.1.1).

namespace Sip.Properties.Locating

open Expecto
open FsCheck.FSharp
open Sip
open Sip.Routing
open Sip.Properties

/// The laws of Failover.
[<RequireQualifiedAccess>]
module AttemptLaws =

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
            (Arb.fromGen (Gen.zip attempts Cases.one))
        <| fun (attempt, case) ->
            let rest = Cases.found case

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
                    Cases.one
                    (Gen.choose (1, 3000))
                    (Gen.elements [ ValueNone; ValueSome 1500<octet>; ValueSome 576<octet> ])
            ))
        <| fun (case, size, mtu) ->
            let size = size * 1<octet>

            let limit =
                match mtu with
                | ValueSome mtu -> mtu - 200<octet>
                | ValueNone -> 1300<octet>

            let before = Cases.found case
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

    /// Every law.
    let all: Test = testList "Locating servers (RFC 3263)" [ nextOne; large ]
