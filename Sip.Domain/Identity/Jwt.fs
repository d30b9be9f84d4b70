// Jwt: whether a bearer token says what it says (RFC 7519, RFC 7515 compact form, RFC 8725). Nobody
// reads a claim before the signature is verified: what came from outside is `Unverified`, which tells
// nothing about itself, and `verify` is the only way to `Claims`.

namespace Sip.Identity

open System
open System.Buffers.Text
open System.Text
open Sip

/// A token as it came: three parts that nobody has looked at. It has no claims to read.
[<Sealed>]
type Unverified private (token: string) =

    /// How many characters a token may have.
    static member Longest = 8192

    /// The token that a text may be, none if it is too long for one.
    static member TryOf(text: string) : Unverified voption =
        if text.Length <= Unverified.Longest then
            ValueSome(Unverified text)
        else
            ValueNone

    member internal _.Token = token
    override _.ToString() = "(an unverified token)"

/// What a verified token says; only `Jwt.verify` makes one.
type Claims =
    private
        {
            Who: string
            Until: int64<s>
        }

    /// The user that the token is about: sub.
    member this.Subject = this.Who

    /// When the token ends, in seconds of Unix time: exp.
    member this.Expires = this.Until

/// Whose tokens are accepted, and for whom they have to be.
type JwtRules =
    {
        Issuer: string
        Audience: string
        Keys: JwtKey list
    }

/// Why a token says nothing.
[<RequireQualifiedAccess; Struct>]
type JwtFlaw =
    | Unreadable
    /// There is no key of that kid, or it is of another kind than alg says.
    | NoKey
    | Forged
    | OtherIssuer
    | OtherAudience
    | Expired
    | NotYet
    | Nobody

/// Verifying tokens.
[<RequireQualifiedAccess>]
module Jwt =

    /// How far the clock of an issuer may be from ours.
    let leeway: int64<s> = 30L<s>

    // The decoder skips white space and padding and does not look at the bits that the last
    // character has too many: a token has one spelling only.
    let private decode (part: string) : byte[] voption =
        if not (Base64Url.IsValid(part.AsSpan())) then
            ValueNone
        else
            let bytes = Base64Url.DecodeFromChars(part.AsSpan())

            if Base64Url.EncodeToString(ReadOnlySpan bytes) = part then
                ValueSome bytes
            else
                ValueNone

    let private fields (part: string) : JsonFields voption =
        match decode part with
        | ValueSome bytes -> JsonFields.tryRead (ReadOnlySpan bytes)
        | ValueNone -> ValueNone

    let private text (name: string) (fields: JsonFields) : string voption =
        match JsonFields.find name fields with
        | ValueSome(JsonValue.Text text) -> ValueSome text
        | ValueSome(JsonValue.Number _ | JsonValue.Texts _ | JsonValue.Otherwise)
        | ValueNone -> ValueNone

    let private spelling (algorithm: JwtAlgorithm) : string =
        match algorithm with
        | JwtAlgorithm.Rs256 -> "RS256"
        | JwtAlgorithm.Es256 -> "ES256"

    // RFC 8725 §3.11: a token of another kind is none of these. RFC 9068 §2.1 writes at+jwt.
    let private isTyped (header: JsonFields) : bool =
        match JsonFields.find "typ" header with
        | ValueNone -> true
        | ValueSome(JsonValue.Text typ) ->
            Text.sameText typ "JWT"
            || Text.sameText typ "at+jwt"
            || Text.sameText typ "application/at+jwt"
        | ValueSome(JsonValue.Number _ | JsonValue.Texts _ | JsonValue.Otherwise) -> false

    // RFC 7515 §4.1.11: of what a header makes critical we understand nothing.
    let private isPlain (header: JsonFields) : bool =
        isTyped header && (JsonFields.find "crit" header).IsNone

    // jku, jwk, x5u and x5c are never looked at: they are the token's own word for who made it.
    let private keyOf (rules: JwtRules) (header: JsonFields) : JwtKey option =
        match text "kid" header, text "alg" header with
        | ValueSome kid, ValueSome alg ->
            rules.Keys
            |> List.tryFind (fun key -> key.Kid = kid && spelling key.Algorithm = alg)
        | ValueSome _, ValueNone
        | ValueNone, _ -> None

    let private isFor (audience: string) (claims: JsonFields) : bool =
        match JsonFields.find "aud" claims with
        | ValueSome(JsonValue.Text one) -> one = audience
        | ValueSome(JsonValue.Texts several) -> List.contains audience several
        | ValueSome(JsonValue.Number _ | JsonValue.Otherwise)
        | ValueNone -> false

    let private ends (claims: JsonFields) : int64<s> voption =
        match JsonFields.find "exp" claims with
        | ValueSome(JsonValue.Number at) -> ValueSome(at * 1L<s>)
        | ValueSome(JsonValue.Text _ | JsonValue.Texts _ | JsonValue.Otherwise)
        | ValueNone -> ValueNone

    let private hasBegun (now: int64<s>) (claims: JsonFields) : bool =
        match JsonFields.find "nbf" claims with
        | ValueNone -> true
        | ValueSome(JsonValue.Number at) -> at * 1L<s> <= now + leeway
        | ValueSome(JsonValue.Text _ | JsonValue.Texts _ | JsonValue.Otherwise) -> false

    let private judged (rules: JwtRules) (now: int64<s>) (claims: JsonFields) =
        match text "iss" claims, ends claims, text "sub" claims with
        | _, ValueNone, _ -> Error JwtFlaw.Expired
        | issuer, _, _ when issuer <> ValueSome rules.Issuer -> Error JwtFlaw.OtherIssuer
        | _ when not (isFor rules.Audience claims) -> Error JwtFlaw.OtherAudience
        | _, ValueSome until, _ when until <= now - leeway -> Error JwtFlaw.Expired
        | _ when not (hasBegun now claims) -> Error JwtFlaw.NotYet
        | _, ValueSome until, ValueSome who when who <> "" -> Ok { Who = who; Until = until }
        | _ -> Error JwtFlaw.Nobody

    let private signed (key: JwtKey) (header: string) (claims: string) (signature: string) : bool =
        match decode signature with
        | ValueSome bytes ->
            let what = Encoding.ASCII.GetBytes(String.Concat(header, ".", claims))
            key.HasSigned(ReadOnlySpan what, ReadOnlySpan bytes)
        | ValueNone -> false

    let private ofParts rules now (header: string) (claims: string) (signature: string) =
        match fields header with
        | ValueSome read when isPlain read ->
            match keyOf rules read with
            | None -> Error JwtFlaw.NoKey
            | Some key when signed key header claims signature ->
                match fields claims with
                | ValueSome said -> judged rules now said
                | ValueNone -> Error JwtFlaw.Unreadable
            | Some _ -> Error JwtFlaw.Forged
        | ValueSome _
        | ValueNone -> Error JwtFlaw.Unreadable

    /// What a token says at this second of Unix time, if one of our keys has signed it for us.
    let verify (rules: JwtRules) (now: int64<s>) (token: Unverified) : Result<Claims, JwtFlaw> =
        match token.Token.Split '.' with
        | [| header; claims; signature |] -> ofParts rules now header claims signature
        | _ -> Error JwtFlaw.Unreadable

    /// The flaw in words that say what to do.
    let words (flaw: JwtFlaw) : string =
        match flaw with
        | JwtFlaw.Unreadable -> "The token cannot be read: send a signed JWT in compact form."
        | JwtFlaw.NoKey ->
            "No key fits the token: sign with RS256 or ES256 and a kid that is known here."
        | JwtFlaw.Forged ->
            "The token's signature is wrong: sign it with the key that its kid names."
        | JwtFlaw.OtherIssuer -> "The token is from another issuer (iss)."
        | JwtFlaw.OtherAudience -> "The token is for another audience (aud)."
        | JwtFlaw.Expired -> "The token has no exp or has expired: ask for a new one."
        | JwtFlaw.NotYet -> "The token is not valid yet (nbf)."
        | JwtFlaw.Nobody -> "The token names no user: it needs a sub."
