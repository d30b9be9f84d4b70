// Headers: exhibits that broke the readers of names, addresses, Vias and numbers.

module Sip.Museum.Headers

open System

let private taken, refused, request =
    Exhibit.taken, Exhibit.refused, Exhibit.request

let private requestWith = Exhibit.requestWith
let private long (count: int) = String('a', count)

/// Names of fields, and what stands more than once.
let names: Exhibit list =
    [
        taken
            "CVE-2020-28361 (Kamailio)"
            "white space before the colon hid a header from the script that removes it: calls for nothing"
            (request
                "INVITE"
                [ "P-Asserted-Identity : <sip:ceo@example.test>"; "X-Bypass-me : lol" ])
        refused
            "AST-2016-009, CVE-2016-9938 (Asterisk)"
            "a control byte before the colon was white space to it and no header to the proxy before it"
            (request "INVITE" [ "Contact\u0001: <sip:evil@192.0.2.66>" ])
        refused
            "CVE-2020-27507 (Kamailio)"
            "two To headers of differing lengths: the answer's buffer was counted by the other"
            (request
                "INVITE"
                [ "To: <sip:bob@example.test>"; "t: <sip:" + long 600 + "@example.test>" ])
        refused
            "CVE-2018-14767 (Kamailio)"
            "a second To and an empty tag: a null pointer"
            (request "INVITE" [ "To: <sip:bob@example.test>"; "To: <sip:bob@example.test>;tag=" ])
        refused
            "GHSA-c6j5-f4h4-2xrq (OpenSIPS)"
            "a Content-Length that is no number: a stream that never framed again"
            (request "OPTIONS" [ "Content-Length: -1" ])
        refused
            "CVE-2026-23457 (Linux nf_conntrack_sip)"
            "2^32+32 was read as 32: what followed was another message to the next reader"
            (request "OPTIONS" [ "Content-Length: 4294967328" ])
        refused
            "Content-Length twice (row A12)"
            "the first reader took the first, the second the last: a message smuggled in"
            (request "OPTIONS" [ "Content-Length: 0"; "l: 30" ])
        refused
            "CVE-2025-68274 (SIPGO)"
            "a request without To: a nil pointer when it was answered"
            ((request "INVITE" []).Replace("To: <sip:bob@example.test>\r\n", ""))
        refused
            "CVE-2007-1306 (Asterisk)"
            "a request line without URI and version: a null pointer"
            "REGISTER\r\n\r\n"
        refused
            "CVE-2007-1594 (Asterisk)"
            "a response of status 0: a null pointer"
            ((request "INVITE" []).Replace("INVITE sip:bob@example.test SIP/2.0", "SIP/2.0 0 "))
        refused
            "CVE-2011-2529 (Asterisk)"
            "a NUL in a header: lengths of C strings that disagree"
            (request "INVITE" [ "From: <sip:al\u0000ice@example.test>;tag=1" ])
        refused
            "Kamailio CSeq, fixed 2026-08-02"
            "a number over 2^31 wrapped around"
            (request "OPTIONS" [ "CSeq: 2147483648 OPTIONS" ])
        refused
            "RFC 4475 3.1.2.4"
            "a CSeq of 2^35 taken modulo 2^32: another transaction"
            (request "OPTIONS" [ "CSeq: 36893488147419103232 OPTIONS" ])
        refused
            "AST-2017-002, CVE-2017-9372 (PJSIP)"
            "a long method in CSeq overran the transaction's key"
            (request "OPTIONS" [ "CSeq: 1 " + long 4000 ])
        refused
            "200 headers and one (row A9)"
            "fixed tables of headers were overrun"
            (request "OPTIONS" [ for i in 0..200 -> $"X-{i}: y" ])
        refused
            "drachtio #245"
            "a message of many kilobytes crashed the server"
            (request "OPTIONS" [ "X-Long: " + long 20000 ])
        refused
            "CVE-2026-45538 (OpenSIPS sip_to_json)"
            "a header longer than the buffer on the stack: run as code"
            (request "OPTIONS" [ "Subject: " + long 9000 ])
        taken
            "CVE-2018-7284, AST-2018-004 (Asterisk)"
            "more Accept headers in a SUBSCRIBE than the table had room for"
            (request
                "SUBSCRIBE"
                [ "Event: presence"; yield! [ for i in 0..60 -> $"Accept: a/b{i}" ] ])
    ]

/// Addresses, URIs and Vias.
let addresses: Exhibit list =
    [
        refused
            "GHSA-qvj2-vqrg-f5jx (OpenSIPS parse_to_param)"
            "a quote in a parameter that never ends: read past the buffer"
            (request "INVITE" [ "To: <sip:bob@example.test>;tag=\"" ])
        refused
            "GHSA-jrqg-vppj-hr2h (OpenSIPS parse_param_name)"
            "a parameter that is nothing but white space"
            (request "INVITE" [ "From: <sip:alice@example.test>;tag=1;\t ; \t" ])
        refused
            "GHSA-358f-935m-7p9c (OpenSIPS parse_uri)"
            "a URI that ends where its host should begin"
            (requestWith "OPTIONS" "sip:bob@" [] "")
        refused
            "GHSA-wxfg-3gwh-rhvx (OpenSIPS parse_via)"
            "a Via cut off in its parameters: read past the buffer"
            (request "OPTIONS" [ "Via: SIP/2.0/UDP museum.invalid;branch=z9hG4bK1;received=" ])
        refused
            "CVE-2018-8828 (Kamailio)"
            "a branch that the check before the transaction overran by one byte: crash or code by one REGISTER"
            (request "REGISTER" [ "Via: SIP/2.0/UDP museum.invalid;branch=;rport" ])
        taken
            "GHSA-7pf3-24qg-8v9h (OpenSIPS build_res_buf)"
            "a To so long that the answer's length was counted wrong"
            (request "OPTIONS" [ "To: <sip:" + long 4000 + "@example.test>" ])
        taken
            "CVE-2018-15454 (Cisco ASA)"
            "a sent-by of 0.0.0.0 at some rate: the firewall restarted"
            (request "OPTIONS" [ "Via: SIP/2.0/UDP 0.0.0.0;branch=z9hG4bK1" ])
        refused
            "RFC 5118 4.5, sent-by without brackets"
            "an IPv6 address whose last part was taken for a port"
            (request "OPTIONS" [ "Via: SIP/2.0/UDP 2001:db8::9:1;branch=z9hG4bK1" ])
        taken
            "CVE-2021-43610, CVE-2021-33056 (belle-sip)"
            "a From whose URI is no SIP URI: a null pointer"
            (request "MESSAGE" [ "From: <urn:x>;tag=1" ])
        refused
            "CVE-2021-43611 (belle-sip)"
            "a display name that ends in a backslash: read past its end"
            (request "MESSAGE" [ "From: \"\\\" <sip:alice@example.test>;tag=1" ])
        refused
            "CVE-2011-2216 (Asterisk)"
            "a Contact without its closing bracket: a null pointer"
            (request "INVITE" [ "From: <sip:alice@example.test;tag=1" ])
        refused
            "CVE-2022-31002 (sofia-sip)"
            "a URL that ends in a percent sign: read past the buffer"
            (requestWith "OPTIONS" "sip:bob%@example.test" [] "")
        refused
            "AST-2017-002 (PJSIP), Via"
            "a Via of a port that is none"
            (request "OPTIONS" [ "Via: SIP/2.0/UDP museum.invalid:65536;branch=z9hG4bK1" ])
        taken
            "coturn CVE-2020-26262"
            "0.0.0.0 and ::1 led past the list of barred addresses to the host itself"
            (requestWith "INVITE" "sip:bob@0.0.0.0" [ "Route: <sip:[::1]:5060;lr>" ] "")
        taken
            "OpenSIPS #2338"
            "what stood in a token was read before its seal was"
            (requestWith
                "BYE"
                ("sip:bob@example.test;alias=" + long 88)
                [ "To: <sip:bob@example.test>;tag=1" ]
                "")
        taken
            "a flow token of somebody's own (row H1)"
            "a token whose seal was compared in part led to a stranger's connection"
            (request "INVITE" [ $"Route: <sip:{long 88}@edge.example.test;lr;ob>" ])
        taken
            "Linux nf_conntrack_sip, maddr"
            "an address in a parameter opened a hole in a firewall"
            (requestWith "OPTIONS" "sip:bob@example.test;maddr=192.0.2.66" [] "")
        refused
            "70 Vias and more (row A9)"
            "a loop through servers that never ended"
            (request
                "OPTIONS"
                [ for i in 1..90 -> $"Via: SIP/2.0/UDP a{i}.invalid;branch=z9hG4bK{i}" ])
        refused
            "CVE-2006-1827 and its kind"
            "a port of a URI beyond 16 bits"
            (requestWith "OPTIONS" "sip:bob@example.test:99999999999" [] "")
        refused
            "stack exhaustion (row A7)"
            "thousands of brackets, each a call deeper, until the stack was gone"
            (request "OPTIONS" [ "To: " + String('<', 7000) ])
        taken
            "GraphQL-Parser, Markdig and their kind (row A8)"
            "parameters that cost the square of their number"
            (request "OPTIONS" [ "To: <sip:bob@example.test>" + String.replicate 3500 ";a" ])
    ]
