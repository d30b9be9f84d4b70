// GrammarExamples: texts on which the span readers and the grammar once differed, each found by the
// laws of Sip.Properties/Grammar on 2026-11-25, with what RFC 3261 §25.1 makes of it.

module Sip.Tests.GrammarExamples

open System
open Expecto
open Sip
open Sip.Wire

let private address (text: string) : NameAddr voption =
    let bytes = Text.toBytes text
    let all = ReadOnlySpan bytes

    match AddressView.read all (Slice.between 0 bytes.Length) with
    | ValueSome view -> AddressView.toNameAddr all view
    | ValueNone -> ValueNone

/// Both readings of an address.
let private both (text: string) : NameAddr voption =
    let slow =
        match Lexical.read GrammarAddress.address text with
        | Ok address -> ValueSome address
        | Error _ -> ValueNone

    Expect.equal (address text) slow "the twins agree"
    slow

let private refused (sentence: string) (texts: string list) =
    testList
        sentence
        [
            for text in texts do
                testCase text
                <| fun () -> Expect.equal (both ("<" + text + ">")) ValueNone "refused"
        ]

let private headersOf (text: string) : (string * string) list =
    match both text with
    | ValueSome { Uri = Uri.Sip sip } -> [ for header in sip.Headers -> header.Name, header.Value ]
    | ValueSome _
    | ValueNone -> failtest "refused"

let all =
    testList
        "Grammar"
        [
            refused
                "a label begins and ends with a letter or a digit"
                [ "sip:a-"; "sip:a..b"; "sip:a-.b"; "sip:a.-b"; "sip:a.b.."; "sip:a_" ]
            refused
                "an octet of an address has no leading zero (RFC 5954 section 4.1)"
                [ "sip:192.0.2.007"; "sip:[::0.2.0.05]"; "sip:[::7.07.0.0]" ]
            refused
                "three colons stand only before an embedded IPv4 address"
                [ "sip:[2001:db8:::1]"; "sip:[:::]"; "sip:[::::192.0.2.1]" ]
            refused "a URI of any scheme says something after it" [ "a:"; "urn:"; "http:" ]
            refused
                "a telephone number has digits (RFC 3966 section 3)"
                [ "tel:%aa"; "tel:alice"; "tel:+"; "tel:-.-"; "tel:+1a"; "tel:1+1" ]
            refused "a question mark begins the headers" [ "sip:[::]&a="; "sip:[::]&a=b&c=d" ]
            test "a second question mark belongs to the header's name" {
                Expect.equal (headersOf "<sip:h??a=b&?c=d>") [ "?a", "b"; "?c", "d" ] "kept"
            }
            test "a control character or an escape of more than seven bits is in no quoted string" {
                for text in [ "\000"; "\001"; "\127"; "\\é"; "\\\r\n x" ] do
                    Expect.equal (both ("\"" + text + "\" <sip:h>")) ValueNone "refused"

                Expect.isTrue (both "\"\\\000 \t é\" <sip:h>").IsSome "an escaped one is"
            }
            test "a fold is a space, so that no noun holds a line's end" {
                let folded = "Alice\r\n  B. <sip:h>;x=\"a \r\n\t b\""

                Expect.equal
                    (both folded)
                    (both "Alice B. <sip:h>;x=\"a b\"")
                    "RFC 3261 section 7.3.1"
            }
        ]
