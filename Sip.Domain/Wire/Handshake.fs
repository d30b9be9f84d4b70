// Handshake: whether an HTTP request may become a WebSocket that carries SIP (RFC 6455 §4.2,
// RFC 7118 §4). Strict: what is not understood is refused, in words.

namespace Sip.Wire

open System
open System.Security.Cryptography
open Sip

/// The paths at which there is a WebSocket.
[<RequireQualifiedAccess>]
type Paths =
    | AnyPath
    | OnlyPaths of Paths: string list

/// The names by which this server may be asked for; a name without a port means any port.
[<RequireQualifiedAccess>]
type Hosts =
    | AnyHost
    | OnlyHosts of Names: string list

/// The web pages from which a browser may connect; whoever sends no Origin is not a browser.
[<RequireQualifiedAccess>]
type Origins =
    | AnyOrigin
    /// Pages of the very host that is asked for, whatever their port, and these.
    | SameHostOr of Origins: string list
    | OnlyOrigins of Origins: string list

/// What a handshake must ask for.
type HandshakeRules =
    {
        Paths: Paths
        Hosts: Hosts
        Origins: Origins
    }

/// What becomes of the bytes of a handshake.
[<RequireQualifiedAccess>]
type HandshakeOutcome =
    /// The response that opens the WebSocket, and the length of the request's head.
    | Accept of Response: byte[] * HeadLength: int
    /// The response that says no, and why in words; the connection is to be closed after it.
    | Refuse of Status: int * Response: byte[] * Reason: string
    | Incomplete

/// Shaking hands.
[<RequireQualifiedAccess>]
module Handshake =

    type private No =
        {
            Status: int
            Extra: string list
            Reason: string
        }

    /// Bytes that the head of a handshake may have.
    let maximumHead: int = 8192

    /// Anything goes.
    let anything: HandshakeRules =
        {
            Paths = Paths.AnyPath
            Hosts = Hosts.AnyHost
            Origins = Origins.AnyOrigin
        }

    let private phrase status =
        match status with
        | 400 -> "Bad Request"
        | 401 -> "Unauthorized"
        | 403 -> "Forbidden"
        | 404 -> "Not Found"
        | 405 -> "Method Not Allowed"
        | 426 -> "Upgrade Required"
        | 431 -> "Request Header Fields Too Large"
        | 505 -> "HTTP Version Not Supported"
        | _ -> "Refused"

    let private no status reason : Result<unit, No> =
        Error
            {
                Status = status
                Extra = []
                Reason = reason
            }

    let private response (no: No) =
        let extra = no.Extra |> List.map (fun line -> String.Concat(line, "\r\n"))

        [
            [ "HTTP/1.1 "; string no.Status; " "; phrase no.Status; "\r\n" ]
            extra
            [ "Connection: close\r\nContent-Type: text/plain\r\nContent-Length: " ]
            [ string (no.Reason.Length + 1); "\r\n\r\n"; no.Reason; "\n" ]
        ]
        |> List.concat
        |> String.concat ""
        |> Text.toBytes

    let private refusal (no: No) =
        HandshakeOutcome.Refuse(no.Status, response no, no.Reason)

    /// The refusal with this status and these words; a 401 says by what somebody is proven (RFC 9110 §15.5.2).
    let refuse (status: int) (reason: string) : HandshakeOutcome =
        refusal
            {
                Status = status
                Extra = if status = 401 then [ "WWW-Authenticate: Bearer" ] else []
                Reason = reason
            }

    let private isHttp _ (request: HttpRequest) =
        if request.Version = "HTTP/1.1" then
            Ok()
        else
            no 505 "A WebSocket is opened with HTTP/1.1."

    let private isGet _ (request: HttpRequest) =
        if request.Method = "GET" then
            Ok()
        else
            Error
                {
                    Status = 405
                    Extra = [ "Allow: GET" ]
                    Reason = "A WebSocket is opened with GET."
                }

    let private singletons =
        [
            "Host"
            "Origin"
            "Sec-WebSocket-Key"
            "Sec-WebSocket-Version"
            "Content-Length"
        ]

    let private isSingle _ (request: HttpRequest) =
        match
            singletons
            |> List.tryFind (fun name -> (HttpRequest.values name request).Length > 1)
        with
        | Some name -> no 400 (String.Concat(name, " stands there twice."))
        | None -> Ok()

    let private hasNoBody _ (request: HttpRequest) =
        let lengths = HttpRequest.values "Content-Length" request

        if
            HttpRequest.values "Transfer-Encoding" request <> []
            || List.exists (fun l -> l <> "0") lengths
        then
            no 400 "A WebSocket handshake has no body."
        else
            Ok()

    let private hostOf (authority: string) =
        let colon = authority.LastIndexOf ':'

        if colon > authority.LastIndexOf ']' then
            authority.Substring(0, colon)
        else
            authority

    let private isAllowedHost rules (request: HttpRequest) =
        match HttpRequest.values "Host" request with
        | [ host ] when host <> "" ->
            match rules.Hosts with
            | Hosts.AnyHost -> Ok()
            | Hosts.OnlyHosts names ->
                let isNamed name =
                    Text.sameText name host || Text.sameText name (hostOf host)

                if List.exists isNamed names then
                    Ok()
                else
                    no 403 "This server does not answer to that Host."
        | _ -> no 400 "Host is missing."

    let private asksForUpgrade _ (request: HttpRequest) =
        let asks = HttpRequest.elements "Upgrade" request

        if asks = [] then
            Error
                {
                    Status = 426
                    Extra = [ "Upgrade: websocket" ]
                    Reason =
                        "This port is for SIP over WebSocket (RFC 7118): connect a SIP phone "
                        + "to it, not a browser window."
                }
        elif not (List.exists (Text.sameText "websocket") asks) then
            no 400 "Upgrade does not name websocket."
        elif
            not (
                HttpRequest.elements "Connection" request
                |> List.exists (Text.sameText "upgrade")
            )
        then
            no 400 "Connection does not name Upgrade."
        else
            Ok()

    let private isAllowedPath rules (request: HttpRequest) =
        let path = request.Target.Split('?').[0]

        match rules.Paths with
        | _ when not (path.StartsWith '/') -> no 404 "There is no WebSocket at this path."
        | Paths.AnyPath -> Ok()
        | Paths.OnlyPaths paths when List.contains path paths -> Ok()
        | Paths.OnlyPaths _ -> no 404 "There is no WebSocket at this path."

    let private isVersion13 _ (request: HttpRequest) =
        match HttpRequest.values "Sec-WebSocket-Version" request with
        | [ "13" ] -> Ok()
        | _ ->
            Error
                {
                    Status = 426
                    Extra = [ "Upgrade: websocket"; "Sec-WebSocket-Version: 13" ]
                    Reason = "This server speaks version 13 of the WebSocket protocol."
                }

    let private isKey (key: string) =
        let bytes = Array.zeroCreate<byte> 18
        let mutable written = 0

        key.Length = 24
        && Convert.TryFromBase64String(key, Span bytes, &written)
        && written = 16

    let private hasKey _ (request: HttpRequest) =
        match HttpRequest.values "Sec-WebSocket-Key" request with
        | [ key ] when isKey key -> Ok()
        | _ -> no 400 "Sec-WebSocket-Key is not 16 bytes in base64."

    let private speaksSip _ (request: HttpRequest) =
        if List.contains "sip" (HttpRequest.elements "Sec-WebSocket-Protocol" request) then
            Ok()
        else
            no 400 "Sec-WebSocket-Protocol does not offer sip (RFC 7118 section 4)."

    // scheme "://" host [ ":" port ] (RFC 6454 §6.2); whoever writes more than that is no browser.
    let private originHost (origin: string) =
        let start = origin.IndexOf "://"
        let authority = if start < 0 then "" else origin.Substring(start + 3)
        let host = hostOf authority
        let port = authority.Substring host.Length
        let isPort = port.Length > 1 && String.forall Char.IsAsciiDigit (port.Substring 1)

        if start > 0 && (port = "" || isPort) then
            Some host
        else
            None

    let private isAllowedOrigin rules (request: HttpRequest) =
        let named origins origin =
            List.exists (Text.sameText origin) origins

        let isAllowed origin =
            match rules.Origins with
            | Origins.AnyOrigin -> true
            | Origins.OnlyOrigins origins -> named origins origin
            | Origins.SameHostOr origins ->
                let isSame host =
                    match originHost origin with
                    | Some page -> Text.sameText page (hostOf host)
                    | None -> false

                named origins origin || List.exists isSame (HttpRequest.values "Host" request)

        if List.forall isAllowed (HttpRequest.values "Origin" request) then
            Ok()
        else
            no 403 "Pages of that Origin may not connect here."

    /// In this order: what HTTP asks for, who may come, what RFC 6455 asks for.
    let private checks =
        [
            isHttp
            isGet
            isSingle
            hasNoBody
            isAllowedHost
            asksForUpgrade
            isAllowedPath
            isAllowedOrigin
            isVersion13
            hasKey
            speaksSip
        ]

    /// The answer to a key (RFC 6455 §4.2.2 step 5).
    let acceptOf (key: string) : string =
        String.Concat(key, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
        |> Text.toBytes
        |> SHA1.HashData
        |> Convert.ToBase64String

    let private acceptance request =
        String.Concat(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
            "Sec-WebSocket-Accept: ",
            acceptOf (List.head (HttpRequest.values "Sec-WebSocket-Key" request)),
            "\r\nSec-WebSocket-Protocol: sip\r\n\r\n"
        )
        |> Text.toBytes

    let private judge rules headLength request =
        let verdict =
            checks
            |> List.fold (fun so check -> Result.bind (fun () -> check rules request) so) (Ok())

        match verdict with
        | Ok() -> HandshakeOutcome.Accept(acceptance request, headLength)
        | Error no -> refusal no

    /// What becomes of the bytes; `scanned` of them are known not to end the head.
    let resume (rules: HandshakeRules) (scanned: int) (bytes: ReadOnlySpan<byte>) =
        let from = max 0 (scanned - 3)
        let stop = bytes.Slice(from).IndexOf(ReadOnlySpan "\r\n\r\n"B)
        let headLength = from + stop + 4

        if stop >= 0 && headLength <= maximumHead then
            match HttpRequest.read (Text.ofBytes (bytes.Slice(0, headLength - 4))) with
            | Some request -> judge rules headLength request
            | None -> refuse 400 "This is not an HTTP request."
        elif stop >= 0 || bytes.Length >= maximumHead then
            refuse 431 "The head of a WebSocket handshake has at most 8192 bytes."
        else
            HandshakeOutcome.Incomplete

    /// What becomes of the bytes that a client of HTTP sent first.
    let receive (rules: HandshakeRules) (bytes: ReadOnlySpan<byte>) : HandshakeOutcome =
        resume rules 0 bytes
