// Challenged: how a phone answers a 401 or a 407: the header that its credentials stand in, and they themselves.

module Sip.Properties.World.Challenged

open Sip.Identity

/// What answers the challenge of the login's algorithm, if there is one: a header's name and value.
let answer
    (login: Login)
    (method: string)
    (uri: string)
    (cnonce: string)
    (response: Sheet)
    : (string * string) option =
    let header, answer =
        if Sheet.status response = 401 then
            "WWW-Authenticate", "Authorization"
        else
            "Proxy-Authenticate", "Proxy-Authorization"

    Sheet.all header response
    |> List.tryPick (fun text ->
        match Challenge.read text with
        | Ok(Demand.Digest challenge) when
            challenge.Realm = "example.test"
            && challenge.Algorithm = AlgorithmName.Known login.Ha1.Algorithm
            ->
            challenge
            |> Digest.answer login method uri (NonceCount.ofNumber 1u) cnonce
            |> fun credentials -> Some(answer, Credentials.print credentials)
        | Ok(Demand.Digest _ | Demand.OtherScheme _)
        | Error _ -> None)
