// Lexical: the small rules that every header's grammar is made of (RFC 3261 §25.1), as FParsec parsers.
// The text is one header value, Latin-1; a folded line's CRLF counts as white space.

namespace Sip.Wire

open FParsec
open Sip

/// The basic rules of RFC 3261 §25.1.
[<RequireQualifiedAccess>]
module Lexical =

    let private isTokenChar (c: char) = c < '\u0080' && Text.isToken (byte c)

    let private isLwsChar (c: char) =
        c = ' ' || c = '\t' || c = '\r' || c = '\n'

    let private isQdtextChar (c: char) =
        c > ' ' && c <> '"' && c <> '\\' && c <> '\u007f'

    // SWS = [LWS]
    /// Optional white space.
    let sws: Parser<unit, unit> = skipManySatisfy isLwsChar

    // LWS = [*WSP CRLF] 1*WSP
    /// White space that must be there.
    let lws: Parser<unit, unit> = skipMany1SatisfyL isLwsChar "white space"

    // token = 1*(alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~" )
    /// A token.
    let token: Parser<string, unit> = many1SatisfyL isTokenChar "a token"

    // SEMI = SWS ";" SWS    COMMA = SWS "," SWS    EQUAL = SWS "=" SWS
    let private separator (c: char) : Parser<unit, unit> = sws >>? skipChar c >>. sws

    /// A semicolon with the white space around it.
    let semi = separator ';' <?> "a semicolon"

    /// A comma with the white space around it.
    let comma = separator ',' <?> "a comma"

    /// An equals sign with the white space around it.
    let equal = separator '=' <?> "an equals sign"

    // SLASH = SWS "/" SWS    COLON = SWS ":" SWS
    /// A slash with the white space around it.
    let slash = separator '/' <?> "a slash"

    /// A colon with the white space around it.
    let colon = separator ':' <?> "a colon"

    // DIGIT, HEXDIG (RFC 2234 §6.1)
    /// Decimal digits as written.
    let digits: Parser<string, unit> = many1SatisfyL isDigit "digits"

    // Leniency is bounded: 1*DIGIT is endless in the RFC, but ten digits hold every number of SIP.
    /// A decimal number of up to ten digits.
    let number: Parser<int64, unit> =
        digits
        >>= fun text ->
            if text.Length <= 10 then
                preturn (System.Int64.Parse text)
            else
                fail "no more than ten digits"

    // quoted-string = SWS DQUOTE *(qdtext / quoted-pair ) DQUOTE
    // qdtext        = LWS / %x21 / %x23-5B / %x5D-7E / UTF8-NONASCII
    // Bytes above 7F are let through whether they are UTF-8 or not: older phones send Latin-1.
    let private qdtext: Parser<unit, unit> =
        skipMany1Satisfy (fun c -> isLwsChar c || isQdtextChar c)

    // quoted-pair   = "\" (%x00-09 / %x0B-0C / %x0E-7F)
    let private quotedPair: Parser<unit, unit> =
        skipChar '\\' >>. skipSatisfy (fun c -> c <> '\n' && c <> '\r' && c < '\u0080')

    /// A quoted string as written, quotes and escapes included, folds as spaces.
    let quotedString: Parser<string, unit> =
        skipChar '"' >>. skipMany (qdtext <|> quotedPair) .>> skipChar '"' |> skipped
        |>> Text.unfold
        <?> "a quoted string"

    /// The text that a quoted string stands for.
    let unquote (quoted: string) : string =
        let inner = quoted.Substring(1, quoted.Length - 2)

        if not (inner.Contains '\\') then
            inner
        else
            let out = System.Text.StringBuilder inner.Length
            let mutable i = 0

            while i < inner.Length do
                if inner[i] = '\\' && i + 1 < inner.Length then
                    i <- i + 1

                out.Append inner[i] |> ignore
                i <- i + 1

            out.ToString()

    // gen-value = token / host / quoted-string
    // via-received = "received" EQUAL (IPv4address / IPv6address)
    // One rule for both: what an address may hold may stand anywhere in the value, so that an
    // IPv6 address is read with brackets and without (RFC 5118 §4.5).
    let private genValue: Parser<string, unit> =
        quotedString
        <|> many1SatisfyL (fun c -> isTokenChar c || c = '[' || c = ']' || c = ':') "a value"

    // generic-param = token [ EQUAL gen-value ]
    /// A header parameter.
    let genericParam: Parser<Parameter, unit> =
        token .>>. opt (equal >>. genValue)
        |>> fun (name, value) ->
            {
                Name = name
                Value = ValueOption.ofOption value
            }

    /// The parameters that follow a header's value.
    let parameters: Parser<Parameters, unit> = many (semi >>. genericParam)

    // RFC 3261 §7.3.1: "any given parameter-name MUST NOT appear more than once". Of tag and branch
    // everything depends on which is meant.
    /// The parameters that follow a header's value, this one at most once among them.
    let parametersWith (single: string) : Parser<Parameters, unit> =
        parameters
        >>= fun found ->
            if (found |> List.filter (fun one -> Text.sameText one.Name single)).Length > 1 then
                fail ("one " + single)
            else
                preturn found

    /// Reads a whole header value by a rule, white space around it allowed.
    let read (rule: Parser<'noun, unit>) (text: string) : Result<'noun, string> =
        match run (sws >>. rule .>> sws .>> eof) text with
        | Success(noun, _, _) -> Result.Ok noun
        | Failure(message, _, _) -> Result.Error message
