// GrammarField: the grammar of the fields that hold numbers, tokens and reasons: CSeq, Expires,
// Max-Forwards, Require, Supported (RFC 3261 §25.1), Reason (RFC 3326 §2), Accept-Contact and Reject-Contact.

namespace Sip.Wire

open System
open FParsec
open Sip

/// Numbers, option tags and reasons.
[<RequireQualifiedAccess>]
module GrammarField =

    // qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )
    /// The thousandths of a `q` parameter.
    let qvalue: Parser<int, unit> =
        let fraction isDigit =
            opt (skipChar '.' >>. manyMinMaxSatisfyL 0 3 isDigit "digits")
            |>> fun digits -> (Option.defaultValue "" digits).PadRight(3, '0')

        (skipChar '0' >>. fraction isDigit |>> int)
        <|> (skipChar '1' >>. fraction (fun c -> c = '0') >>% 1000)
        <?> "a number from 0 to 1"

    // RFC 3261 §20.19: "between 0 and (2**32)-1"; what is more counts as that.
    let private saturated (digits: string) : int64<s> =
        let longest = 4294967295L
        let significant = digits.TrimStart '0'

        if significant = "" then 0L<s>
        elif significant.Length > 10 then longest * 1L<s>
        else min longest (Int64.Parse significant) * 1L<s>

    // delta-seconds = 1*DIGIT
    /// An interval in seconds.
    let deltaSeconds: Parser<int64<s>, unit> =
        Lexical.digits |>> saturated <?> "seconds"

    // CSeq = 1*DIGIT LWS Method
    // RFC 3261 §8.1.1.5: "The sequence number value MUST be ... less than 2**31."
    /// The number and the method of a CSeq.
    let cseq: Parser<CSeq, unit> =
        let sequence =
            Lexical.number
            >>= fun value ->
                if value < 2147483648L then
                    preturn (uint32 value)
                else
                    fail "a number less than 2147483648"

        sequence .>> Lexical.lws .>>. Lexical.token
        |>> (fun (number, method) -> { Number = number; Method = method })
        <?> "a number and a method"

    // Max-Forwards = 1*DIGIT
    // RFC 3261 §20.22: "an integer in the range 0-255".
    /// The hops that are left.
    let maxForwards: Parser<int, unit> =
        Lexical.number
        >>= (fun value ->
            if value <= 255L then
                preturn (int value)
            else
                fail "a number from 0 to 255")
        <?> "a number of hops"

    // Require    = option-tag *(COMMA option-tag)
    // option-tag = token
    /// The extensions that a Require or Proxy-Require names.
    let require: Parser<string list, unit> =
        sepBy1 Lexical.token Lexical.comma <?> "option tags"

    // Supported = [option-tag *(COMMA option-tag)]
    /// The extensions that a Supported names.
    let supported: Parser<string list, unit> =
        sepBy Lexical.token Lexical.comma <?> "option tags"

    // RFC 3841 §10:
    // Accept-Contact = ("Accept-Contact" / "a") HCOLON ac-value *(COMMA ac-value)
    // ac-value       = "*" *(SEMI ac-params)
    // Reject-Contact is alike, and each parameter is a generic-param too.
    /// The predicates of an Accept-Contact or Reject-Contact.
    let contactPredicates: Parser<Parameters list, unit> =
        sepBy1 (skipChar '*' >>. Lexical.parameters) Lexical.comma
        <?> "predicates about contacts"

    // protocol-cause = "cause" EQUAL cause           cause = 1*DIGIT
    // reason-text    = "text" EQUAL quoted-string
    // reason-params  = protocol-cause / reason-text / reason-extension
    // Each of them is a generic-param too.
    // reason-value   = protocol *(SEMI reason-params)
    // protocol       = "SIP" / "Q.850" / token
    let private reason: Parser<Reason, unit> =
        Lexical.token .>>. Lexical.parameters
        |>> fun (protocol, parameters) ->
            {
                Protocol = protocol
                Parameters = parameters
            }

    // Reason = reason-value *(COMMA reason-value)
    /// What a Reason field says.
    let reasons: Parser<Reason list, unit> = sepBy1 reason Lexical.comma <?> "reasons"
