// Via: one step of the way that a request has come, which its responses go back (RFC 3261 §20.42).

namespace Sip

open System

/// One Via value. The transport is text because a message may have travelled by one we do not speak.
type Via =
    {
        Transport: string
        Host: Host
        Port: int voption
        Parameters: Parameters
    }

/// Asking and printing Via values.
[<RequireQualifiedAccess>]
module Via =

    /// The value as it is printed.
    let print (via: Via) : string =
        let port =
            match via.Port with
            | ValueSome port -> String.Concat(":", string port)
            | ValueNone -> ""

        String.Concat("SIP/2.0/", via.Transport, " ")
        + String.Concat(Host.print via.Host, port, Parameters.print via.Parameters)

    /// The branch, if one is there.
    let branch (via: Via) : string voption =
        Parameters.value "branch" via.Parameters
