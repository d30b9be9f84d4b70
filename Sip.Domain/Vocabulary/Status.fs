// Status: the code of a response, its class and its default phrase (RFC 3261 §21).

namespace Sip

/// A response code between 100 and 699.
[<Struct>]
type Status =
    private
    | Code of int

    /// The number.
    member this.Number = let (Code number) = this in number

    /// The status with this number, if it is one.
    static member TryOf(number: int) : Status voption =
        if number >= 100 && number <= 699 then
            ValueSome(Code number)
        else
            ValueNone

/// The statuses that this server itself gives, and what a code's class means.
[<RequireQualifiedAccess>]
module Status =
    let private code number = (Status.TryOf number).Value

    let trying = code 100
    let earlyDialogTerminated = code 199
    let ok = code 200
    let badRequest = code 400
    let unauthorized = code 401
    let forbidden = code 403
    let notFound = code 404
    let methodNotAllowed = code 405
    let proxyAuthenticationRequired = code 407
    let requestTimeout = code 408
    let requestEntityTooLarge = code 413
    let unsupportedUriScheme = code 416
    let badExtension = code 420
    let extensionRequired = code 421
    let intervalTooBrief = code 423
    let flowFailed = code 430
    let firstHopLacksOutbound = code 439
    let maxBreadthExceeded = code 440
    let temporarilyUnavailable = code 480
    let noSuchTransaction = code 481
    let loopDetected = code 482
    let tooManyHops = code 483
    let requestTerminated = code 487
    let serverError = code 500
    let notImplemented = code 501
    let serviceUnavailable = code 503
    let serverTimeout = code 504
    let versionNotSupported = code 505
    let messageTooLarge = code 513
    let decline = code 603

    /// Whether a code is provisional, and anything but final.
    let isProvisional (status: Status) : bool = status.Number < 200

    /// The phrase that RFC 3261 §21 gives a code, for the codes that this server gives.
    let phrase (status: Status) : string =
        match status.Number with
        | 100 -> "Trying"
        | 199 -> "Early Dialog Terminated"
        | 200 -> "OK"
        | 400 -> "Bad Request"
        | 401 -> "Unauthorized"
        | 403 -> "Forbidden"
        | 404 -> "Not Found"
        | 405 -> "Method Not Allowed"
        | 407 -> "Proxy Authentication Required"
        | 408 -> "Request Timeout"
        | 413 -> "Request Entity Too Large"
        | 416 -> "Unsupported URI Scheme"
        | 420 -> "Bad Extension"
        | 421 -> "Extension Required"
        | 423 -> "Interval Too Brief"
        | 430 -> "Flow Failed"
        | 439 -> "First Hop Lacks Outbound Support"
        | 440 -> "Max-Breadth Exceeded"
        | 480 -> "Temporarily Unavailable"
        | 481 -> "Call/Transaction Does Not Exist"
        | 482 -> "Loop Detected"
        | 483 -> "Too Many Hops"
        | 487 -> "Request Terminated"
        | 500 -> "Server Internal Error"
        | 501 -> "Not Implemented"
        | 503 -> "Service Unavailable"
        | 505 -> "Version Not Supported"
        | 513 -> "Message Too Large"
        | 603 -> "Decline"
        | _ -> "Unnamed"
