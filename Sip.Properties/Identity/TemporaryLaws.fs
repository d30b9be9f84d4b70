// TemporaryLaws: who gets a temporary login, and what it proves.

module Sip.Properties.TemporaryLaws

open System
open System.Security.Cryptography
open System.Text
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Identity
open Sip.Properties.IdentityCases
open Sip.Properties.Tokens

let private key = TemporaryKey.Of(Array.init 32 byte)
let private realm = "example.test"

let private user =
    Gen.elements (List.ofSeq "abcXYZ019._-+")
    |> Gen.nonEmptyListOf
    |> Gen.map (List.truncate 64 >> List.toArray >> String)

let private spans =
    Gen.choose (60, 86400) |> Gen.map (fun span -> int64 span * 1L<s>)

let private issued = Gen.zip user spans |> Arb.fromGen

let private subscriber now name = Temporary.subscriber key realm now name

let private sameKeys (one: Subscriber) (other: Subscriber) =
    Algorithm.all
    |> List.forall (fun algorithm ->
        let digits subscriber =
            Subscriber.ha1 algorithm subscriber |> ValueOption.map Ha1.expose

        digits one = digits other)

let private issuer =
    {
        ApiKey = ValueSome(Secret.Of "0123456789abcdef0123456789abcdef")
        Tokens = ValueSome rules
    }

let private decide (authorization: string) (body: string) =
    Issuer.decide issuer now authorization (ReadOnlySpan(Encoding.UTF8.GetBytes body))

let private byKey = "Bearer 0123456789abcdef0123456789abcdef"
let private byToken = "bearer " + sign Signer.Rsa rsaHeader claims

let private isIssued (issuing: Issuing) =
    match issuing with
    | Issuing.Issue _ -> true
    | Issuing.Unproven _
    | Issuing.Denied _
    | Issuing.Unclear _ -> false

let private words (issuing: Issuing) =
    match issuing with
    | Issuing.Issue _ -> ""
    | Issuing.Unproven words
    | Issuing.Denied words
    | Issuing.Unclear words -> words

let private anything =
    Gen.oneof
        [
            hostile.Generator
            Gen.elements
                [
                    "[]"
                    "{\"user\":1}"
                    "{\"user\":\"a\",\"user\":\"b\"}"
                    "{\"user\":\"\"}"
                    "{\"user\":\"a b\"}"
                    "{\"user\":\"a\",\"seconds\":59}"
                    "{\"user\":\"a\",\"seconds\":86401}"
                    "{\"user\":\"a\",\"seconds\":\"60\"}"
                    "{\"user\":\"a\",\"role\":\"admin\"}"
                    "{\"user\":\"a\"}{"
                    String.replicate 60 "[" + String.replicate 60 "]"
                ]
        ]
    |> Arb.fromGen

let private lawsOfLogins =
    [
        Law.holds "a temporary login proves the user it was issued for, until its end" issued
        <| fun (user, span) ->
            let login = Temporary.issue key realm user (now + span)
            let enrolled = Subscriber.enroll realm login.Name login.Password

            match subscriber now login.Name, subscriber (now + span) login.Name with
            | ValueSome found, ValueNone ->
                found.SpeaksAs = user && found.User = login.Name && sameKeys found enrolled
            | ValueSome _, ValueSome _
            | ValueNone, _ -> false

        Law.holds "a temporary password is of one name, one realm and one key" issued
        <| fun (user, span) ->
            let login = Temporary.issue key realm user (now + span)

            [
                Temporary.issue key realm (user + "x") (now + span)
                Temporary.issue key realm user (now + span + 1L<s>)
                Temporary.issue key "example.net" user (now + span)
                Temporary.issue
                    (TemporaryKey.Of(Array.init 32 (fun i -> byte (i + 1))))
                    realm
                    user
                    (now + span)
            ]
            |> List.forall (fun other -> other.Password <> login.Password)

        Law.holds "a name that we did not issue is no temporary one" hostile
        <| fun text ->
            match Temporary.tryRead text with
            | ValueSome(struct (user, until)) -> text = string (int64 until) + "~" + user
            | ValueNone -> true

        testCase "a TURN login is the one that coturn works out"
        <| fun () ->
            // openssl dgst -sha1 -hmac secret -binary | base64
            let login = Turn.login (Secret.Of "north") 1433895918L<s> "4qq72tuvtmmugo7jhz0n"
            Expect.equal login.Username "1433895918:4qq72tuvtmmugo7jhz0n" "the name"
            Expect.equal login.Credential "lC6wZjHiyBEH+5cC8taz4CMsK8c=" "the password"
    ]

let private lawsOfIssuing =
    [
        Law.holds "with the API key a login is issued for any user, for as long as was asked" issued
        <| fun (user, span) ->
            decide byKey $"""{{"user":"%s{user}","seconds":%d{span}}}""" =
                Issuing.Issue(user, now + span)

        Law.holds "a token gives a login for its own user only, and none that outlives it" issued
        <| fun (user, span) ->
            let token =
                "Bearer " + sign Signer.Ecdsa ecdsaHeader (claimsUntil (now + span) user)

            let other = decide token $"""{{"user":"%s{user}x"}}"""

            decide token """{"seconds":86400}""" = Issuing.Issue(user, now + span)
            && decide token "" = Issuing.Issue(user, now + min span Issuer.usual)
            && not (isIssued other)

        Law.holds "nobody who shows neither the API key nor a token gets a login" hostile
        <| fun text ->
            [ text; "Bearer " + text; "Basic " + byKey.Substring 7; byKey + "0"; "Bearer" ]
            |> List.forall (fun shown -> not (isIssued (decide shown "{\"user\":\"alice\"}")))

        Law.holds "of mutated tokens none gets a login" forged
        <| fun (_, token) ->
            not (isIssued (decide ("Bearer " + token) "")) || token.Trim ' ' <> token

        Law.holds "a body that cannot be understood is refused in words" anything
        <| fun body ->
            let said = decide byKey body
            let isSaid = words said <> "" && not ((words said).Contains "0123456789abcdef")
            isIssued said || isSaid

        testCase "without a key and an issuer nothing is issued, and wrong settings are explained"
        <| fun () ->
            let closed =
                {
                    ApiKey = ValueNone
                    Tokens = ValueNone
                }

            Expect.isFalse
                (isIssued (Issuer.decide closed now byKey (ReadOnlySpan("{\"user\":\"a\"}"B))))
                "closed"

            let said key issuer audience files =
                match Issuer.configure (Secret.Of key) issuer audience files with
                | Issuers.Ready _ -> 0
                | Issuers.Invalid problems -> problems.Count

            let key (pem: string) = [| { Kid = "k"; Pem = pem } |]

            Expect.equal (said "" "" "" [||]) 0 "nothing wished"
            Expect.equal (said "short" "" "" [||]) 1 "a short key"
            Expect.equal (said "" "i" "" [||]) 1 "an issuer alone"
            Expect.equal (said "" "i" "a" (key "noise")) 1 "a key that is none"
            Expect.equal (said "" "i" "a" (key rsaPem)) 0 "all three"
    ]

let all = testList "Temporary logins" [ yield! lawsOfLogins; yield! lawsOfIssuing ]
