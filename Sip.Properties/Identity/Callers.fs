// Callers: a caller's way through a challenge, and what the server makes of it.

module Sip.Properties.Callers

open Sip
open Sip.Identity
open Sip.Properties.IdentityCases

let domain = Host.Name "example.com"

let settingsOf (caller: Caller) =
    Authentication.settings (Subscriber.wireName caller.Realm) domain keys Transport.Udp

let attemptOf (caller: Caller) (values: string list) : Attempt =
    {
        Method = caller.Method
        Uri = caller.Uri
        Credentials = values
        Bound = "flow 7"
        Seed = "a call"
    }

let asked (caller: Caller) : Challenge list =
    Authentication.challenges (settingsOf caller) caller.Now (attemptOf caller []) Staleness.Fresh
    |> List.choose (fun text ->
        match Challenge.read text with
        | Ok(Demand.Digest challenge) -> Some challenge
        | Ok(Demand.OtherScheme _)
        | Error _ -> None)

let loginOf (caller: Caller) (password: string) : Login =
    {
        Username = Subscriber.wireName caller.User
        Ha1 = Ha1.ofPassword caller.Algorithm caller.Realm caller.User password
    }

let answerWith (caller: Caller) (password: string) : Credentials =
    asked caller
    |> List.find (fun challenge -> challenge.Algorithm = AlgorithmName.Known caller.Algorithm)
    |> Digest.answer (loginOf caller password) caller.Method caller.Uri caller.Count "client's own"

let answer (caller: Caller) = answerWith caller caller.Password

let enrolled (caller: Caller) (user: string) : Subscriber voption =
    if user = Subscriber.wireName caller.User then
        ValueSome(Subscriber.enroll caller.Realm caller.User caller.Password)
    else
        ValueNone

let nobody (_: string) : Subscriber voption = ValueNone
let never (_: NonceId) = Window.unused

let judge (caller: Caller) lookup windowOf (values: Credentials list) =
    attemptOf caller (List.map Credentials.print values)
    |> Authentication.judge (settingsOf caller) caller.Now lookup windowOf

let isProven (verdict: Verdict) =
    match verdict with
    | Verdict.Proven _ -> true
    | Verdict.Challenge _
    | Verdict.Malformed _
    | Verdict.Refused _ -> false

let anew = Verdict.Challenge Staleness.Fresh
