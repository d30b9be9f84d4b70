// Messages: generators of polite messages and of damage to them, that shrink to something readable.

module Sip.Properties.Messages

open FsCheck
open FsCheck.FSharp
open Sip

let private oneOf (texts: string list) = Gen.elements texts

let private host =
    oneOf
        [
            "example.test"
            "edge.example.test"
            "192.0.2.7"
            "[2001:db8::7]"
            "x1y2.invalid"
        ]

let private user =
    oneOf [ "alice@"; "bob@"; "carol%40home@"; "+15551234@"; "a;b=c@"; "" ]

let private port = oneOf [ ""; ":5060"; ":5080" ]

let private uriParameters =
    oneOf [ ""; ";transport=ws"; ";transport=udp"; ";lr"; ";lr;r2=on"; ";ob;x=%41" ]

/// A SIP URI as text.
let uri: Gen<string> =
    gen {
        let! scheme = oneOf [ "sip:"; "sips:"; "SIP:" ]
        let! user = user
        let! host = host
        let! port = port
        let! parameters = uriParameters
        return scheme + user + host + port + parameters
    }

let private display =
    oneOf [ ""; "Alice "; "\"Bob, the \\\"builder\\\"\" "; "J. Rosenberg " ]

/// A name-addr as text, in brackets, with header parameters.
let nameAddr: Gen<string> =
    gen {
        let! display = display
        let! uri = uri

        let! parameters =
            oneOf [ ""; ";tag=88sja8x"; " ; tag = 1 ;x"; ";+sip.instance=\"<urn:uuid:0>\"" ]

        return display + "<" + uri + ">" + parameters
    }

/// A Via value as text.
let via: Gen<string> =
    gen {
        let! transport = oneOf [ "UDP"; "TCP"; "WS"; "WSS"; "TLS"; "SCTP" ]
        let! slash = oneOf [ "/"; " / "; "/ " ]
        let! host = host
        let! port = oneOf [ ""; ":5060"; " : 5080" ]
        let! branch = Gen.choose (0, 99999)
        let! more = oneOf [ ""; ";rport"; ";received=192.0.2.9;rport=5999"; "; alias" ]
        let start = "SIP" + slash + "2.0" + slash + transport + " " + host + port
        return start + ";branch=z9hG4bK" + string branch + more
    }

let private startLine =
    Gen.oneof
        [
            gen {
                let! method = oneOf [ "INVITE"; "BYE"; "REGISTER"; "NOVEL-1" ]
                let! uri = uri
                return (method + " " + uri + " SIP/2.0", method)
            }
            Gen.elements [ ("SIP/2.0 200 OK", "INVITE"); ("SIP/2.0 486 Busy Here", "BYE") ]
        ]

let private extras =
    Gen.listOf (
        oneOf
            [
                "Max-Forwards: 70\r\n"
                "Subject: first\r\n\tsecond\r\n"
                "X-Strange : \u00e9\u00ff\r\n"
                "s:\r\n"
                "Allow: INVITE, ACK\r\n"
            ]
    )
    |> Gen.map List.distinct

/// A well-formed message as Latin-1 text.
let polite: Gen<string> =
    gen {
        let! start, method = startLine
        let! vias = Gen.nonEmptyListOf via |> Gen.map (List.truncate 60)
        let! from = nameAddr
        let! target = nameAddr
        let! sequence = Gen.choose (0, 100000)
        let! extras = extras
        let! body = oneOf [ ""; "v=0\r\n"; "\000\001binary" ]

        let viaLines =
            vias |> List.map (fun via -> "Via: " + via + "\r\n") |> System.String.Concat

        return
            start
            + "\r\n"
            + viaLines
            + ("f: " + from + "\r\nTo:" + target + "\r\nCall-ID: c1@x\r\n")
            + ("CSeq: " + string sequence + "   " + method + "\r\n")
            + System.String.Concat extras
            + ("l: " + string body.Length + "\r\n\r\n")
            + body
    }

let private damage (text: string) =
    gen {
        let! at = Gen.choose (0, max 0 (text.Length - 1))
        let! length = Gen.choose (0, 5)
        let! piece = oneOf [ ""; "\r\n"; "\""; "<"; ";"; ","; "\000"; "%"; "["; " "; "\n" ]
        return text.Remove(at, min length (text.Length - at)).Insert(at, piece)
    }

/// A message with one to four stretches broken.
let hostile: Gen<string> =
    gen {
        let! text = polite
        let! times = Gen.choose (1, 4)
        let mutable damaged = text

        for _ in 1..times do
            let! next = damage damaged
            damaged <- next

        return damaged
    }

let private letterBeside (letter: char) =
    Gen.elements [ 'A'; 'b'; '_'; '7'; '~'; ' '; '=' ]
    |> Gen.map (fun c -> if c = letter then 'Z' else c)

/// A token cut short, lengthened, or with one letter changed.
let damagedToken (token: string) : Gen<string> =
    gen {
        let! at = Gen.choose (0, token.Length - 1)
        let! letter = letterBeside token[at]
        let! manner = Gen.choose (0, 4)

        return
            match manner with
            | 0 -> token.Substring(0, at)
            | 1 -> token + string letter
            | 2 -> token.Remove(at, 1)
            | 3 -> token.Insert(at, string letter)
            | _ -> token.Remove(at, 1).Insert(at, string letter)
    }

/// Any bytes at all.
let noise: Gen<string> =
    Gen.arrayOf (Gen.choose (0, 255)) |> Gen.map (Array.map char >> System.String)

let private shrinkText (text: string) =
    seq {
        let lines = text.Split "\r\n"

        for i in 0 .. lines.Length - 1 do
            if lines.Length > 1 then
                yield System.String.Join("\r\n", Array.removeAt i lines)
    }

/// Polite messages, which lose whole lines as they shrink.
let politeMessages: Arbitrary<string> =
    Arb.fromGenShrink (polite, (fun _ -> Seq.empty))

/// Messages of every manner.
let anyMessages: Arbitrary<string> =
    Arb.fromGenShrink (Gen.oneof [ polite; hostile; noise ], shrinkText)
