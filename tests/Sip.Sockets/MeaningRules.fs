// MeaningRules: well-formed messages that ask for something odd, by rules that RFC 4475 sections 3.2
// to 3.4 and RFC 5118 probe.

module Sip.Sockets.MeaningRules

open Sip.Sockets.Rule

let private invite = "INVITE sip:user@example.com SIP/2.0"
let private options = "OPTIONS sip:user@example.com SIP/2.0"
let private register = "REGISTER sip:example.com SIP/2.0"

let private registering (contact: string) (shown: string) (name: string) =
    rule name (registered shown) (message register [ $"Contact: {contact}" ] "")

let private transactions =
    [
        rule "a branch of the cookie alone names no transaction, and the old rule holds" reached
        <| message options [ "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK" ] ""
        rule
            "a request of RFC 2543 has no branch, tag or hop count; a stream needs its length"
            (unlessTcp Outcome.Reached [ Outcome.Closed 400 ])
            (message
                invite
                [
                    "Max-Forwards"
                    "Content-Length"
                    "Via: SIP/2.0/UDP gateway.example.com"
                    "From: <sip:+13035551111@example.net;user=phone>"
                    "Record-Route: <sip:user@example.com;maddr=proxy.example.com>"
                ]
                sdp)
    ]

let private missing (name: string) =
    rule $"a request without {name}" (answered 400) (message options [ name ] "")

let private twice (line: string) =
    let name = line.Split(':').[0]

    rule $"a request with two of {name}" (answered 400) (message options [ line; line + "0" ] "")

let private application =
    [
        yield! List.map missing [ "From"; "To"; "Call-ID"; "CSeq" ]
        yield!
            List.map
                twice
                [
                    "Call-ID: one@example.com"
                    "From: <sip:caller@example.net>;tag=8"
                    "To: <sip:user@example.com>"
                    "CSeq: 7 OPTIONS"
                    "Max-Forwards: 7"
                ]
        rule "a Request-URI of a scheme unheard of" (answered 416)
        <| message "OPTIONS nobodyKnowsThisScheme:opaque SIP/2.0" [] ""
        rule "a Request-URI of a scheme that is no SIP" (answered 416)
        <| message "OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0" [] ""
        rule
            "a registration of what is no SIP address"
            (only (Outcome.Answered [ 400; 404 ]))
            (message
                register
                [
                    "To: <isbn:2983792873>"
                    "From: <http://www.example.com>;tag=8"
                    "Contact: <name:John_Smith>"
                ]
                "")
        rule "what Proxy-Require asks for is refused by a proxy" (answered 420)
        <| message options [ "Require: a"; "Proxy-Require: b, c" ] ""
        rule "what Require asks for is the callee's business" reached
        <| message options [ "Require: nothingSupportsThis" ] ""
        rule "a body of a type unheard of goes on" reached
        <| message invite [ "Content-Type: application/unheard-of" ] "<audio/>"
        rule "a body that the caller accepts in no known form goes on" reached
        <| message invite [ "Accept: text/nobodyKnowsThis" ] sdp
        rule "credentials of a scheme unheard of harm nobody who needs none" (answered 200)
        <| message register [ "Authorization: NoOneKnowsThisScheme opaque-data=here" ] ""
        rule
            "two values of Content-Length"
            (unlessTcp (Outcome.Answered [ 400 ]) [ Outcome.Closed 400 ])
            (message options [ "Content-Length: 13"; "Content-Length: 5" ] "unknowable")
        rule "a response to a Via of broadcast goes nowhere" ignored
        <| message
            "SIP/2.0 200 OK"
            [
                "Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1"
                "Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK2"
            ]
            ""
        rule "a request whose hops are spent goes no further" (answered 483)
        <| message options [ "Max-Forwards: 0" ] ""
        rule "a request whose hops are spent may still be for the server itself" (answered 200)
        <| message "OPTIONS sip:example.com SIP/2.0" [ "Max-Forwards: 0" ] ""
        "a parameter outside brackets is the Contact's, not the URI's"
        |> registering "sip:+1972@gw.example.net;unheard" "<sip:+1972@gw.example.net>;"
        "a parameter inside brackets is the URI's"
        |> registering "<sip:+1973@gw.example.net;unheard>" "<sip:+1973@gw.example.net;unheard>"
        "a registered URI keeps its headers"
        |> registering
            "<sip:user@example.com?Route=%3Csip:a.example.com%3E>"
            "<sip:user@example.com?Route=%3Csip:a.example.com%3E>"
    ]

let private v6 =
    [
        rule "an IPv6 address in brackets is a host" reached
        <| message "OPTIONS sip:user@[2001:db8::10] SIP/2.0" [] ""
        rule "an IPv6 address without brackets is none" (answered 400)
        <| message "REGISTER sip:2001:db8::10 SIP/2.0" [] ""
        rule "a last group that looks like a port is a group" reached
        <| message "OPTIONS sip:user@[2001:db8::10:5070] SIP/2.0" [] ""
        rule "a port stands behind the bracket" reached
        <| message "OPTIONS sip:user@[2001:db8::10]:5070 SIP/2.0" [] ""
        for received in [ "2001:db8::9:255"; "[2001:db8::9:255]" ] do
            rule $"received may be {received}" reached
            <| message
                options
                [ $"Via: SIP/2.0/UDP [2001:db8::9:1];received={received};branch=z9hG4bKrule" ]
                ""
        rule "IPv6 in a body is the body's business" reached
        <| message invite [] "v=0\r\no=a 1 0 IN IP6 2001:db8::20\r\nc=IN IP6 2001:db8::20\r\n"
        rule
            "Vias of both families stand together"
            reached
            (message
                "BYE sip:user@example.com SIP/2.0"
                [
                    "Via: SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKrule"
                    "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKr1"
                    "Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bKr2;received=192.0.2.200"
                ]
                "")
        rule
            "IPv4 mapped into IPv6 is a host"
            reached
            (message
                invite
                [
                    "Via: SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKrule"
                    "Contact: <sip:ted@[::ffff:192.0.2.2]>"
                ]
                sdp)
        rule "the third colon that RFC 3261's grammar asks for is borne" reached
        <| message "OPTIONS sip:user@[2001:db8:::192.0.2.1] SIP/2.0" [] ""
        rule "two colons before a dotted end are right" reached
        <| message "OPTIONS sip:user@[2001:db8::192.0.2.1] SIP/2.0" [] ""
    ]

let all = transactions @ application @ v6
