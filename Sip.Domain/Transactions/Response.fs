// Response: what the machines carry: a response's status and its bytes, ready to be sent.

namespace Sip.Transactions

open System
open Sip

/// A response as the transaction layer sees it.
type Response =
    {
        Status: Status
        Bytes: ReadOnlyMemory<byte>
    }

/// Telling responses apart by their class (RFC 3261 §7.2).
[<RequireQualifiedAccess>]
module Response =

    /// Provisional, success or another final response.
    let (|Provisional|Success|Failure|) (status: Status) =
        if status.Number < 200 then Provisional
        elif status.Number < 300 then Success
        else Failure
