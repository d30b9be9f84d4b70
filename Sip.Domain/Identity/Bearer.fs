// Bearer: a token of an issuer instead of a password, in Authorization or Proxy-Authorization, and the challenge
// that asks for one (RFC 8898, RFC 6750 §3). Nothing of a token is read before its signature is verified.

namespace Sip.Identity

open System
open Sip

/// Where tokens are taken.
[<RequireQualifiedAccess>]
type Bearing =
    | Nowhere
    /// By TLS only: whoever overhears a token can use it until it ends.
    | Secured of Rules: JwtRules
    | UnsafeAnywhere of Rules: JwtRules

/// What came of looking for a token.
[<RequireQualifiedAccess>]
type Borne =
    /// There is none, or none that is taken here.
    | Nothing
    | Proven of Principal: Principal
    | Refused of Flaw: JwtFlaw

/// Taking tokens.
[<RequireQualifiedAccess>]
module Bearer =

    let private scheme = "Bearer "

    /// The token of a header's value; none if it is of another scheme.
    let token (value: string) : string voption =
        if value.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) then
            ValueSome(value.Substring(scheme.Length).Trim ' ')
        else
            ValueNone

    /// By what tokens are judged that come on this transport.
    let rules (bearing: Bearing) (transport: Transport) : JwtRules voption =
        match bearing with
        | Bearing.UnsafeAnywhere rules -> ValueSome rules
        | Bearing.Secured rules when Transport.isSecure transport -> ValueSome rules
        | Bearing.Secured _
        | Bearing.Nowhere -> ValueNone

    /// Whose token this is, at this second of Unix time.
    let prove (rules: JwtRules) (domain: Host) (now: int64<s>) (shown: string) : Borne =
        match Unverified.TryOf shown with
        | ValueNone -> Borne.Refused JwtFlaw.Unreadable
        | ValueSome token ->
            match Jwt.verify rules now token with
            | Error flaw -> Borne.Refused flaw
            | Ok claims when claims.Expires <= now -> Borne.Refused JwtFlaw.Expired
            | Ok claims ->
                Borne.Proven
                    {
                        User = Subscriber.wireName claims.Subject
                        Domain = domain
                        Until = claims.Expires
                    }

    /// What the values of the headers for credentials prove by a token. Of two tokens neither counts.
    let judge (rules: JwtRules) (domain: Host) (now: int64<s>) (values: string list) : Borne =
        match List.choose (token >> ValueOption.toOption) values with
        | [] -> Borne.Nothing
        | [ only ] -> prove rules domain now only
        | _ -> Borne.Refused JwtFlaw.Unreadable

    // RFC 8898 §4. The name of an issuer is the https URL at which it is asked (RFC 8414 §2).
    /// The value of WWW-Authenticate or Proxy-Authenticate that asks for a token, and says what was wrong with the
    /// one that came.
    let challenge (rules: JwtRules) (realm: string) (flaw: JwtFlaw voption) : string =
        let place =
            if rules.Issuer.StartsWith("https://", StringComparison.OrdinalIgnoreCase) then
                [ AuthParams.quoted "authz_server" rules.Issuer ]
            else
                []

        let wrong =
            match flaw with
            | ValueNone -> []
            | ValueSome flaw ->
                [
                    AuthParams.quoted "error" "invalid_token"
                    AuthParams.quoted "error_description" (Jwt.words flaw)
                ]

        String.Concat(scheme, String.Join(", ", AuthParams.quoted "realm" realm :: place @ wrong))
