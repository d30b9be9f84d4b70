// Words: header values by the alternatives of the grammar (RFC 3261 §25.1), polite and not, written fast:
// millions of them are wanted. Some of what is said was heard from the server before.

namespace Sip.Fuzz

open System

/// What a session has heard and may say again: URIs, branches, tags and the like.
[<Sealed>]
type Heard() =
    let pieces = Array.create 64 "sip:bob@example.test"
    let mutable count = 0

    /// Remembers a piece; the oldest is forgotten.
    member _.Add(piece: string) : unit =
        if piece.Length > 0 && piece.Length < 2000 then
            pieces[count % pieces.Length] <- piece
            count <- count + 1

    /// One that was heard.
    member _.Any(dice: Luck) : string = dice.Of pieces

/// Writing header values.
[<RequireQualifiedAccess>]
module Words =

    let private numbers =
        [|
            "0"
            "1"
            "70"
            "255"
            "256"
            "3600"
            "5060"
            "65535"
            "65536"
            "2147483647"
            "2147483648"
            "4294967295"
            "4294967296"
            "4294967328"
            "9223372036854775807"
            "18446744073709551616"
            "00000000000000000000070"
            "-1"
            "+5"
            "0x10"
            "1.5"
            "1e3"
            ""
        |]

    let private hosts =
        [|
            "example.test"
            "edge.example.test"
            "x7.invalid"
            "192.0.2.100"
            "198.51.100.7"
            "127.0.0.1"
            "0.0.0.0"
            "[::1]"
            "[2001:db8::7]"
            "[::ffff:192.0.2.1]"
            "trunk.example.net"
            "other.example.org"
            "localhost"
            "256.1.1.1"
            "1.2.3"
            "-a.b"
            "[:::]"
            "a..b"
        |]

    let private users =
        [|
            "alice"
            "bob"
            "carol"
            "+15551234"
            "bob%40home"
            "%62ob"
            "a;b=c"
            ""
            "%00"
            "%0d%0aX-Taint:%201"
            "bob'--"
            "..%2f"
        |]

    let private uriParameters =
        [|
            ""
            ""
            ""
            ";transport=ws"
            ";transport=udp"
            ";transport=tcp"
            ";transport=TLS"
            ";transport=sctp"
            ";lr"
            ";ob"
            ";gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
            ";gr"
            ";maddr=192.0.2.9"
            ";alias=AAAA"
            ";alias=192.0.2.1~5060~1"
            ";user=phone"
            ";x=%0d%0aX-Taint:%201"
            "?Subject=x"
            "?X-Taint=1&Route=%3Csip:evil@192.0.2.66%3E"
            ";method=BYE"
        |]

    let number (dice: Luck) = dice.Of numbers

    let private port (dice: Luck) =
        if dice.Chance 70 then
            ""
        else
            ":" + (if dice.Chance 50 then "5060" else number dice)

    /// A URI.
    let uri (dice: Luck) (heard: Heard) : string =
        match dice.Below 20 with
        | 0 -> "tel:+1555" + dice.Text("0123-.()", 1, 6)
        | 1 -> dice.Of [| "urn:service:sos"; "http://a/b"; "x:"; "sip:"; "sips:"; "a b"; "" |]
        | 2
        | 3
        | 4 -> heard.Any dice
        | _ ->
            let user = dice.Of users

            String.Concat(
                dice.Of [| "sip:"; "sip:"; "sip:"; "sips:"; "SIP:" |],
                (if user = "" then "" else user + "@"),
                dice.Of hosts,
                port dice
            )
            + dice.Of uriParameters

    let private display (dice: Luck) =
        match dice.Below 8 with
        | 0 -> "\"" + dice.Text("ab ,;<>=:\u00e9\u00ff\t", 0, 9) + "\" "
        | 1 -> "\"\\\"x\\\\\" "
        | 2 -> dice.Text("abc.-! ", 1, 8) + " "
        | 3 -> "\r\n "
        | _ -> ""

    let private parameter (dice: Luck) =
        match dice.Below 12 with
        | 0 -> ";" + dice.Text("abc.-!%*", 1, 4) + "=" + dice.Text("xyz019", 1, 5)
        | 1 -> ";x=\"" + dice.Text("ab;,<>\\\"", 0, 5) + "\""
        | 2 -> " ; q = " + dice.Of [| "0.5"; "1"; "1.1"; "0.0001"; "" |]
        | 3 -> ";expires=" + number dice
        | 4 -> ";+sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\""
        | 5 -> ";reg-id=" + number dice
        | 6 -> ";" + dice.Text("abc", 1, 200)
        | _ -> ""

    /// An address with parameters.
    let address (dice: Luck) (heard: Heard) : string =
        let uri = uri dice heard

        if dice.Chance 12 then
            uri + parameter dice
        else
            String.Concat(display dice, "<", uri, ">") + parameter dice

    let private transports = [| "UDP"; "TCP"; "TLS"; "WS"; "WSS"; "SCTP"; "udp"; "X" |]

    /// A Via value.
    let via (dice: Luck) (heard: Heard) : string =
        String.Concat(
            dice.Of [| "SIP/2.0/"; "SIP / 2.0 / "; "sip/2.0/"; "SIP/2.0/" |],
            dice.Of transports,
            " ",
            dice.Of hosts
        )
        + port dice
        + ";branch="
        + (if dice.Chance 20 then
               heard.Any dice
           else
               "z9hG4bK" + dice.Text("abc123", 1, 9))
        + dice.Of
            [|
                ""
                ""
                ";rport"
                ";rport=5"
                ";received=192.0.2.4"
                ";received=::1"
                ";maddr=192.0.2.5"
                ";ttl=1"
                ";keep"
                ";ob"
                ";branch=z9hG4bKtwice"
            |]

    let private credentials (dice: Luck) (heard: Heard) =
        String.Concat(
            dice.Of [| "Digest "; "digest "; "Bearer "; "Basic "; "Digest" |],
            "username=\"" + dice.Of users + "\", realm=\"example.test\", nonce=\"",
            heard.Any(dice) + "\", uri=\"" + uri dice heard + "\", response=\"",
            dice.Text("0123456789abcdef", 32, 32) + "\""
        )
        + dice.Of
            [|
                ""
                ", algorithm=MD5, qop=auth, nc=00000001, cnonce=\"x\""
                ", algorithm=SHA-256, qop=auth, nc=ffffffff, cnonce=\"\""
                ", algorithm=SHA-512-256, qop=auth-int"
                ", opaque=\"\", opaque=\"\""
                ",,,"
                ", nonce=\"x"
            |]

    let private more: (string * (Luck -> Heard -> string))[] =
        let constant (words: string[]) : Luck -> Heard -> string = fun dice _ -> dice.Of words
        let numeric: Luck -> Heard -> string = fun dice _ -> number dice

        let tags =
            constant [| "outbound, path, gruu"; "100rel"; "199"; "x-unknown"; ""; ",,"; "a,b;c" |]

        [|
            "Contact", address
            "Contact", address
            "m", address
            "Contact", constant [| "*"; " * "; "*, *" |]
            "Route", address
            "Route", address
            "Route", (fun dice heard -> "<" + heard.Any dice + ">")
            "Record-Route", address
            "Path", address
            "Via", via
            "v", via
            "Authorization", credentials
            "Proxy-Authorization", credentials
            "Expires", numeric
            "Max-Forwards", numeric
            "Max-Breadth", numeric
            "Content-Length", numeric
            "Timestamp", numeric
            "Supported", tags
            "Require", tags
            "Proxy-Require", tags
            "k", tags
            "Reason", constant [| "SIP;cause=200"; "Q.850;cause=16;text=\"a\r\n b\""; ";" |]
            "Event", constant [| "reg"; "reg;id=1"; "presence"; "" |]
            "Accept-Contact", constant [| "*;audio"; "*;mobility=\"fixed\";explicit;require" |]
            "Reject-Contact", constant [| "*;automata"; "*;x=\"<\\\">\"" |]
            "Request-Disposition", constant [| "no-fork"; "sequential, no-cancel"; "x,,x" |]
            "P-Asserted-Identity", address
            "P-Preferred-Identity", address
            "Subject", constant [| "a"; ""; "\u00ff\u0000\u0001"; "a\r\n b" |]
            "X-Strange", (fun dice _ -> dice.Text("a\u0001\u007f\u0080\u00ff\"<>;,", 0, 40))
            "Content-Type", constant [| "application/sdp"; "multipart/mixed;boundary=\"x" |]
            "RAck", constant [| "1 1 INVITE"; "x" |]
            "RSeq", numeric
            "Identity", constant [| "x.y.z;info=<http://a>" |]
        |]

    /// A field that a message may have more.
    let field (dice: Luck) (heard: Heard) : string * string =
        let name, value = dice.Of more
        name, value dice heard
