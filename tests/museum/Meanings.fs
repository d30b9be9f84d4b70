// Meanings: exhibits that broke what was done about a message: credentials, bodies, dialogs, and doors that
// stood open.

module Sip.Museum.Meanings

open System

let private taken, refused, request =
    Exhibit.taken, Exhibit.refused, Exhibit.request

let private requestWith = Exhibit.requestWith

let private withBody (kind: string) (body: string) =
    requestWith "INVITE" "sip:bob@example.test" [ "Content-Type: " + kind ] body

/// Credentials, and doors without a lock.
let identity: Exhibit list =
    [
        taken
            "CVE-2023-28098 (OpenSIPS)"
            "a Digest of nothing but commas crashed the parser of credentials"
            (request "REGISTER" [ "Authorization: Digest ,,,,"; "To: <sip:alice@example.test>" ])
        taken
            "GHSA-64qc-9x89-rx5j (Asterisk)"
            "an Authorization without what it must have crashed the server"
            (request "REGISTER" [ "Authorization: Digest"; "To: <sip:alice@example.test>" ])
        taken
            "CVE-2026-25554 (OpenSIPS)"
            "a claim of a token went into SQL before the token's signature was looked at: anybody was anybody"
            (request
                "REGISTER"
                [
                    "Authorization: Bearer eyJhbGciOiJub25lIn0.eyJ0YWciOiInIG9yICcxJz0nMSJ9."
                    "To: <sip:alice@example.test>"
                ])
        taken
            "SIP to SQL (DVRTC)"
            "a user's name ended a statement and began another"
            (request
                "REGISTER"
                [
                    "Authorization: Digest username=\"' or '1'='1\", realm=\"example.test\", nonce=\"x\", uri=\"sip:example.test\", response=\"00000000000000000000000000000000\""
                    "To: <sip:alice@example.test>"
                ])
        taken
            "CVE-2021-41145 (FreeSWITCH)"
            "each REGISTER without credentials kept memory: killed within 90 seconds"
            (request "REGISTER" [ "To: <sip:alice@example.test>"; "Contact: <sip:a@b.invalid>" ])
        taken
            "CVE-2021-37624 (FreeSWITCH)"
            "a MESSAGE needed no password: text from 911"
            (requestWith
                "MESSAGE"
                "sip:bob@example.test"
                [ "From: <sip:911@example.test>;tag=1" ]
                "hello")
        taken
            "CVE-2021-41157 (FreeSWITCH)"
            "a SUBSCRIBE needed no password"
            (request "SUBSCRIBE" [ "Event: presence" ])
        taken
            "CVE-2024-35190, GHSA-qqxj-v78h-hrf9 (Asterisk)"
            "a peer's rule matched every address there is"
            (request "INVITE" [ "From: <sip:trunk@192.0.2.100>;tag=1" ])
        taken
            "CVE-2013-2264 (Asterisk)"
            "users that are none were answered otherwise"
            (request "REGISTER" [ "To: <sip:nobody-at-all@example.test>" ])
        taken
            "CVE-2021-41158 (FreeSWITCH), CVE-2020-28242 (Asterisk)"
            "whoever asked was told a digest of the password; and again for each new nonce"
            ("SIP/2.0 407 Proxy Authentication Required\r\nVia: SIP/2.0/UDP edge.example.test;branch=z9hG4bKmuseum\r\n"
             + "Via: SIP/2.0/UDP museum.invalid;branch=z9hG4bK2\r\nFrom: <sip:a@example.test>;tag=1\r\n"
             + "To: <sip:b@example.test>;tag=2\r\nCall-ID: museum\r\nCSeq: 1 INVITE\r\n"
             + "Proxy-Authenticate: Digest realm=\"example.test\", nonce=\"1\"\r\nContent-Length: 0\r\n\r\n")
        taken
            "VoIPmonitor, script in REGISTER (row L3)"
            "a name of a client ran as script on the operator's page"
            (request
                "REGISTER"
                [ "User-Agent: <script>alert(1)</script>"; "To: <sip:alice@example.test>" ])
        taken
            "CVE-2019-19006 and its kind (FreePBX)"
            "a method that no list named was let through"
            (request "XADMIN" [])
    ]

/// Bodies, dialogs and what ends them.
let dialogs: Exhibit list =
    [
        taken
            "GHSA-67w7-g4j8-3wcx, GHSA-xj5x-g52f-548h (OpenSIPS codec_delete)"
            "an m= line without formats: read before the buffer"
            (withBody "application/sdp" "v=0\r\nm=audio 1 RTP/AVP\r\na=rtpmap:")
        taken
            "CVE-2023-27600, CVE-2026-46334 (OpenSIPS)"
            "a body whose last line has no end: read past it"
            (withBody "application/sdp" "v=0\r\no=")
        taken
            "CVE-2022-31001, CVE-2022-31003 (sofia-sip)"
            "an a= of one byte at the very end: read and written past it"
            (withBody "application/sdp" "a=")
        taken
            "CVE-2017-11521 (reSIProcate)"
            "media lines without number: all memory"
            (withBody "application/sdp" (String.replicate 2000 "m=audio 1 RTP/AVP 0\r\n"))
        taken
            "AST-2017-003, CVE-2017-9359 (PJSIP)"
            "a multipart body without its boundary"
            (withBody "multipart/mixed;boundary=" "--\r\n\r\n--")
        taken
            "CVE-2016-10326, CVE-2017-7853 (oSIP)"
            "a body shorter than its first part's boundary"
            (withBody "multipart/mixed;boundary=\"unique\"" "--unique")
        taken
            "CVE-2016-10324 (oSIP)"
            "a quoted string that is nothing but an escape"
            (request "INVITE" [ "Contact: \"\\\"\" <sip:alice@museum.invalid>" ])
        taken
            "CVE-2013-5641 (Asterisk)"
            "an ACK with a body for a dialog that is over: a null pointer"
            (requestWith "ACK" "sip:bob@example.test" [ "Content-Type: application/sdp" ] "v=0\r\n")
        taken
            "CVE-2013-5642 (Asterisk)"
            "SDP that describes media before it describes the session"
            (withBody "application/sdp" "m=audio 1 RTP/AVP 0\r\nv=0\r\n")
        taken
            "CVE-2007-1561 (Asterisk)"
            "two c= lines, the second no address"
            (withBody "application/sdp" "v=0\r\nc=IN IP4 192.0.2.1\r\nc=IN IP4 x\r\n")
        taken
            "CVE-2021-26906 (Asterisk)"
            "a re-negotiation that nothing had been negotiated for"
            (requestWith
                "INVITE"
                "sip:bob@example.test"
                [ "To: <sip:bob@example.test>;tag=none" ]
                "")
        taken
            "CVE-2019-12827 (Asterisk)"
            "a MESSAGE whose From was longer than the buffer for it"
            (request
                "MESSAGE"
                [ "From: \"" + String('a', 3000) + "\" <sip:alice@example.test>;tag=1" ])
        taken
            "CVE-2018-7286, AST-2018-005 (Asterisk)"
            "INVITEs whose connection was closed at once: written to what was freed"
            (request "INVITE" [ "Contact: <sip:alice@museum.invalid;transport=ws>" ])
        taken
            "drachtio, leaks on CANCEL and BYE"
            "a CANCEL of what was never asked was kept for ever"
            (request "CANCEL" [])
        taken
            "drachtio #179"
            "a BYE along a WebSocket that had closed crashed the server"
            (requestWith
                "BYE"
                "sip:bob@gone.invalid;transport=ws"
                [
                    "To: <sip:bob@example.test>;tag=1"
                    "Route: <sip:edge.example.test:8080;transport=ws;lr>"
                ]
                "")
        taken
            "RFC 5393"
            "two proxies and a user registered at both: 2^70 messages"
            (request "INVITE" [ "Max-Forwards: 70"; "Max-Breadth: 4294967295" ])
        taken
            "CVE-2022-47516 (sofia-sip)"
            "an ACK of nothing: an assertion ended the process"
            (request "ACK" [ "CSeq: 0 ACK" ])
        taken
            "SIPGO CRLF, fixed 2026-06-30"
            "an escaped line end in a user's name was written as a line end"
            (requestWith "INVITE" "sip:bob%0d%0aX-Taint:%201@example.test" [] "")
    ]
