// Reason: why a request was sent, above all a CANCEL or a BYE (RFC 3326).

namespace Sip

open System

/// One Reason value: a protocol's name and what it says, as written.
type Reason =
    {
        Protocol: string
        Parameters: Parameters
    }

/// Making and printing Reason values.
[<RequireQualifiedAccess>]
module Reason =

    /// The reason that a SIP status is, in the words of its phrase.
    let ofStatus (status: Status) (words: string) : Reason =
        {
            Protocol = "SIP"
            Parameters =
                [
                    {
                        Name = "cause"
                        Value = ValueSome(string status.Number)
                    }
                    {
                        Name = "text"
                        Value = ValueSome(String.Concat("\"", words, "\""))
                    }
                ]
        }

    /// The value as it is printed.
    let print (reason: Reason) : string =
        String.Concat(reason.Protocol, Parameters.print reason.Parameters)
