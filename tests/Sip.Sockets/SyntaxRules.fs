// SyntaxRules: what is a message and what is none, by rules that RFC 4475 section 3.1 probes.

module Sip.Sockets.SyntaxRules

open System
open Sip.Sockets.Rule

let private invite = "INVITE sip:user@example.com SIP/2.0"
let private options = "OPTIONS sip:user@example.com SIP/2.0"
let private register = "REGISTER sip:example.com SIP/2.0"

let private valid =
    [
        rule
            "lines may be folded, names short and in any case, blanks around colons"
            reached
            (message
                invite
                [
                    "Via"
                    "Max-Forwards"
                    "To"
                    "v  :  SIP  /  2.0 /\r\n UDP   host.example.com ; branch = z9hG4bKrule"
                    "MAX-forwards:\r\n 0068"
                    "tO :\r\n  <sip:user@example.com>"
                    "s :"
                    "Odd: ;;,,;;,;"
                ]
                sdp)
        rule
            "a method is any token and no escape is read in it"
            reached
            (message "!Method-._`'~+*%41 sip:user@example.com SIP/2.0" [] "")
        rule "an escaped name of a method is another method" (answered 501)
        <| message "RE%47ISTER sip:registrar.example.com SIP/2.0" [] ""
        rule "an escaped letter of a user part is that letter" reached
        <| message "INVITE sip:%75ser@example.com SIP/2.0" [] sdp
        rule "an escaped at-sign stays in the user part" (answered 404)
        <| message "INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0" [] sdp
        rule
            "escaped nulls end no name"
            (registered "<sip:%00%00@host.example.com>")
            (message
                register
                [
                    "To: <sip:nil-%00-nil@example.com>"
                    "From: <sip:nil-%00-nil@example.com>;tag=8"
                    "Contact: <sip:%00@host.example.com>, <sip:%00%00@host.example.com>"
                ]
                "")
        rule "no blank is needed between a display name and its bracket" reached
        <| message options [ "From: caller<sip:caller@example.com>;tag=8" ] ""
        rule
            "a field may be thousands of bytes long"
            reached
            (message
                invite
                [
                    "To: <sip:user@example.com;p=" + String('x', 4000) + ">"
                    "Long-" + String('n', 60) + ": " + String('v', 4000)
                ]
                sdp)
        rule
            "a request may have come over many hops"
            reached
            (message
                invite
                [
                    for i in 0..33 -> $"Via: SIP/2.0/TCP host{i}.example.com;branch=z9hG4bKrule{i}"
                ]
                sdp)
        rule
            "what follows a body is no part of a datagram's message, and the next of a stream"
            (unlessTcp Outcome.Reached [ Outcome.Reached; Outcome.Reached ])
            (Array.append
                (message options [] "body")
                (message options [ "Call-ID: second@example.com" ] ""))
        rule "a semicolon in a user part begins no parameter" (answered 404)
        <| message "OPTIONS sip:user;par=x%40example.net@example.com SIP/2.0" [] ""
        rule
            "Vias below the first may name transports unheard of"
            reached
            (message
                options
                [
                    "Via: SIP/2.0/UDP a.example.com;branch=z9hG4bKrule"
                    "Via: SIP/2.0/SCTP b.example.com;branch=z9hG4bKr1, SIP/2.0/NEW c.example.com"
                ]
                "")
        rule
            "a body may hold any byte"
            reached
            (message
                "MESSAGE sip:user@example.com SIP/2.0"
                [ "Content-Type: application/octet-stream" ]
                (String [| for b in 0..255 -> char b |]))
        rule "a reason phrase may be any text" ignored
        <| message "SIP/2.0 200 = 2**3 * 5**2 \xD0\xBD\xD0\xBE" [] ""
        rule "a reason phrase may be empty" ignored <| message "SIP/2.0 100 " [] ""
        rule "quoted pairs stand in quoted strings" reached
        <| message
            options
            [ "From: \"BEL:\\\a NUL:\\\000 \\\" \\\\\" <sip:caller@example.net>;tag=8" ]
            ""
        rule "a zone unheard of in Date matters to nobody here" reached
        <| message invite [ "Date: Fri, 01 Jan 2010 16:00:00 EST" ] sdp
    ]

let private bad (name: string) (start: string) (lines: string list) =
    rule name (answered 400) (message start lines "")

let private invalid =
    [
        bad "separators without values in Via" options [ "Via: SIP/2.0/UDP 192.0.2.15;;,;,," ]
        bad "a Contact that ends in separators" register [ "Contact: <sip:joe@example.org>;;;;" ]
        {
            Name = "a body shorter than Content-Length; a stream waits for the rest"
            Message = message invite [ "Content-Length: 999" ] sdp
            Rest = Array.create (999 - sdp.Length) ' 'B
            On = unlessTcp (Outcome.Answered [ 400 ]) [ Outcome.Reached ]
        }
        rule
            "a negative Content-Length"
            (unlessTcp (Outcome.Answered [ 400 ]) [ Outcome.Closed 400 ])
            (message invite [ "Content-Length: -999" ] sdp)
        rule
            "a Content-Length in words"
            (unlessTcp (Outcome.Answered [ 400 ]) [ Outcome.Closed 400 ])
            (message invite [ "Content-Length: five" ] sdp)
        bad "a CSeq beyond 32 bits" register [ "CSeq: 36893488147419103232 REGISTER" ]
        bad "a Max-Forwards that is no number" options [ "Max-Forwards: many" ]
        rule "a response whose CSeq is beyond 32 bits" ignored
        <| message "SIP/2.0 503 Busy" [ "CSeq: 9292394834772304023312 OPTIONS" ] ""
        bad "a quote that is not closed" invite [ "To: \"Mr. J. User <sip:user@example.com>" ]
        bad "a Request-URI in brackets" "INVITE <sip:user@example.com> SIP/2.0" []
        bad "a blank within a Request-URI" "INVITE sip:user@example.com; lr SIP/2.0" []
        bad "two blanks in a request line" "INVITE  sip:user@example.com  SIP/2.0" []
        bad "blanks behind a request line" "OPTIONS sip:user@example.com SIP/2.0  " []
        bad
            "headers within a Request-URI"
            "INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0"
            []
        bad
            "a Contact with headers and without brackets"
            register
            [ "Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E" ]
        bad "blanks within brackets" options [ "To: \"Watson\" < sip:user@example.com >" ]
        bad "a comma in a bare display name" options [ "From: Bell, A <sip:a@example.com>;tag=8" ]
        rule "a version of SIP unheard of" (answered 505)
        <| message "OPTIONS sip:user@example.com SIP/7.0" [] ""
        bad "a CSeq of another method" options [ "CSeq: 8 INVITE" ]
        rule "a CSeq of another method than one unheard of"
        <| only (Outcome.Answered [ 400; 501 ])
        <| message "NEWMETHOD sip:user@example.com SIP/2.0" [ "CSeq: 8 INVITE" ] ""
        rule "a status beyond three digits" ignored
        <| message "SIP/2.0 4294967301 Too much" [] ""
        rule "a status of two digits" ignored <| message "SIP/2.0 20 OK" [] ""
        rule "an ACK whose request line cannot be read" ignored
        <| message "ACK  sip:user@example.com SIP/2.0" [] ""
    ]

let all = valid @ invalid
