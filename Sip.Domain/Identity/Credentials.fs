// Credentials: what a client says in Authorization and Proxy-Authorization (RFC 3261 §20.7, §20.28,
// RFC 7616 §3.4), read from the header's text and printed back.

namespace Sip.Identity

open System
open Sip

/// What of a request a digest protects (RFC 7616 §3.4 qop).
[<RequireQualifiedAccess>]
type Qop =
    | Auth
    | AuthInt
    | Unheard of Word: string

/// What keeps a response from being used again.
[<RequireQualifiedAccess>]
type Protection =
    /// Nothing but the nonce: a client of RFC 2069.
    | NonceOnly
    /// A count of the nonce's uses and a nonce of the client.
    | Counted of Qop: Qop * Count: NonceCount * Cnonce: string

/// The parameters of a Digest credential; `Response` is text until it is compared, and is empty
/// while the client knows no challenge (RFC 8760 §2.7).
type Credentials =
    {
        Username: string
        Realm: string
        Nonce: string
        Uri: string
        Response: string
        Algorithm: AlgorithmName
        Opaque: string voption
        Protection: Protection
    }

/// The value of an Authorization or Proxy-Authorization header.
[<RequireQualifiedAccess>]
type Authorization =
    | Digest of Credentials: Credentials
    | OtherScheme of Name: string

/// Spelling qop values.
[<RequireQualifiedAccess>]
module Qop =

    /// The value that a word names.
    let named (word: string) : Qop =
        match word.ToLowerInvariant() with
        | "auth" -> Qop.Auth
        | "auth-int" -> Qop.AuthInt
        | _ -> Qop.Unheard word

    /// The value as it is printed.
    let print (qop: Qop) : string =
        match qop with
        | Qop.Auth -> "auth"
        | Qop.AuthInt -> "auth-int"
        | Qop.Unheard word -> word

/// Reading and printing credentials.
[<RequireQualifiedAccess>]
module Credentials =

    // dig-resp = username / realm / nonce / digest-uri / dresponse / algorithm / cnonce
    //            / opaque / message-qop / nonce-count / auth-param
    let private required = [ "username"; "realm"; "nonce"; "uri"; "response" ]

    let private counted (word: string) (nc: string) (cnonce: string) : Result<Protection, Flaw> =
        match NonceCount.tryRead nc with
        | ValueSome count when AuthParams.isToken word ->
            Ok(Protection.Counted(Qop.named word, count, cnonce))
        | ValueSome _ -> Error(Flaw.Garbled "qop")
        | ValueNone -> Error(Flaw.Garbled "nc")

    // message-qop = "qop" EQUAL qop-value    nonce-count = "nc" EQUAL nc-value
    // cnonce      = "cnonce" EQUAL cnonce-value
    let private protection (parameters: AuthFields) : Result<Protection, Flaw> =
        let value name = AuthParams.value name parameters

        match value "qop", value "nc", value "cnonce" with
        | ValueNone, _, _ -> Ok Protection.NonceOnly
        | ValueSome word, ValueSome nc, ValueSome cnonce -> counted word nc cnonce
        | ValueSome _, ValueNone, _ -> Error(Flaw.Missing "nc")
        | ValueSome _, ValueSome _, ValueNone -> Error(Flaw.Missing "cnonce")

    let private ofParameters (parameters: AuthFields) : Result<Credentials, Flaw> =
        match
            AuthParams.tryMissing required parameters,
            AuthParams.algorithm parameters,
            protection parameters
        with
        | Some name, _, _ -> Error(Flaw.Missing name)
        | None, Error flaw, _
        | None, Ok _, Error flaw -> Error flaw
        | None, Ok algorithm, Ok protection ->
            Ok
                {
                    Username = AuthParams.text "username" parameters
                    Realm = AuthParams.text "realm" parameters
                    Nonce = AuthParams.text "nonce" parameters
                    Uri = AuthParams.text "uri" parameters
                    Response = AuthParams.text "response" parameters
                    Algorithm = algorithm
                    Opaque = AuthParams.value "opaque" parameters
                    Protection = protection
                }

    /// The value of an Authorization or Proxy-Authorization header.
    let read (text: string) : Result<Authorization, Flaw> =
        match AuthParams.read text with
        | Error flaw -> Error flaw
        | Ok(AuthScheme.OtherScheme name) -> Ok(Authorization.OtherScheme name)
        | Ok(AuthScheme.Digest parameters) ->
            Result.map Authorization.Digest (ofParameters parameters)

    let private printProtection (protection: Protection) : string list =
        match protection with
        | Protection.NonceOnly -> []
        | Protection.Counted(qop, count, cnonce) ->
            [
                AuthParams.bare "qop" (Qop.print qop)
                AuthParams.bare "nc" count.Written
                AuthParams.quoted "cnonce" cnonce
            ]

    /// The header value that these credentials are.
    let print (credentials: Credentials) : string =
        let always =
            [
                AuthParams.quoted "username" credentials.Username
                AuthParams.quoted "realm" credentials.Realm
                AuthParams.quoted "nonce" credentials.Nonce
                AuthParams.quoted "uri" credentials.Uri
                AuthParams.quoted "response" credentials.Response
                AuthParams.bare "algorithm" (Algorithm.print credentials.Algorithm)
            ]

        AuthParams.print (
            always
            @ printProtection credentials.Protection
            @ AuthParams.optional "opaque" credentials.Opaque
        )
