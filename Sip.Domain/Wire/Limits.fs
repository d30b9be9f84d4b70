// Limits: how much of anything is accepted before reading stops. Each bound has a Fault of its own.

namespace Sip.Wire

open Sip

/// The bounds of one message.
type Limits =
    {
        /// Bytes of a whole message, head and body.
        MessageSize: int<octet>
        /// Bytes of one header field, folded lines included.
        FieldSize: int<octet>
        /// Header fields of a message.
        FieldCount: int
    }

/// Choosing limits.
[<RequireQualifiedAccess>]
module Limits =

    /// 64 KiB a message, 8 KiB a header field, 200 header fields.
    let usual: Limits =
        {
            MessageSize = 65536<octet>
            FieldSize = 8192<octet>
            FieldCount = 200
        }
