// Texts: header values as text: polite ones, made after the grammar's own alternatives; damaged ones;
// and hostile ones. All shrink by losing stretches, and then by turning into plain letters.

module Sip.Properties.Grammar.Texts

open System
open FsCheck
open FsCheck.FSharp

let private oneOf (texts: string list) : Gen<string> = Gen.elements texts

let private text (characters: string) (least: int) (most: int) : Gen<string> =
    gen {
        let! length = Gen.choose (least, most)
        let! drawn = Gen.arrayOfLength length (Gen.elements characters)
        return String drawn
    }

let private joined (separator: string) (parts: Gen<string>) (least: int) (most: int) =
    gen {
        let! count = Gen.choose (least, most)
        let! drawn = Gen.listOfLength count parts
        return String.Join(separator, drawn)
    }

let private concat (parts: Gen<string> list) : Gen<string> =
    Gen.sequenceToList parts |> Gen.map String.Concat

let private maybe (part: Gen<string>) = Gen.oneof [ Gen.constant ""; part ]

let private numbers =
    Gen.frequency
        [
            4, Gen.choose (0, 255) |> Gen.map string
            1, Gen.choose (0, 70000) |> Gen.map string
            1,
            oneOf
                [
                    "0"
                    "00000"
                    "5060"
                    "255"
                    "256"
                    "65535"
                    "65536"
                    "2147483647"
                    "2147483648"
                    "4294967295"
                    "4294967296"
                    "0000000070"
                    "00000000070"
                    "99999999999999999999"
                ]
        ]

let private labels =
    Gen.frequency
        [
            1, text "abcXYZ019-_" 1 4
            5, oneOf [ "example"; "test"; "x1"; "1x"; "a-b"; "a_b"; "invalid"; "127" ]
        ]

let private names =
    concat
        [
            joined "." labels 1 4
            oneOf [ ""; ""; ""; ""; "."; ".test"; ".test"; ".test" ]
        ]

let private octets =
    Gen.frequency
        [
            15, Gen.choose (0, 255) |> Gen.map string
            1, oneOf [ "007"; "0255"; "256"; "999"; "0000" ]
        ]

let private v4 = joined "." octets 4 4
let private hex = text "0123456789abcdefABCDEF" 1 4

let private v6 =
    Gen.frequency
        [
            2, joined ":" hex 8 8
            3, concat [ joined ":" hex 0 3; Gen.constant "::"; joined ":" hex 0 4 ]
            1, concat [ joined ":" hex 0 7; Gen.constant "::"; joined ":" hex 0 7 ]
            1, concat [ joined ":" hex 6 6; Gen.constant ":"; v4 ]
            2, concat [ joined ":" hex 0 3; oneOf [ "::"; ":::"; "::ffff:" ]; v4 ]
            1, joined ":" (Gen.oneof [ hex; v4; Gen.constant "" ]) 2 9
        ]

/// Hosts, as they stand in URIs and Via.
let host: Gen<string> =
    Gen.frequency [ 4, names; 2, v4; 3, Gen.map (fun text -> "[" + text + "]") v6 ]

/// Optional white space, now and then with a fold.
let private space = oneOf [ ""; ""; ""; ""; " "; "\t "; "\r\n "; " \r\n\t" ]

let private around (separator: string) =
    concat [ space; Gen.constant separator; space ]

let private tokens = text "abcXYZ019-.!%*_+`'~" 1 5

let private quoted =
    Gen.frequency
        [
            8, text "ab ,;<>=:é\u00ff\t" 0 6
            1, oneOf [ "\\\""; "\\\\"; "\\é"; "\r\n "; "\\\000"; "\127"; "\001" ]
        ]
    |> fun pieces -> joined "" pieces 0 3
    |> Gen.map (fun inner -> "\"" + inner + "\"")

let private parameter =
    let values = Gen.oneof [ tokens; quoted; host; v6; numbers ]

    let known =
        oneOf [ "tag"; "branch"; "rport"; "received"; "q"; "expires"; "lr"; "cause"; "text" ]

    concat
        [
            around ";"
            Gen.oneof [ tokens; known ]
            maybe (concat [ around "="; values ])
        ]

let private parameters = joined "" parameter 0 3

let private escapes =
    Gen.frequency [ 12, oneOf [ "%41"; "%00"; "%fF" ]; 1, oneOf [ "%4"; "%zz" ] ]

let private inUri (more: string) =
    joined "" (Gen.frequency [ 5, text ("abZ09-_.!~*'()" + more) 1 3; 1, escapes ]) 1 3

let private users =
    Gen.oneof [ inUri "&=+$,;?/#"; inUri ""; oneOf [ "alice"; "+1-212-555"; "a;x=y" ] ]

let private passwords = maybe (concat [ Gen.constant ":"; maybe (inUri "&=+$,") ])

let private uriParameters =
    let values = inUri "[]/:&+$"

    let one =
        concat [ Gen.constant ";"; values; maybe (concat [ Gen.constant "="; values ]) ]

    joined "" one 0 2

let private uriHeaders =
    let one = concat [ inUri "[]/?:+$"; Gen.constant "="; maybe (inUri "[]/?:+$") ]
    maybe (concat [ Gen.constant "?"; joined "&" one 1 2 ])

let private ports = maybe (concat [ Gen.constant ":"; numbers ])

let private sipUris (tail: Gen<string>) =
    concat
        [
            oneOf [ "sip:"; "sip:"; "sips:"; "SIP:"; "siP:" ]
            maybe (concat [ users; passwords; Gen.constant "@" ])
            host
            ports
            tail
        ]

let private telUris (tail: Gen<string>) =
    concat
        [
            oneOf [ "tel:"; "TEL:" ]
            Gen.oneof [ text "0123-.()" 1 6 |> Gen.map ((+) "+"); text "0aF*#-.()" 1 5 ]
            tail
        ]

let private otherUris =
    concat [ text "abZ1+-." 1 4; Gen.constant ":"; maybe (inUri ";/?:@&=+$,[]#") ]

/// URIs, as they stand in a request line or in angle brackets.
let uri: Gen<string> =
    Gen.frequency
        [
            6, sipUris (concat [ uriParameters; uriHeaders ])
            2, telUris uriParameters
            1, otherUris
        ]

let private display =
    Gen.oneof
        [
            space
            concat [ quoted; space ]
            concat [ joined " " tokens 1 3; space ]
            concat [ joined "\r\n " tokens 1 2; space ]
        ]

/// Values of From, To, Contact, Route, Record-Route and Path.
let address: Gen<string> =
    let enclosed =
        concat [ space; display; Gen.map (fun uri -> "<" + uri + ">") uri; space ]

    let bare = Gen.oneof [ sipUris (Gen.constant ""); telUris (Gen.constant ""); uri ]
    concat [ Gen.frequency [ 3, enclosed; 1, bare ]; parameters; space ]

/// Values of Via.
let via: Gen<string> =
    concat
        [
            space
            Gen.frequency [ 12, oneOf [ "SIP"; "sip" ]; 1, oneOf [ "SIPS"; "HTTP" ] ]
            around "/"
            Gen.frequency [ 12, Gen.constant "2.0"; 1, oneOf [ "2.00"; "1.1" ] ]
            around "/"
            Gen.oneof [ oneOf [ "UDP"; "TCP"; "TLS"; "WS"; "WSS"; "SCTP" ]; tokens ]
            Gen.frequency [ 12, oneOf [ " "; "\t"; "\r\n " ]; 1, Gen.constant "" ]
            host
            maybe (concat [ around ":"; numbers ])
            parameters
            space
        ]

/// Several values with commas between them, as one field may hold.
let listOf (values: Gen<string>) : Gen<string> =
    gen {
        let! count = Gen.choose (1, 3)
        let! first = values
        let! rest = Gen.listOfLength (count - 1) (concat [ around ","; values ])
        return first + String.Concat rest
    }

/// Values of Contact.
let contact: Gen<string> =
    Gen.frequency [ 1, oneOf [ "*"; " * "; "*;x"; "*,*" ]; 6, listOf address ]

/// Values of CSeq.
let cseq: Gen<string> =
    concat [ space; numbers; oneOf [ " "; "\t"; "\r\n "; "" ]; tokens; space ]

/// Numbers, as in Expires and Max-Forwards.
let number: Gen<string> = concat [ space; numbers; space ]

/// Values of a `q` parameter.
let quality: Gen<string> =
    concat
        [
            oneOf [ "0"; "1"; "00"; "2"; "" ]
            maybe (concat [ Gen.constant "."; text "0005" 0 4 ])
        ]

/// Lists of tokens, as in Require and Supported.
let tags: Gen<string> =
    Gen.frequency [ 6, concat [ space; listOf tokens; space ]; 1, space ]

/// Values of Reason.
let reasons: Gen<string> = listOf (concat [ tokens; parameters ])

let private nasty =
    oneOf
        [
            ";"
            ","
            "\""
            "\\"
            "<"
            ">"
            "?"
            "&"
            "="
            "@"
            ":"
            "::"
            "["
            "]"
            "%"
            "%4"
            "/"
            "."
            "-"
            "_"
            "+"
            "#"
            "*"
            " "
            "\t"
            "\r\n "
            "\r\n\t \r\n "
            "\r"
            "\n"
            "\000"
            "\127"
            "\128"
            "\255"
            "sip:"
            "tel:"
            "SIP/2.0/"
        ]

let private places (text: string) = Gen.choose (0, text.Length)

let private stretch (text: string) =
    gen {
        let! at = places text
        let! length = Gen.choose (0, min 6 (text.Length - at))
        return struct (at, length)
    }

let private flipped (text: string) =
    gen {
        let! at = Gen.choose (0, max 0 (text.Length - 1))
        let! bit = Gen.choose (0, 7)

        return
            if text = "" then
                text
            else
                text.Remove(at, 1).Insert(at, string (char (int text[at] ^^^ (1 <<< bit))))
    }

let private deleted (text: string) =
    gen {
        let! struct (at, length) = stretch text
        return text.Remove(at, length)
    }

let private inserted (text: string) =
    gen {
        let! at = places text
        let! piece = nasty
        return text.Insert(at, piece)
    }

let private doubled (text: string) =
    gen {
        let! struct (at, length) = stretch text
        let! into = places text
        return text.Insert(into, text.Substring(at, length))
    }

let private spliced (values: Gen<string>) (text: string) =
    gen {
        let! other = values
        let! here = places text
        let! there = places other
        return text.Substring(0, here) + other.Substring there
    }

/// A value with one or two things done to it that a wire, a bug or an enemy does.
let private damaged (values: Gen<string>) : Gen<string> =
    let once text =
        Gen.frequency
            [
                2, flipped text
                3, deleted text
                4, inserted text
                1, doubled text
                1, spliced values text
            ]

    gen {
        let! text = values
        let! damaged = once text
        let! again = Gen.choose (0, 2)
        return! if again = 0 then once damaged else Gen.constant damaged
    }

/// Any bytes, and the bytes that mean something thrown together.
let private hostile: Gen<string> =
    Gen.oneof
        [
            Gen.arrayOf (Gen.choose (0, 255)) |> Gen.map (Array.map char >> String)
            joined "" (Gen.oneof [ nasty; tokens; host; quoted ]) 0 6
        ]

let private shrink (text: string) : string seq =
    let without =
        Seq.unfold (fun size -> if size < 1 then None else Some(size, size / 2)) text.Length
        |> Seq.collect (fun size ->
            seq { 0..size .. text.Length - size }
            |> Seq.map (fun at -> text.Remove(at, size)))

    let plain =
        seq { 0 .. text.Length - 1 }
        |> Seq.filter (fun at -> text[at] <> 'a')
        |> Seq.map (fun at -> text.Remove(at, 1).Insert(at, "a"))

    Seq.append without plain

/// Values of this sort in every manner: polite, damaged and hostile.
let every (values: Gen<string>) : Arbitrary<string> =
    Arb.fromGenShrink (Gen.frequency [ 5, values; 4, damaged values; 1, hostile ], shrink)

/// A text in which every run of CR and LF is a fold, which is all that reading lets through.
let folded (text: string) : string =
    String.Join("\r\n ", text.Split([| '\r'; '\n' |], StringSplitOptions.RemoveEmptyEntries))

/// The same, as far as a header field can hold them.
let everyInField (values: Gen<string>) : Arbitrary<string> =
    let all = every values

    Arb.fromGenShrink (
        Gen.map folded all.Generator,
        fun text -> all.Shrinker text |> Seq.map folded |> Seq.filter (fun less -> less <> text)
    )
