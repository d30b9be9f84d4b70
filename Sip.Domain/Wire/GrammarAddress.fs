// GrammarAddress: the grammar of From, To, Contact, Route, Record-Route and Path (RFC 3261 §20.10,
// §25.1; RFC 3327 §4). It is the slow twin of AddressView and of Values.

namespace Sip.Wire

open FParsec
open Sip

/// Addresses with their parameters.
[<RequireQualifiedAccess>]
module GrammarAddress =

    // display-name = *(token LWS) / quoted-string
    // Leniency: RFC 4475 §3.1.1.6 wants no white space before the bracket to be let through.
    let private displayName: Parser<string, unit> =
        let tokens = skipMany (Lexical.token >>. Lexical.sws) |> skipped

        let trimmed (text: string) =
            Text.unfold (text.TrimEnd(' ', '\t', '\n'))

        Lexical.quotedString <|> (tokens |>> trimmed) <?> "a display name"

    // LAQUOT = SWS "<" ; left angle quote
    let private laquot: Parser<unit, unit> = Lexical.sws >>. skipChar '<' <?> "\"<\""

    // RAQUOT = ">" SWS ; right angle quote
    let private raquot: Parser<unit, unit> = skipChar '>' .>> Lexical.sws <?> "\">\""

    // name-addr = [ display-name ] LAQUOT addr-spec RAQUOT
    let private nameAddr =
        attempt (displayName .>> laquot) .>>. GrammarUri.addrSpec Setting.Enclosed
        .>> raquot
        <?> "a URI in angle brackets"

    let private addrSpec = GrammarUri.addrSpec Setting.Bare |>> fun uri -> "", uri

    // contact-param = (name-addr / addr-spec) *(SEMI contact-params)
    // from-spec     = ( name-addr / addr-spec ) *( SEMI from-param )
    // Each special parameter, such as tag-param or c-p-q, is a generic-param too.
    /// One value of From, To or Contact.
    let address: Parser<NameAddr, unit> =
        nameAddr <|> addrSpec .>>. Lexical.parametersWith "tag"
        |>> (fun ((display, uri), parameters) ->
            {
                Display = display
                Uri = uri
                Parameters = parameters
            })
        <?> "an address"

    // Contact = ( STAR / (contact-param *(COMMA contact-param)))
    /// What a Contact field says.
    let contacts: Parser<Contacts, unit> =
        (skipChar '*' >>. Lexical.sws >>. eof >>% Contacts.Star |> attempt)
        <|> (sepBy1 address Lexical.comma |>> Contacts.These)
        <?> "contacts"

    // Record-Route = rec-route *(COMMA rec-route)        rec-route   = name-addr *( SEMI rr-param )
    // Route        = route-param *(COMMA route-param)    route-param = name-addr *( SEMI rr-param )
    // Path         = path-value *(COMMA path-value)      path-value  = name-addr *( SEMI rr-param )
    // Leniency: a URI without brackets is read as in a Contact; its parameters are the header's.
    /// What a Route, Record-Route or Path field says.
    let routes: Parser<NameAddr list, unit> = sepBy1 address Lexical.comma <?> "routes"
