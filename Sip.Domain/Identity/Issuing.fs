// Issuing: who may have a temporary login, for whom and for how long. Whoever has the API key asks
// for any user; whoever has a token of the issuer, for themselves and no longer than it counts.

namespace Sip.Identity

open System
open System.Collections.Generic
open Sip

/// What lets a request for a login in; with neither there are none.
type Issuer =
    {
        ApiKey: Secret voption
        Tokens: JwtRules voption
    }

/// What came of the wishes for an issuer.
[<RequireQualifiedAccess>]
type Issuers =
    | Ready of Issuer: Issuer
    | Invalid of Problems: IReadOnlyList<string>

/// The text of a PEM file and the kid of the key in it.
type JwtKeyFile = { Kid: string; Pem: string }

/// What becomes of a request for a login.
[<RequireQualifiedAccess>]
type Issuing =
    | Issue of User: string * Until: int64<s>
    /// Nobody has been proven: 401.
    | Unproven of Words: string
    /// Somebody has, who may not have that: 403.
    | Denied of Words: string
    /// The request cannot be understood: 400.
    | Unclear of Words: string

/// Deciding about requests for logins.
[<RequireQualifiedAccess>]
module Issuer =

    /// How long a login counts if nobody says so.
    let usual: int64<s> = 3600L<s>

    let private least: int64<s> = 60L<s>
    let private most: int64<s> = 86400L<s>

    // What the body asks for; both may be left out.
    [<Struct>]
    type private Wish =
        {
            User: string voption
            Span: int64<s> voption
        }

    let private form =
        "Send a JSON object, for example {\"user\":\"alice\",\"seconds\":3600}."

    let private wished (fields: JsonFields) : Result<Wish, string> =
        let stranger =
            fields
            |> List.tryFind (fun (struct (name, _)) -> name <> "user" && name <> "seconds")

        match stranger, JsonFields.find "user" fields, JsonFields.find "seconds" fields with
        | Some _, _, _ -> Error("There are user and seconds, and nothing else. " + form)
        | None, ValueSome(JsonValue.Number _ | JsonValue.Texts _ | JsonValue.Otherwise), _ ->
            Error("The user is a text. " + form)
        | None, _, ValueSome(JsonValue.Text _ | JsonValue.Texts _ | JsonValue.Otherwise) ->
            Error("The seconds are a number. " + form)
        | None, user, seconds ->
            let span =
                match seconds with
                | ValueSome(JsonValue.Number count) -> ValueSome(count * 1L<s>)
                | _ -> ValueNone

            let name =
                match user with
                | ValueSome(JsonValue.Text name) -> ValueSome name
                | _ -> ValueNone

            match span with
            | ValueSome span when span < least || span > most ->
                Error "Say 60 to 86400 seconds, or leave them out."
            | ValueSome _
            | ValueNone -> Ok { User = name; Span = span }

    let private wish (body: ReadOnlySpan<byte>) : Result<Wish, string> =
        if body.IsEmpty then
            Ok { User = ValueNone; Span = ValueNone }
        else
            match JsonFields.tryRead body with
            | ValueSome fields -> wished fields
            | ValueNone -> Error("The body cannot be read. " + form)

    let private issue (now: int64<s>) (last: int64<s>) (user: string) (wish: Wish) : Issuing =
        if Temporary.isUser user then
            let until = now + ValueOption.defaultValue usual wish.Span
            Issuing.Issue(user, min until last)
        else
            Issuing.Unclear "A user has 1 to 64 letters, digits and - _ . + in the name."

    let private forAnybody (now: int64<s>) (body: ReadOnlySpan<byte>) : Issuing =
        match wish body with
        | Error words -> Issuing.Unclear words
        | Ok wish ->
            match wish.User with
            | ValueSome user -> issue now (now + most) user wish
            | ValueNone -> Issuing.Unclear("Say for which user. " + form)

    let private forThemselves
        (now: int64<s>)
        (claims: Claims)
        (body: ReadOnlySpan<byte>)
        : Issuing =
        match wish body with
        | Error words -> Issuing.Unclear words
        | Ok wish ->
            match wish.User with
            | ValueSome user when user <> claims.Subject ->
                Issuing.Denied "The token is another user's: leave the user out."
            | ValueSome _
            | ValueNone when claims.Expires <= now ->
                Issuing.Unproven "The token has expired: ask for a new one."
            | ValueSome _
            | ValueNone -> issue now claims.Expires claims.Subject wish

    let private byToken (rules: JwtRules) (now: int64<s>) (shown: string) body : Issuing =
        match Unverified.TryOf shown with
        | ValueNone -> Issuing.Unproven(Jwt.words JwtFlaw.Unreadable)
        | ValueSome token ->
            match Jwt.verify rules now token with
            | Ok claims -> forThemselves now claims body
            | Error flaw -> Issuing.Unproven(Jwt.words flaw)

    /// What becomes of a request with this Authorization and body at this second of Unix time.
    let decide
        (issuer: Issuer)
        (now: int64<s>)
        (authorization: string)
        (body: ReadOnlySpan<byte>)
        : Issuing =
        match Bearer.token authorization, issuer.ApiKey, issuer.Tokens with
        | _, ValueNone, ValueNone ->
            Issuing.Denied
                "This server issues no credentials: set an API key or the issuer of tokens."
        | ValueNone, _, _ ->
            Issuing.Unproven "Send Authorization: Bearer, with the API key or a token behind it."
        | ValueSome shown, ValueSome key, _ when key.Is shown -> forAnybody now body
        | ValueSome shown, _, ValueSome rules -> byToken rules now shown body
        | ValueSome _, ValueSome _, ValueNone -> Issuing.Unproven "That is not the API key."

    let private keyProblems (apiKey: Secret) : string list =
        if apiKey.IsEmpty || apiKey.Bytes.Length >= 24 then
            []
        else
            [
                "--api-key: say 24 characters or more, for example what `openssl rand -hex 16` writes"
            ]

    let private keys (files: IReadOnlyList<JwtKeyFile>) : Result<JwtKey, string> list =
        List.ofSeq files
        |> List.map (fun file ->
            JwtKey.Read(file.Kid, file.Pem)
            |> Result.mapError (fun words ->
                String.Concat("--jwt-keys: the key ", file.Kid, ": ", words)))

    let private ruleProblems (issuer: string) (audience: string) hasKeys : string list =
        match issuer, audience, hasKeys with
        | "", "", false -> []
        | _, _, _ when issuer <> "" && audience <> "" && hasKeys -> []
        | _, _, _ -> [ "--jwt-issuer, --jwt-audience and --jwt-keys: give all three, or none" ]

    /// The issuer that was wished for, or everything that is wrong with the wishes.
    let configure
        (apiKey: Secret)
        (issuer: string)
        (audience: string)
        (files: IReadOnlyList<JwtKeyFile>)
        : Issuers =
        let read = keys files

        let flaws =
            read
            |> List.choose (function
                | Error words -> Some words
                | Ok _ -> None)

        let sound =
            read
            |> List.choose (function
                | Ok key -> Some key
                | Error _ -> None)

        match keyProblems apiKey @ flaws @ ruleProblems issuer audience (files.Count > 0) with
        | [] ->
            Issuers.Ready
                {
                    ApiKey = if apiKey.IsEmpty then ValueNone else ValueSome apiKey
                    Tokens =
                        if sound.IsEmpty then
                            ValueNone
                        else
                            ValueSome
                                {
                                    Issuer = issuer
                                    Audience = audience
                                    Keys = sound
                                }
                }
        | problems -> Issuers.Invalid(List.toArray problems)
