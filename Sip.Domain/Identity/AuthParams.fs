// AuthParams: the shape that credentials and challenges share, a scheme and its parameters
// (RFC 3261 §25.1 auth-param). Names are in lower case, values without quotes and escapes;
// no value holds a control character, so that printing one never begins a new line.

namespace Sip.Identity

open System
open System.Buffers
open System.Text
open FParsec
open Sip
open Sip.Wire

/// An authentication header's value before anyone asks which parameters it has to have.
[<RequireQualifiedAccess>]
type internal AuthScheme =
    | Digest of AuthFields
    | OtherScheme of Name: string

/// Reading and printing lists of authentication parameters.
[<RequireQualifiedAccess>]
module internal AuthParams =

    // ASCII only: 0x80 to 0x9F are parts of UTF-8 letters.
    let private isControl (c: char) : bool = c < ' ' || c = '\u007F'

    let private controls =
        [| '\000' .. '\u007F' |]
        |> Array.filter isControl
        |> fun octets -> SearchValues.Create(ReadOnlySpan octets)

    let private hasControl (value: string) : bool = value.AsSpan().ContainsAny controls

    // auth-param      = auth-param-name EQUAL ( token / quoted-string )
    // auth-param-name = token
    // Values that the ABNF quotes may come bare and bare ones quoted: clients mix them up.
    let private authParam: Parser<struct (string * string), unit> =
        let value = (Lexical.quotedString |>> Lexical.unquote) <|> Lexical.token

        Lexical.token .>> Lexical.equal .>>. value
        |>> fun (name, value) -> struct (name.ToLowerInvariant(), value)
        <?> "a parameter"

    // digest-response = dig-resp *(COMMA dig-resp)
    // challenge       = "Digest" LWS digest-cln *(COMMA digest-cln)
    let private authParams: Parser<AuthFields, unit> =
        Lexical.lws >>. sepBy1 authParam Lexical.comma <?> "parameters"

    // other-response = auth-scheme LWS auth-param *(COMMA auth-param)
    // Any other scheme is only named: what follows may be a bare token, as for Bearer (RFC 8898).
    let private anything: Parser<unit, unit> =
        (Lexical.lws >>. skipManySatisfy (fun _ -> true)) <|> eof <?> "parameters"

    // credentials = ("Digest" LWS digest-response) / other-response
    let private scheme: Parser<string * AuthFields, unit> =
        Lexical.token
        >>= fun name ->
            if Text.sameText name "Digest" then
                authParams |>> fun parameters -> name, parameters
            else
                anything >>% (name, [])

    let rec private has (name: string) (fields: AuthFields) : bool =
        match fields with
        | struct (first, _) :: _ when String.Equals(first, name) -> true
        | _ :: rest -> has name rest
        | [] -> false

    let rec private tryFlaw (fields: AuthFields) : Flaw voption =
        match fields with
        | struct (name, value) :: rest ->
            if has name rest then ValueSome(Flaw.Twice name)
            elif hasControl value then ValueSome(Flaw.Garbled name)
            else tryFlaw rest
        | [] -> ValueNone

    let private sound (fields: AuthFields) : Result<AuthScheme, Flaw> =
        match tryFlaw fields with
        | ValueSome flaw -> Result.Error flaw
        | ValueNone -> Result.Ok(AuthScheme.Digest fields)

    /// The scheme of a header value and, if it is Digest, its parameters, by the grammar.
    let parse (text: string) : Result<AuthScheme, Flaw> =
        match Lexical.read scheme text with
        | Result.Error words -> Result.Error(Flaw.Unreadable words)
        | Result.Ok(name, fields) when Text.sameText name "Digest" -> sound fields
        | Result.Ok(name, _) -> Result.Ok(AuthScheme.OtherScheme name)

    /// The scheme of a header value and, if it is Digest, its parameters, none of them twice.
    let read (text: string) : Result<AuthScheme, Flaw> =
        match AuthScan.tryRead text with
        | ValueSome fields -> sound fields
        | ValueNone -> parse text

    /// Whether text can be printed without quotes.
    let isToken (text: string) : bool =
        text <> ""
        && String.forall (fun c -> c < '\u0080' && Text.isToken (byte c)) text

    /// The first of these parameters that is not there.
    let tryMissing (names: string list) (fields: AuthFields) : string option =
        List.tryFind (fun name -> not (has name fields)) names

    /// The value of a parameter, none if it is not there.
    let rec value (name: string) (fields: AuthFields) : string voption =
        match fields with
        | struct (first, found) :: _ when String.Equals(first, name) -> ValueSome found
        | _ :: rest -> value name rest
        | [] -> ValueNone

    /// The value of a parameter that is there.
    let text (name: string) (fields: AuthFields) : string =
        value name fields |> ValueOption.defaultValue ""

    // algorithm = "algorithm" EQUAL ( "MD5" / "MD5-sess" / "SHA-256" / "SHA-256-sess"
    //             / "SHA-512-256" / "SHA-512-256-sess" / token )
    /// The algorithm that the parameters name; MD5 if they name none.
    let algorithm (parameters: AuthFields) : Result<AlgorithmName, Flaw> =
        match value "algorithm" parameters with
        | ValueNone -> Result.Ok(AlgorithmName.Known Algorithm.Md5)
        | ValueSome word when isToken word -> Result.Ok(Algorithm.named word)
        | ValueSome _ -> Result.Error(Flaw.Garbled "algorithm")

    let private appendEscaped (out: StringBuilder) (value: string) : unit =
        for c in value do
            if c = '"' || c = '\\' then
                out.Append('\\').Append(c) |> ignore
            else
                out.Append(if isControl c then ' ' else c) |> ignore

    /// Prints `name="value"` behind what is printed already; what cannot stand in a header becomes a space.
    let appendQuoted (out: StringBuilder) (name: string) (value: string) : unit =
        out.Append(name).Append("=\"") |> ignore

        if value.AsSpan().IndexOfAny('"', '\\') < 0 && not (hasControl value) then
            out.Append value |> ignore
        else
            appendEscaped out value

        out.Append '"' |> ignore

    /// `name="value"` as it is printed.
    let quoted (name: string) (value: string) : string =
        let out = Printer.Begin()
        appendQuoted out name value
        Printer.Finish out

    /// `name=word`, for words that are tokens.
    let bare (name: string) (word: string) : string = String.Concat(name, "=", word)

    /// `name="value"` if there is a value.
    let optional (name: string) (value: string voption) : string list =
        match value with
        | ValueSome text -> [ quoted name text ]
        | ValueNone -> []

    /// The header value of scheme Digest with these parameters.
    let print (parameters: string list) : string =
        String.Concat("Digest ", String.Join(", ", parameters))
