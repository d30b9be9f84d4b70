// Visiting: whether a WebSocket is opened to who asks for it, where the operator wants a token of the issuer with the
// handshake: among the sub-protocols, as browsers can, or in a cookie (RFC 6455 §10.5, RFC 6750). The page that
// may connect at all was judged before, by its Origin.

namespace Sip.Edge

open System
open Sip
open Sip.Wire
open Sip.Identity

/// Where the token of a handshake stands.
[<RequireQualifiedAccess>]
type TokenPlace =
    /// `bearer.TOKEN`, offered beside `sip`, and never selected.
    | Protocol
    | Cookie of Name: string

/// Who opens a WebSocket.
[<RequireQualifiedAccess>]
type Visitor =
    /// Nobody is asked.
    | Anybody
    | Proven of User: string * Until: int64<s>
    /// 401, and why in words.
    | Refused of Reason: string

/// Judging handshakes by their token.
[<RequireQualifiedAccess>]
module Visiting =

    let private mark = "bearer."

    let private advice (places: TokenPlace list) : string =
        let ways =
            places
            |> List.map (fun place ->
                match place with
                | TokenPlace.Protocol -> "offer the sub-protocols sip and bearer.TOKEN"
                | TokenPlace.Cookie name ->
                    String.Concat("sign in at the web application, for its cookie ", name))

        String.Concat("This server wants a token: ", String.Join(", or ", ways), ".")

    let private ofProtocol (request: HttpRequest) : string list =
        HttpRequest.elements "Sec-WebSocket-Protocol" request
        |> List.filter (fun one -> one.StartsWith(mark, StringComparison.Ordinal))
        |> List.map (fun one -> one.Substring mark.Length)

    // cookie-string = cookie-pair *( ";" SP cookie-pair ) (RFC 6265 §4.2.1)
    let private ofCookie (name: string) (request: HttpRequest) : string list =
        let start = String.Concat(name, "=")

        HttpRequest.values "Cookie" request
        |> List.collect (fun value -> List.ofArray (value.Split ';'))
        |> List.map (fun pair -> pair.Trim ' ')
        |> List.filter (fun pair -> pair.StartsWith(start, StringComparison.Ordinal))
        |> List.map (fun pair -> pair.Substring start.Length)

    let private tokens (places: TokenPlace list) (request: HttpRequest) : string list =
        places
        |> List.collect (fun place ->
            match place with
            | TokenPlace.Protocol -> ofProtocol request
            | TokenPlace.Cookie name -> ofCookie name request)

    let private prove (rules: JwtRules) (now: int64<s>) (shown: string) : Visitor =
        match Bearer.prove rules (Host.Name "") now shown with
        | Borne.Proven principal -> Visitor.Proven(principal.User, principal.Until)
        | Borne.Refused flaw -> Visitor.Refused(Jwt.words flaw)
        | Borne.Nothing -> Visitor.Refused(Jwt.words JwtFlaw.Unreadable)

    /// Who asks with this head of a handshake, at this second of Unix time. Of two tokens neither counts.
    let judge
        (places: TokenPlace list)
        (rules: JwtRules)
        (now: int64<s>)
        (head: ReadOnlySpan<byte>)
        : Visitor =
        let text = Text.ofBytes head

        match HttpRequest.read (text.Substring(0, max 0 (text.Length - 4))) with
        | None -> Visitor.Refused(advice places)
        | Some request ->
            match tokens places request with
            | [ only ] -> prove rules now only
            | [] -> Visitor.Refused(advice places)
            | _ -> Visitor.Refused "There are several tokens: send one."

    /// Where tokens are looked for, by an operator's word: `protocol`, or `cookie=NAME`.
    let tryPlace (text: string) : TokenPlace voption =
        if text = "protocol" then
            ValueSome TokenPlace.Protocol
        elif
            text.StartsWith("cookie=", StringComparison.Ordinal)
            && HttpRequest.isToken (text.Substring 7)
        then
            ValueSome(TokenPlace.Cookie(text.Substring 7))
        else
            ValueNone
