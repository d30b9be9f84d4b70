// GrammarUri: the grammar of SIP, SIPS and TEL URIs and of any other (RFC 3261 §25.1, RFC 3966 §3).
// It is the slow twin of UriView: the same texts, the same values.

namespace Sip.Wire

open System
open FParsec
open Sip

/// How a URI stands in a header value. RFC 3261 §20.10: "If the URI is not enclosed in angle
/// brackets, any semicolon-delimited parameters are header-parameters", and a comma, a semicolon
/// or a question mark demands the brackets.
[<RequireQualifiedAccess; Struct>]
type Setting =
    | Enclosed
    | Bare

/// URIs.
[<RequireQualifiedAccess>]
module GrammarUri =

    // mark = "-" / "_" / "." / "!" / "~" / "*" / "'" / "(" / ")"
    // unreserved = alphanum / mark
    let private isUnreserved (c: char) =
        Char.IsAsciiLetterOrDigit c || "-_.!~*'()".Contains c

    // escaped = "%" HEXDIG HEXDIG
    let private escaped: Parser<unit, unit> =
        skipChar '%' >>. skipSatisfyL isHex "a digit" >>. skipSatisfyL isHex "a digit"
        <?> "an escape"

    /// What the setting leaves of a class of characters.
    let private within (setting: Setting) (more: string) (c: char) =
        (isUnreserved c || more.Contains c)
        && match setting with
           | Setting.Enclosed -> true
           | Setting.Bare -> not (",;?".Contains c)

    let private one (isPlain: char -> bool) : Parser<unit, unit> = skipSatisfy isPlain <|> escaped

    let private some isPlain : Parser<string, unit> = skipMany1 (one isPlain) |> skipped

    let private any isPlain : Parser<string, unit> = skipMany (one isPlain) |> skipped

    // user            = 1*( unreserved / escaped / user-unreserved )
    // user-unreserved = "&" / "=" / "+" / "$" / "," / ";" / "?" / "/"
    // Leniency: "#" is deployed widely in numbers that are dialled. Every telephone-subscriber is
    // also a user by these characters.
    let private user (setting: Setting) : Parser<string, unit> =
        some (within setting "&=+$,;?/#") <?> "a user"

    // password = *( unreserved / escaped / "&" / "=" / "+" / "$" / "," )
    let private password (setting: Setting) : Parser<string, unit> =
        any (within setting "&=+$,") <?> "a password"

    // userinfo = ( user / telephone-subscriber ) [ ":" password ] "@"
    let private userinfo (setting: Setting) =
        user setting .>>. opt (skipChar ':' >>. password setting) .>> skipChar '@'
        <?> "a user before an at sign"

    // hostport = host [ ":" port ]
    let private hostport = GrammarHost.host .>>. opt (skipChar ':' >>. GrammarHost.port)

    // paramchar        = param-unreserved / unreserved / escaped
    // param-unreserved = "[" / "]" / "/" / ":" / "&" / "+" / "$"
    let private paramchars: Parser<string, unit> =
        some (within Setting.Enclosed "[]/:&+$")

    // other-param = pname [ "=" pvalue ]
    // Each special uri-parameter, such as transport-param, is an other-param too.
    let private uriParameter: Parser<Parameter, unit> =
        paramchars .>>. opt (skipChar '=' >>. paramchars)
        |>> (fun (name, value) ->
            {
                Parameter.Name = name
                Value = ValueOption.ofOption value
            })
        <?> "a URI parameter"

    // uri-parameters = *( ";" uri-parameter)
    let private uriParameters: Parser<Parameters, unit> =
        many (skipChar ';' >>. uriParameter)

    // hname  = 1*( hnv-unreserved / unreserved / escaped )
    // hvalue = *( hnv-unreserved / unreserved / escaped )
    // hnv-unreserved = "[" / "]" / "/" / "?" / ":" / "+" / "$"
    // header = hname "=" hvalue
    let private header: Parser<UriHeader, unit> =
        let isPlain = within Setting.Enclosed "[]/?:+$"

        some isPlain .>> skipChar '=' .>>. any isPlain
        |>> (fun (name, value) -> { UriHeader.Name = name; Value = value })
        <?> "a URI header"

    // headers = "?" header *( "&" header )
    let private headers: Parser<UriHeader list, unit> =
        skipChar '?' >>. sepBy1 header (skipChar '&') <|>% []

    // SIP-URI  = "sip:" [ userinfo ] hostport uri-parameters [ headers ]
    // SIPS-URI = "sips:" [ userinfo ] hostport uri-parameters [ headers ]
    let private sipUri (setting: Setting) (name: string) (scheme: Scheme) : Parser<Uri, unit> =
        let tail =
            match setting with
            | Setting.Enclosed -> uriParameters .>>. headers
            | Setting.Bare -> preturn ([], [])

        skipStringCI name
        >>. pipe3
            (opt (attempt (userinfo setting)))
            hostport
            tail
            (fun userinfo (host, port) (parameters, headers) ->
                Uri.Sip
                    {
                        Scheme = scheme
                        User = userinfo |> ValueOption.ofOption |> ValueOption.map fst
                        Password = userinfo |> Option.bind snd |> ValueOption.ofOption
                        Host = host
                        Port = ValueOption.ofOption port
                        Parameters = parameters
                        Headers = headers
                    })
        <?> "a SIP URI"

    // visual-separator = "-" / "." / "(" / ")"
    let private isSeparator (c: char) = "-.()".Contains c

    // global-number-digits = "+" *phonedigit DIGIT *phonedigit
    // phonedigit           = DIGIT / [ visual-separator ]
    let private globalNumber: Parser<string, unit> =
        skipChar '+'
        >>. skipManySatisfy isSeparator
        >>. skipSatisfyL isDigit "a digit"
        >>. skipManySatisfy (fun c -> isDigit c || isSeparator c)
        |> skipped

    // local-number-digits = *phonedigit-hex (HEXDIG / "*" / "#") *phonedigit-hex
    // phonedigit-hex      = HEXDIG / "*" / "#" / [ visual-separator ]
    let private localNumber: Parser<string, unit> =
        let isDigit c = isHex c || c = '*' || c = '#'

        skipManySatisfy isSeparator
        >>. skipSatisfyL isDigit "a digit"
        >>. skipManySatisfy (fun c -> isDigit c || isSeparator c)
        |> skipped

    // telephone-uri        = "tel:" telephone-subscriber
    // telephone-subscriber = global-number / local-number
    // Leniency: a local number without its context passes, and parameters are read as SIP reads
    // them, in any order.
    let private telephoneUri (setting: Setting) : Parser<Uri, unit> =
        let parameters =
            match setting with
            | Setting.Enclosed -> uriParameters
            | Setting.Bare -> preturn []

        skipStringCI "tel:" >>. (globalNumber <|> localNumber) .>>. parameters
        |>> (fun (number, parameters) ->
            Uri.Tel
                {
                    Number = number
                    Parameters = parameters
                })
        <?> "a telephone number"

    // scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )
    let private scheme: Parser<string, unit> =
        many1Satisfy2L
            Char.IsAsciiLetter
            (fun c -> Char.IsAsciiLetterOrDigit c || "+-.".Contains c)
            "a scheme"

    // absoluteURI = scheme ":" ( hier-part / opaque-part )
    // uric        = reserved / unreserved / escaped
    // Leniency: nobody here looks into such a URI, so its parts are 1*uric; and the brackets and
    // the fragment of RFC 3986 pass.
    let private absoluteUri (setting: Setting) : Parser<Uri, unit> =
        scheme .>> skipChar ':' .>>. some (within setting ";/?:@&=+$,[]#") |>> Uri.Other
        <?> "a URI"

    // addr-spec = SIP-URI / SIPS-URI / absoluteURI
    /// A URI as it stands in this setting.
    let addrSpec (setting: Setting) : Parser<Uri, unit> =
        choice
            [
                sipUri setting "sip:" Scheme.Sip
                sipUri setting "sips:" Scheme.Sips
                telephoneUri setting
                absoluteUri setting
            ]
        <?> "a URI"

    /// A whole URI, as it stands in a request line.
    let uri: Parser<Uri, unit> = addrSpec Setting.Enclosed
