// Intruder: what somebody without a password sends to reach a user all the same.

namespace Sip.Properties.World

open System

/// Trying without proof.
[<RequireQualifiedAccess>]
module Intruder =

    /// The Call-ID of everything that an intruder sends: no phone may ever see it.
    let callId = "intruder"

    /// Every attempt at a user, as text.
    let attempts (victim: string) : string list =
        let user = String.Concat("sip:", victim, "@example.test")

        let request (method: string) target more =
            {
                Start = String.Concat(method, " ", target, " SIP/2.0")
                Fields =
                    [
                        "Via", "SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK-" + method + more
                        "Max-Forwards", "70"
                        "From", "<sip:alice@example.test>;tag=i"
                        "To", String.Concat("<", user, ">", more)
                        "Call-ID", callId
                        "CSeq", "1 " + method
                        "Contact", "<sip:evil@203.0.113.9>"
                        "Content-Length", "0"
                    ]
                Body = ""
            }
            |> Sheet.print

        [
            request "INVITE" user ""
            request "INVITE" user ";tag=guess"
            request "MESSAGE" user ""
            request "MESSAGE" user ";tag=guess"
            request "ACK" user ""
            request "ACK" user ";tag=guess"
            request "CANCEL" user ""
            request "REGISTER" "sip:example.test" ""
            request "REGISTER" "sip:example.test" ";tag=guess"
            request "BYE" (user + ";alias=AAAA") ";tag=guess"
        ]
