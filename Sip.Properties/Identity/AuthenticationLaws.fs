// AuthenticationLaws: what is true of a client that answers our challenges, and of one that cheats.

module Sip.Properties.AuthenticationLaws

open Expecto
open FsCheck.FSharp
open Sip
open Sip.Identity
open Sip.Properties.IdentityCases
open Sip.Properties.Callers

let private altered =
    let made =
        gen {
            let! caller = caller.Generator
            let! place = Gen.choose (0, Algorithm.digits caller.Algorithm - 1)
            let! octet = octet
            return caller, place, octet
        }

    Arb.fromGen made

let private lawsOfProof =
    [
        Law.holds "what we challenge, a client can answer" caller
        <| fun caller -> isProven (judge caller (enrolled caller) never [ answer caller ])

        Law.holds
            "challenges stand in the settings' order, ask for auth and say what is stale"
            caller
        <| fun caller ->
            let settings =
                { settingsOf caller with
                    Algorithms = [ Algorithm.Sha256; Algorithm.Md5 ]
                }

            Authentication.challenges settings caller.Now (attemptOf caller []) Staleness.Stale
            |> List.map Challenge.read
            |> List.map (fun read ->
                match read with
                | Ok(Demand.Digest c) -> c.Algorithm, c.Staleness, c.Qops
                | Ok(Demand.OtherScheme _)
                | Error _ -> AlgorithmName.Unheard "", Staleness.Fresh, [])
                =
                [
                    AlgorithmName.Known Algorithm.Sha256, Staleness.Stale, [ Qop.Auth ]
                    AlgorithmName.Known Algorithm.Md5, Staleness.Stale, [ Qop.Auth ]
                ]

        Law.holds "the right password is proven, under the name it belongs to" caller
        <| fun caller ->
            match judge caller (enrolled caller) never [ answer caller ] with
            | Verdict.Proven(principal, spent, _) ->
                principal.User = Subscriber.wireName caller.User
                && principal.Domain = domain
                && spent.Forget = caller.Now.After Nonce.lifetime
            | Verdict.Challenge _
            | Verdict.Malformed _
            | Verdict.Refused _ -> false

        Law.holds "a wrong password is challenged again" caller
        <| fun caller ->
            let guess = answerWith caller (caller.Password + "x")
            judge caller (enrolled caller) never [ guess ] = anew

        Law.holds "any altered byte of the response is challenged" altered
        <| fun (caller, place, octet) ->
            let sound = answer caller
            let response = sound.Response.Remove(place, 1).Insert(place, string octet)

            let verdict =
                judge caller (enrolled caller) never [ { sound with Response = response } ]

            if response = sound.Response then
                isProven verdict
            else
                verdict = anew

        Law.holds "a response cut short or drawn out is challenged" caller
        <| fun caller ->
            let sound = answer caller

            let verdict text =
                judge caller (enrolled caller) never [ { sound with Response = text } ]

            verdict "" = anew
            && verdict (sound.Response.Substring 1) = anew
            && verdict (sound.Response + "0") = anew

        Law.holds "a response made for anything else is challenged" caller
        <| fun caller ->
            let sound = answer caller

            let verdict credentials =
                judge caller (enrolled caller) never [ credentials ]

            let recount cnonce count =
                Protection.Counted(Qop.Auth, count, cnonce)

            let another = NonceCount.ofNumber (caller.Count.Number ^^^ 1u)

            let otherMethod =
                judge { caller with Method = "BYE" } (enrolled caller) never [ sound ]

            otherMethod = anew
            && verdict
                { sound with
                    Protection = recount "client's owm" caller.Count
                }
                =
                anew
            && verdict
                { sound with
                    Protection = recount "client's own" another
                }
                =
                anew
            && verdict
                { sound with
                    Protection = Protection.NonceOnly
                }
                =
                anew
    ]

let private lawsOfUse =
    [
        Law.holds "a credential is good once; again it is asked for a newer nonce" caller
        <| fun caller ->
            let sound = answer caller

            match judge caller (enrolled caller) never [ sound ] with
            | Verdict.Proven(_, spent, _) ->
                let windowOf id =
                    if id = spent.Id then spent.Window else Window.unused

                judge caller (enrolled caller) windowOf [ sound ] =
                    Verdict.Challenge Staleness.Stale
            | Verdict.Challenge _
            | Verdict.Malformed _
            | Verdict.Refused _ -> false

        Law.holds "a credential of yesterday is asked for a newer nonce" caller
        <| fun caller ->
            let later =
                { caller with
                    Now = caller.Now.After 86_400_000L<ms>
                }

            judge later (enrolled caller) never [ answer caller ] =
                Verdict.Challenge Staleness.Stale

        Law.holds "a credential from another flow is challenged" caller
        <| fun caller ->
            let attempt = attemptOf caller [ Credentials.print (answer caller) ]

            Authentication.judge
                (settingsOf caller)
                caller.Now
                (enrolled caller)
                never
                { attempt with Bound = "flow 8" }
                =
                anew

        Law.holds "the credentials of other realms change nothing" caller
        <| fun caller ->
            let sound = answer caller
            let other = { sound with Realm = sound.Realm + "x" }
            let values = List.map Credentials.print [ other; sound; other ]

            let attempt = attemptOf caller ("Digest ,," :: "Bearer a.b" :: values)

            isProven (
                Authentication.judge (settingsOf caller) caller.Now (enrolled caller) never attempt
            )
            && judge caller (enrolled caller) never [ other ] = anew

        Law.holds "two answers by one algorithm are no answer" caller
        <| fun caller ->
            let sound = answer caller
            let guess = answerWith caller (caller.Password + "x")
            let ambiguous = Verdict.Malformed(Flaw.Ambiguous sound.Realm)

            judge caller (enrolled caller) never [ sound; guess ] = ambiguous
            && judge caller (enrolled caller) never [ guess; sound ] = ambiguous

        Law.holds "a credential signed for another user's URI is refused" caller
        <| fun caller ->
            let elsewhere =
                { caller with
                    Uri = "sip:mallory@elsewhere.example"
                }

            judge elsewhere (enrolled caller) never [ answer caller ] =
                Verdict.Refused(Rejection.SignedElsewhere caller.Uri)

        Law.holds "a parameter added to the Request-URI on the way changes nothing" caller
        <| fun caller ->
            let added =
                { caller with
                    Uri = caller.Uri.ToUpperInvariant() + ";lr;transport=ws?a=b"
                }

            isProven (judge added (enrolled caller) never [ answer caller ])

        Law.holds
            "any text at all is judged and proves nothing"
            (Arb.fromGen (Gen.zip caller.Generator (Gen.listOf hostile.Generator)))
        <| fun (caller, texts) ->
            attemptOf caller texts
            |> Authentication.judge (settingsOf caller) caller.Now (enrolled caller) never
            |> isProven
            |> not
    ]

let all = testList "Authentication" [ yield! lawsOfProof; yield! lawsOfUse ]
