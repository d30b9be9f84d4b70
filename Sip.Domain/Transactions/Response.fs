// Response: what the machines carry: a response's status and its bytes, ready to be sent.

namespace Sip.Transactions

open System
open Sip

/// A response as the transaction layer sees it. Its bytes are good for as long as their owner says: a
/// machine that keeps a response in its state is given one whose bytes are kept for it.
[<Struct>]
type Response =
    {
        Status: Status
        Bytes: ReadOnlyMemory<byte>
    }

/// A response's class (RFC 3261 §7.2): provisional, success or another final response.
[<RequireQualifiedAccess; Struct>]
type Class =
    | Provisional
    | Success
    | Failure

/// Telling responses apart.
[<RequireQualifiedAccess>]
module Response =

    /// The class of a status.
    let classOf (status: Status) : Class =
        if status.Number < 200 then Class.Provisional
        elif status.Number < 300 then Class.Success
        else Class.Failure
