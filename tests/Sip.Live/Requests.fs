// Requests: what the clients of these tests say.

namespace Sip.Live

open System
open Sip

/// Writing requests.
[<RequireQualifiedAccess>]
module Requests =

    /// A name that no other request of this run has.
    let fresh () = Guid.NewGuid().ToString "N"

    let private lines (all: string list) = String.Join("\r\n", all)

    let private request (method: string) uri aor transport (id: string) more body =
        lines (
            [
                String.Concat(method, " ", uri, " SIP/2.0")
                String.Concat(
                    "Via: SIP/2.0/",
                    Transport.inVia transport,
                    String.Concat(" live.invalid;rport;branch=z9hG4bK", id)
                )
                "Max-Forwards: 70"
                String.Concat("From: <", aor, ">;tag=a")
                String.Concat("To: <", aor, ">")
                String.Concat("Call-ID: ", id)
                String.Concat("CSeq: 1 ", method)
            ]
            @ more
            @ [ String.Concat("Content-Length: ", string (String.length body)); ""; body ]
        )

    /// A question to whoever this URI leads to.
    let optionsTo uri transport id =
        request "OPTIONS" uri "sip:live@sip.test" transport id [] ""

    /// A question that the server itself answers.
    let options transport id = optionsTo "sip:sip.test" transport id

    /// The same with an answer of some kilobytes: an answer repeats the Call-ID.
    let largeOptions transport =
        options transport (fresh () + String('x', 6000))

    /// A REGISTER of a user on the connection that it is sent on.
    let register transport user =
        let contact =
            String.Concat(
                "Contact: <sip:",
                user,
                String.Concat("@live.invalid;transport=", Transport.inUri transport, ">")
            )

        request
            "REGISTER"
            "sip:sip.test"
            (String.Concat("sip:", user, "@sip.test"))
            transport
            (fresh ())
            [ contact; "Expires: 600" ]
            ""

    /// A MESSAGE to a user, with this text.
    let message transport user id (text: string) =
        request
            "MESSAGE"
            (String.Concat("sip:", user, "@sip.test"))
            "sip:live@sip.test"
            transport
            id
            [ "Content-Type: text/plain" ]
            text

    /// A call to whoever this URI leads to, with this body.
    let inviteTo uri transport id (body: string) =
        request
            "INVITE"
            uri
            "sip:live@sip.test"
            transport
            id
            [ "Contact: <sip:live@live.invalid;transport=tcp>"; "Content-Type: text/plain" ]
            body

    /// A call to a user.
    let invite transport user id (body: string) =
        inviteTo (String.Concat("sip:", user, "@sip.test")) transport id body

    /// Whether an answer has this status and answers the request with this Call-ID.
    let isAnswer (status: int) (id: string) (answer: string) =
        answer.StartsWith(String.Concat("SIP/2.0 ", string status, " "), StringComparison.Ordinal)
        && answer.Contains(String.Concat("Call-ID: ", id, "\r\n"), StringComparison.Ordinal)
