// AuthenticationLaws: what is true of a client that answers our challenges, and of one that cheats.

module Sip.Properties.AuthenticationLaws

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Identity
open Sip.Properties.IdentityCases

let private domain = Host.Name "example.com"

let private settingsOf (caller: Caller) =
    Authentication.settings (Subscriber.wireName caller.Realm) domain keys

let private attemptOf (caller: Caller) (values: string list) : Attempt =
    {
        Method = caller.Method
        Uri = caller.Uri
        Credentials = values
        Bound = "flow 7"
        Seed = "a call"
    }

let private asked (caller: Caller) : Challenge list =
    Authentication.challenges (settingsOf caller) caller.Now (attemptOf caller []) Staleness.Fresh
    |> List.choose (fun text ->
        match Challenge.read text with
        | Ok(Demand.Digest challenge) -> Some challenge
        | Ok(Demand.OtherScheme _)
        | Error _ -> None)

let private loginOf (caller: Caller) (password: string) : Login =
    {
        Username = Subscriber.wireName caller.User
        Ha1 = Ha1.ofPassword caller.Algorithm caller.Realm caller.User password
    }

let private answerWith (caller: Caller) (password: string) : Credentials =
    asked caller
    |> List.find (fun challenge -> challenge.Algorithm = AlgorithmName.Known caller.Algorithm)
    |> Digest.answer (loginOf caller password) caller.Method caller.Uri caller.Count "client's own"

let private answer (caller: Caller) = answerWith caller caller.Password

let private enrolled (caller: Caller) (user: string) : Subscriber voption =
    if user = Subscriber.wireName caller.User then
        ValueSome(Subscriber.enroll caller.Realm caller.User caller.Password)
    else
        ValueNone

let private nobody (_: string) : Subscriber voption = ValueNone
let private never (_: NonceId) = Window.unused

let private judge (caller: Caller) lookup windowOf (values: Credentials list) =
    attemptOf caller (List.map Credentials.print values)
    |> Authentication.judge (settingsOf caller) caller.Now lookup windowOf

let private isProven (verdict: Verdict) =
    match verdict with
    | Verdict.Proven _ -> true
    | Verdict.Challenge _
    | Verdict.Malformed _
    | Verdict.Refused _ -> false

let private anew = Verdict.Challenge Staleness.Fresh

let private altered =
    let made =
        gen {
            let! caller = caller.Generator
            let! place = Gen.choose (0, Algorithm.digits caller.Algorithm - 1)
            let! octet = octet
            return caller, place, octet
        }

    Arb.fromGen made

let private allocated (work: unit -> unit) : int64 =
    for _ in 1..50 do
        work ()

    let before = GC.GetAllocatedBytesForCurrentThread()

    for _ in 1..50 do
        work ()

    GC.GetAllocatedBytesForCurrentThread() - before

let private signedBy (credentials: Credentials) (caller: Caller) : Signed =
    {
        Method = caller.Method
        Uri = caller.Uri
        Nonce = credentials.Nonce
        Protection = credentials.Protection
    }

let private lawsOfProof =
    [
        Law.holds "what we challenge, a client can answer" caller
        <| fun caller -> isProven (judge caller (enrolled caller) never [ answer caller ])

        Law.holds "a client that knows every algorithm answers the first we offer" caller
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
            | Verdict.Proven(principal, spent) ->
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

let private lawsOfSecrecy =
    [
        Law.holds "an unknown user and a wrong password look the same" caller
        <| fun caller ->
            let guess = answerWith caller (caller.Password + "x")
            let wrong = judge caller (enrolled caller) never [ guess ]
            let unknown = judge caller nobody never [ guess ]
            wrong = unknown && unknown = judge caller nobody never [ answer caller ]

        Law.holds "nobody's key opens nothing" caller
        <| fun caller ->
            let login =
                {
                    Username = Subscriber.wireName caller.User
                    Ha1 = Ha1.ofNobody caller.Algorithm
                }

            asked caller
            |> List.find (fun c -> c.Algorithm = AlgorithmName.Known caller.Algorithm)
            |> Digest.answer login caller.Method caller.Uri caller.Count "c"
            |> fun forged -> judge caller nobody never [ forged ] = anew

        Law.holds "a store that finds another user or another realm's proves nothing" caller
        <| fun caller ->
            let sound = answer caller

            let loosely change (_: string) : Subscriber voption =
                ValueSome(change (Subscriber.enroll caller.Realm caller.User caller.Password))

            let user = loosely (fun s -> { s with User = s.User + "x" })
            let realm = loosely (fun s -> { s with Realm = s.Realm + "x" })

            judge caller user never [ sound ] = anew
            && judge caller realm never [ sound ] = anew

        Law.holds "a subscriber without a key for the algorithm is like an unknown one" caller
        <| fun caller ->
            let keyless (_: string) : Subscriber voption =
                ValueSome
                    { Subscriber.enroll caller.Realm caller.User caller.Password with
                        Md5 = ValueNone
                        Sha256 = ValueNone
                    }

            judge caller keyless never [ answer caller ] = anew

        Law.holds "a key never prints itself" caller
        <| fun caller ->
            let subscriber = Subscriber.enroll caller.Realm caller.User caller.Password
            let digits = Ha1.expose (Subscriber.ha1 caller.Algorithm subscriber).Value

            not ($"%A{subscriber}".Contains digits)
            && Ha1.tryRead caller.Algorithm digits |> ValueOption.map Ha1.expose = ValueSome digits

        Law.holds "comparing a response allocates nothing" caller
        <| fun caller ->
            let sound = answer caller

            let key =
                (Subscriber.ha1 caller.Algorithm (enrolled caller sound.Username).Value).Value

            let signed = signedBy sound caller
            allocated (fun () -> Digest.verify key signed sound.Response |> ignore) = 0L

        Law.holds "judging a nonce allocates nothing" caller
        <| fun caller ->
            let sound = answer caller

            let binding =
                {
                    Realm = sound.Realm
                    Bound = "flow 7"
                }

            allocated (fun () ->
                Nonce.judge keys caller.Now Nonce.lifetime binding sound.Nonce |> ignore)
                =
                0L
    ]

let private lawsOfUse =
    [
        Law.holds "a credential is good once; again it is asked for a newer nonce" caller
        <| fun caller ->
            let sound = answer caller

            match judge caller (enrolled caller) never [ sound ] with
            | Verdict.Proven(_, spent) ->
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

let private lawsOfAddresses =
    let escaped (user: string) =
        user |> Seq.map (fun c -> "%" + (int c).ToString("X2")) |> String.concat ""

    let address user : Uri = Uri.Sip(Uri.ofUser user domain)

    let names =
        Arb.fromGenShrink (wireText |> Gen.filter (fun name -> name <> ""), shrinkText)

    [
        Law.holds "a principal speaks for their own address, however it is escaped" names
        <| fun name ->
            let principal = { User = name; Domain = domain }
            Principal.mayUse principal (address (escaped name)) = Use.Own

        Law.holds "a signed URI names the user however it is escaped, and no other" names
        <| fun name ->
            let uri user = "sip:" + user + "@example.com"

            SignedUri.names (uri (escaped name)) (uri ((escaped name).ToLowerInvariant()) + ";a=b")
            && not (SignedUri.names (uri (escaped name)) (uri (escaped (name + "x"))))
            && not (SignedUri.names (uri (escaped name)) "sip:example.com")
            && not (
                SignedUri.names (uri (escaped name)) ("sips" + (uri (escaped name)).Substring 3)
            )

        Law.holds "a principal speaks for no other address" names
        <| fun name ->
            let principal = { User = name; Domain = domain }

            [
                address (escaped (name + "x"))
                address ""
                Uri.Sip(Uri.ofUser (escaped name) (Host.Name "elsewhere.example"))
                Uri.Tel { Number = name; Parameters = [] }
                Uri.Other("mailto", name)
            ]
            |> List.forall (fun other -> Principal.mayUse principal other = Use.Foreign)
    ]

let all =
    testList
        "Authentication"
        [
            yield! lawsOfProof
            yield! lawsOfSecrecy
            yield! lawsOfUse
            yield! lawsOfAddresses
        ]
