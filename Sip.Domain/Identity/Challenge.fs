// Challenge: what a server asks for in WWW-Authenticate and Proxy-Authenticate (RFC 3261 §20.44,
// §20.27, RFC 7616 §3.3). The server prints it; a client reads it and chooses one (RFC 8760 §2.4).

namespace Sip.Identity

open System
open System.Text
open Sip

/// Why a client is asked: because nothing proven came, or because only its nonce is too old.
[<RequireQualifiedAccess; Struct>]
type Staleness =
    | Fresh
    | Stale

/// The parameters of a Digest challenge; without qop values it is one of RFC 2069.
type Challenge =
    {
        Realm: string
        Nonce: string
        Opaque: string voption
        Staleness: Staleness
        Algorithm: AlgorithmName
        Qops: Qop list
    }

/// The value of a WWW-Authenticate or Proxy-Authenticate header.
[<RequireQualifiedAccess>]
type Demand =
    | Digest of Challenge: Challenge
    | OtherScheme of Name: string

/// Reading, choosing and printing challenges.
[<RequireQualifiedAccess>]
module Challenge =

    // digest-cln = realm / domain / nonce / opaque / stale / algorithm / qop-options / auth-param
    let private required = [ "realm"; "nonce" ]

    // stale = "stale" EQUAL ( "true" / "false" )
    let private staleness (parameters: AuthFields) : Staleness =
        match AuthParams.value "stale" parameters with
        | ValueSome word when Text.sameText word "true" -> Staleness.Stale
        | ValueSome _
        | ValueNone -> Staleness.Fresh

    // qop-options = "qop" EQUAL LDQUOT qop-value *("," qop-value) RDQUOT
    let private qops (parameters: AuthFields) : Result<Qop list, Flaw> =
        match AuthParams.value "qop" parameters with
        | ValueNone -> Ok []
        | ValueSome text ->
            let words = text.Split(',', StringSplitOptions.TrimEntries) |> List.ofArray

            if List.forall AuthParams.isToken words then
                Ok(List.map Qop.named words)
            else
                Error(Flaw.Garbled "qop")

    let private ofParameters (parameters: AuthFields) : Result<Challenge, Flaw> =
        match
            AuthParams.tryMissing required parameters,
            AuthParams.algorithm parameters,
            qops parameters
        with
        | Some name, _, _ -> Error(Flaw.Missing name)
        | None, Error flaw, _
        | None, Ok _, Error flaw -> Error flaw
        | None, Ok algorithm, Ok qops ->
            Ok
                {
                    Realm = AuthParams.text "realm" parameters
                    Nonce = AuthParams.text "nonce" parameters
                    Opaque = AuthParams.value "opaque" parameters
                    Staleness = staleness parameters
                    Algorithm = algorithm
                    Qops = qops
                }

    /// The value of a WWW-Authenticate or Proxy-Authenticate header.
    let read (text: string) : Result<Demand, Flaw> =
        match AuthParams.read text with
        | Error flaw -> Error flaw
        | Ok(AuthScheme.OtherScheme name) -> Ok(Demand.OtherScheme name)
        | Ok(AuthScheme.Digest parameters) -> Result.map Demand.Digest (ofParameters parameters)

    let private also (out: StringBuilder) (name: string) (value: string) : unit =
        AuthParams.appendQuoted (out.Append ", ") name value

    let private appendQops (out: StringBuilder) (qops: Qop list) : unit =
        match qops with
        | [] -> ()
        | [ only ] -> also out "qop" (Qop.print only)
        | several -> also out "qop" (String.Join(",", List.map Qop.print several))

    /// The header value that this challenge is.
    let print (challenge: Challenge) : string =
        let out = Printer.Begin()
        AuthParams.appendQuoted (out.Append "Digest ") "realm" challenge.Realm
        also out "nonce" challenge.Nonce
        ValueOption.iter (also out "opaque") challenge.Opaque
        appendQops out challenge.Qops
        out.Append(", algorithm=").Append(Algorithm.print challenge.Algorithm) |> ignore

        match challenge.Staleness with
        | Staleness.Stale -> out.Append ", stale=true" |> ignore
        | Staleness.Fresh -> ()

        Printer.Finish out

    let private canAnswer (challenge: Challenge) : bool =
        let known =
            match challenge.Algorithm with
            | AlgorithmName.Known _ -> true
            | AlgorithmName.Unheard _ -> false

        known && (challenge.Qops.IsEmpty || List.contains Qop.Auth challenge.Qops)

    /// The topmost challenge that a client can answer (RFC 8760 §2.4), none if there is none.
    let choose (challenges: Challenge list) : Challenge voption =
        match List.tryFind canAnswer challenges with
        | Some challenge -> ValueSome challenge
        | None -> ValueNone
