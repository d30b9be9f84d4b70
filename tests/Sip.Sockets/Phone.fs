// Phone: a small user agent of the tests' own (RFC 3261 §8, §12) on one line: it registers, answers
// challenges, and keeps dialogs with their route sets as a user agent has to.

namespace Sip.Sockets

open System
open System.Collections.Generic
open System.Text.RegularExpressions
open System.Threading.Tasks

/// One side of a call.
type Dialog =
    {
        CallId: string
        Local: string
        Remote: string
        /// The far end's Contact URI.
        Target: string
        /// In the order in which this side writes them.
        Routes: string list
    }

/// A user agent.
[<Sealed>]
type Phone(line: Line, user: string, password: string, domain: string) =

    let identity = Guid.NewGuid().ToString("N").Substring(0, 12)
    let seen = HashSet<string>()
    let mutable sequence = 0

    // A made-up name, as a browser writes it, or one that a NAT has made wrong.
    let sentBy =
        match line.Transport with
        | "ws"
        | "wss" -> $"{identity}.invalid"
        | _ -> "192.0.2.99:5999"

    let contact =
        match line.Transport with
        | "ws"
        | "wss" -> $"sip:{user}@{sentBy};transport=ws"
        | "udp" -> $"sip:{user}@{line.Local}"
        | other -> $"sip:{user}@{line.Local};transport={other}"

    member _.Line = line
    member _.User = user
    member _.Password = password
    member _.Domain = domain
    member _.Aor = $"sip:{user}@{domain}"
    member _.Contact = contact

    /// The Via that this phone would write with a new branch.
    member _.Via() : string =
        let branch = Guid.NewGuid().ToString "N"
        $"SIP/2.0/{line.Transport.ToUpperInvariant()} {sentBy};branch=z9hG4bK{branch};rport"

    /// That Via as the server shall send it back: without `rport`, then with the true source.
    member _.Stamped(via: string) : string =
        via.Replace(";rport", "")
        + $";received={line.Local.Address};rport={line.Local.Port}"

    member _.Send(bytes: byte[]) : Task = line.Send bytes

    /// The next message that is no retransmission.
    member this.Next() : Task<Said> =
        task {
            let! bytes = line.Receive()
            let said = Said.read bytes

            if seen.Add(Said.identity said) then
                return said
            else
                return! this.Next()
        }

    /// The next message but 100, which must be a response with this status.
    member this.Response(status: int) : Task<Said> =
        task {
            let! said = this.Next()

            if Said.status said = 100 && status <> 100 then
                return! this.Response status
            elif Said.status said <> status then
                return failwith $"{user} on {line.Transport} awaited {status}, not {said.Start}"
            else
                return said
        }

    /// The next message, which must be a request with this method.
    member this.Request(method: string) : Task<Said> =
        task {
            let! said = this.Next()

            if Said.method said <> method then
                return failwith $"{user} on {line.Transport} awaited {method}, not {said.Start}"
            else
                return said
        }

    /// The CSeq number of the next request.
    member _.NextSequence() : int =
        sequence <- sequence + 1
        sequence

    /// Answers a request; to all but 100 belongs a tag.
    member _.Answer
        (request: Said, status: int, phrase: string, headers: (string * string) list, body: byte[])
        : Task =
        let target = Said.one "To" request

        let tagged =
            if Regex.IsMatch(target, @";\s*tag\s*=") || status = 100 then
                target
            else
                $"{target};tag={identity}"

        line.Send(
            Said.write
                $"SIP/2.0 {status} {phrase}"
                ([ for via in Said.all "Via" request -> "Via", via ]
                 @ [
                     "From", Said.one "From" request
                     "To", tagged
                     "Call-ID", Said.one "Call-ID" request
                     "CSeq", Said.one "CSeq" request
                 ]
                 @ headers)
                body
        )

/// Making requests and dialogs.
[<RequireQualifiedAccess>]
module Phone =

    let private sdpType = "Content-Type", "application/sdp"

    let sdp =
        Said.bytes "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=\xE9\x80\x80\r\nt=0 0\r\n"

    /// A phone on a new connection.
    let connect transport server user password domain : Task<Phone> =
        task {
            let! line = Line.connect transport server
            return Phone(line, user, password, domain)
        }

    /// A request as it is written, and its Via.
    let request
        (phone: Phone)
        (method: string)
        (uri: string)
        (from: string, target: string, callId: string, sequence: int)
        (headers: (string * string) list)
        (body: byte[])
        : struct (byte[] * string) =
        let via = phone.Via()

        let written =
            Said.write
                $"{method} {uri} SIP/2.0"
                ([
                    "Via", via
                    "Max-Forwards", "70"
                    "From", from
                    "To", target
                    "Call-ID", callId
                    "CSeq", $"{sequence} {method}"
                 ]
                 @ headers)
                body

        struct (written, via)

    let tag () =
        Guid.NewGuid().ToString("N").Substring(0, 10)

    let private callId () = Guid.NewGuid().ToString "N"

    let private acknowledge (phone: Phone) (sent: byte[]) (response: Said) : Task =
        let sent = Said.read sent

        phone.Send(
            Said.write
                $"ACK {Said.target sent} SIP/2.0"
                [
                    "Via", Said.one "Via" sent
                    "Max-Forwards", "70"
                    "From", Said.one "From" sent
                    "To", Said.one "To" response
                    "Call-ID", Said.one "Call-ID" sent
                    "CSeq", (Said.one "CSeq" sent).Split(' ').[0] + " ACK"
                ]
                [||]
        )

    /// Sends a request outside a dialog; a challenge is answered once. What was sent last, its Via,
    /// and the request's From.
    let ask
        (phone: Phone)
        (method: string)
        (uri: string)
        (target: string)
        (headers: (string * string) list)
        (body: byte[])
        : Task<struct (byte[] * string * string)> =
        task {
            let from = $"<{phone.Aor}>;tag={tag ()}"
            let callId = callId ()

            let again extra =
                let place = from, target, callId, phone.NextSequence()
                request phone method uri place (headers @ extra) body

            let struct (first, _) = again []
            do! phone.Send first

            let status, challengeName, answerName =
                if method = "REGISTER" then
                    401, "WWW-Authenticate", "Authorization"
                else
                    407, "Proxy-Authenticate", "Proxy-Authorization"

            let! challenged = phone.Response status

            if method = "INVITE" then
                do! acknowledge phone first challenged

            let challenge = Said.one challengeName challenged
            let credentials = Digest.answer phone.User phone.Password method uri challenge
            let struct (second, via) = again [ answerName, credentials ]
            do! phone.Send second
            return struct (second, via, from)
        }

    /// Registers the phone's Contact and returns the 200.
    let register (phone: Phone) : Task<Said> =
        task {
            let contact = [ "Contact", $"<{phone.Contact}>;expires=600" ]
            let! _ = ask phone "REGISTER" $"sip:{phone.Domain}" $"<{phone.Aor}>" contact [||]
            return! phone.Response 200
        }

    /// A phone on a new connection, registered.
    let signedIn transport server user password domain : Task<Phone> =
        task {
            let! phone = connect transport server user password domain
            let! _ = register phone
            return phone
        }

    /// The ACK of a final response that is no 2xx.
    let acknowledgeFailure phone (sent: byte[]) (response: Said) = acknowledge phone sent response

    /// The dialog of the caller, from the response that made it (§12.1.2).
    let dialogOfCaller (response: Said) : Dialog =
        {
            CallId = Said.one "Call-ID" response
            Local = Said.one "From" response
            Remote = Said.one "To" response
            Target = Said.uri (Said.one "Contact" response)
            Routes = List.rev (Said.all "Record-Route" response)
        }

    /// The dialog of the callee, from the request and the tag that it answered with (§12.1.1).
    let dialogOfCallee (request: Said) (local: string) : Dialog =
        {
            CallId = Said.one "Call-ID" request
            Local = local
            Remote = Said.one "From" request
            Target = Said.uri (Said.one "Contact" request)
            Routes = Said.all "Record-Route" request
        }

    /// A request inside a dialog: the remote target as Request-URI and the route set as it is
    /// (§12.2.1.1: every route of ours is loose).
    let within phone dialog method sequence headers body : struct (byte[] * string) =
        request
            phone
            method
            dialog.Target
            (dialog.Local, dialog.Remote, dialog.CallId, sequence)
            ([ for route in dialog.Routes -> "Route", route ] @ headers)
            body

    /// The headers of an INVITE, or of its answer with what the request recorded.
    let offering (phone: Phone) : (string * string) list =
        [ "Contact", $"<{phone.Contact}>"; sdpType ]
