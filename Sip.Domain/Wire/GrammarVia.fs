// GrammarVia: the grammar of Via (RFC 3261 §20.42, §25.1; RFC 3581 for rport). It is the slow twin
// of ViaView.

namespace Sip.Wire

open FParsec
open Sip

/// Via values.
[<RequireQualifiedAccess>]
module GrammarVia =

    // sent-protocol    = protocol-name SLASH protocol-version SLASH transport
    // protocol-name    = "SIP" / token
    // protocol-version = token
    // transport        = "UDP" / "TCP" / "TLS" / "SCTP" / other-transport
    // Strictness: no protocol but SIP/2.0 is known here, so no other is a way to answer by.
    let private sentProtocol: Parser<string, unit> =
        skipStringCI "SIP"
        >>. Lexical.slash
        >>. skipString "2.0"
        >>. Lexical.slash
        >>. Lexical.token
        <?> "SIP/2.0 and a transport"

    // sent-by = host [ COLON port ]
    let private sentBy =
        GrammarHost.host .>>. opt (Lexical.colon >>. GrammarHost.port)
        <?> "the sender's host"

    // via-parm   = sent-protocol LWS sent-by *( SEMI via-params )
    // via-params = via-ttl / via-maddr / via-received / via-branch / via-extension
    // Each special parameter is a via-extension too, which is a generic-param.
    /// One value of Via.
    let via: Parser<Via, unit> =
        pipe3
            (sentProtocol .>> Lexical.lws)
            sentBy
            (Lexical.parametersWith "branch")
            (fun transport (host, port) parameters ->
                {
                    Transport = transport
                    Host = host
                    Port = ValueOption.ofOption port
                    Parameters = parameters
                })
        <?> "a Via"

    // Via = via-parm *(COMMA via-parm)
    /// What a Via field says.
    let vias: Parser<Via list, unit> = sepBy1 via Lexical.comma <?> "Vias"
