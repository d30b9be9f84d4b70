// GrammarHost: the grammar of hosts and ports (RFC 3261 §25.1 hostport). The rules of addresses are
// those of RFC 3986 §3.2.2, which RFC 5954 §4.1 puts in the place of RFC 3261's.

namespace Sip.Wire

open System
open FParsec
open Sip

/// Hosts and ports.
[<RequireQualifiedAccess>]
module GrammarHost =

    let private isAlphanum (c: char) = Char.IsAsciiLetterOrDigit c

    // Leniency: an underscore may stand where a hyphen may, because deployed names carry it.
    let private isLabelChar (c: char) = isAlphanum c || c = '-' || c = '_'

    // domainlabel = alphanum / alphanum *( alphanum / "-" ) alphanum
    let private domainlabel: Parser<string, unit> =
        many1Satisfy2L isAlphanum isLabelChar "a domain label"
        >>= fun label ->
            if isAlphanum label[label.Length - 1] then
                preturn label
            else
                fail "a domain label ends with a letter or a digit"

    // toplabel = ALPHA / ALPHA *( alphanum / "-" ) alphanum
    // No name is longer than 255 characters (RFC 1035 §2.3.4).
    let private isName (text: string) (labels: string list) =
        let top: string = List.last labels
        text.Length <= 255 && Char.IsAsciiLetter top[0]

    // hostname = *( domainlabel "." ) toplabel [ "." ]
    let private hostname: Parser<Host, unit> =
        sepEndBy1 domainlabel (skipChar '.')
        |> withSkippedString (fun text labels -> struct (text, labels))
        >>= (fun (struct (text, labels)) ->
            if isName text labels then
                preturn (Host.Name(text.ToLowerInvariant()))
            else
                fail "the last label begins with a letter")
        <?> "a host name"

    // dec-octet = DIGIT / %x31-39 DIGIT / "1" 2DIGIT / "2" %x30-34 DIGIT / "25" %x30-35
    let private decOctet: Parser<uint32, unit> =
        manyMinMaxSatisfyL 1 3 isDigit "an octet"
        >>= fun text ->
            let value = UInt32.Parse text

            if value <= 255u && text = string value then
                preturn value
            else
                fail "an octet from 0 to 255 without leading zeros"

    // IPv4address = dec-octet "." dec-octet "." dec-octet "." dec-octet
    let private ipv4Address: Parser<uint32, unit> =
        let next = skipChar '.' >>. decOctet

        pipe4 decOctet next next next (fun a b c d -> (a <<< 24) ||| (b <<< 16) ||| (c <<< 8) ||| d)
        <?> "an IPv4 address"

    // h16 = 1*4HEXDIG
    let private h16: Parser<uint64 list, unit> =
        manyMinMaxSatisfyL 1 4 isHex "hexadecimal digits"
        |>> fun digits -> [ Convert.ToUInt64(digits, 16) ]

    // ls32 = ( h16 ":" h16 ) / IPv4address
    let private dotted: Parser<uint64 list, unit> =
        ipv4Address |>> fun bits -> [ uint64 (bits >>> 16); uint64 (bits &&& 0xFFFFu) ]

    let private single: Parser<unit, unit> =
        skipChar ':' .>>? notFollowedBy (skipChar ':')

    /// Groups with single colons between them; only the last may be an IPv4 address.
    let private groups: Parser<uint64 list, unit> =
        sepBy (attempt dotted <|> h16) single
        >>= fun pieces ->
            let before = List.truncate (pieces.Length - 1) pieces

            if List.forall (fun piece -> List.length piece = 1) before then
                preturn (List.concat pieces)
            else
                fail "only the last part is an IPv4 address"

    let private ofGroups (groups: uint64 list) : Address =
        let word = List.fold (fun bits group -> (bits <<< 16) ||| group) 0UL

        {
            High = word (List.take 4 groups)
            Low = word (List.skip 4 groups)
        }

    // RFC 5118 §4.10: RFC 3261's own rule allowed a third colon before an IPv4 address.
    let private elided: Parser<uint64 list, unit> =
        skipString "::" >>. (attempt (skipChar ':' >>. dotted) <|> groups)

    // IPv6address =                            6( h16 ":" ) ls32
    //             /                       "::" 5( h16 ":" ) ls32
    //             / [ *6( h16 ":" ) h16 ] "::"        (and so on for each length between)
    let private shortened: Parser<Address, unit> =
        sepBy h16 single |>> List.concat .>>. elided
        >>= fun (left, right) ->
            if left.Length + right.Length <= 7 then
                let zeros = List.replicate (8 - left.Length - right.Length) 0UL
                preturn (ofGroups (left @ zeros @ right))
            else
                fail "at most seven groups beside the double colon"

    let private written: Parser<Address, unit> =
        groups
        >>= fun groups ->
            if groups.Length = 8 then
                preturn (ofGroups groups)
            else
                fail "eight groups"

    let private ipv6Address: Parser<Address, unit> =
        attempt shortened <|> written <?> "an IPv6 address"

    // IPv6reference = "[" IPv6address "]"
    let private ipv6Reference: Parser<Host, unit> =
        between (skipChar '[') (skipChar ']') ipv6Address |>> Host.Address

    // host = hostname / IPv4address / IPv6reference
    /// A host.
    let host: Parser<Host, unit> =
        let whole = notFollowedBy (skipSatisfy (fun c -> isLabelChar c || c = '.'))

        choice
            [
                attempt (ipv4Address .>> whole) |>> (Address.ofV4 >> Host.Address)
                ipv6Reference
                hostname
            ]
        <?> "a host"

    // port = 1*DIGIT
    // Nobody answers on port 0, and no port is above 65535.
    /// A port.
    let port: Parser<int, unit> =
        Lexical.number
        >>= (fun value ->
            if value >= 1L && value <= 65535L then
                preturn (int value)
            else
                fail "a port from 1 to 65535")
        <?> "a port"
