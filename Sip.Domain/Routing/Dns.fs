// Dns: what is asked of the domain name system to find a SIP server, and what it answers, as values
// (RFC 3263 §4; RFC 3403 NAPTR, RFC 2782 SRV).

namespace Sip.Routing

open Sip

/// A question. Names are in lower case, without a dot at the end.
[<RequireQualifiedAccess>]
type Question =
    | Naptr of Name: string
    | Srv of Name: string
    | A of Name: string
    | Aaaa of Name: string

/// A rule of NAPTR: which service is found where.
type NaptrRecord =
    {
        Order: int
        Preference: int
        Flags: string
        Service: string
        Replacement: string
    }

/// A server of a service; a target of `.` says that there is none.
type SrvRecord =
    {
        Priority: int
        Weight: int
        Port: int
        Target: string
    }

/// An answer.
[<RequireQualifiedAccess>]
type Answer =
    | Naptr of Records: NaptrRecord list
    | Srv of Records: SrvRecord list
    | Addresses of Addresses: Address list
    /// There is no such name, or nothing of that kind by it.
    | NoSuchName
    /// Nobody answered in time, or only to say that they could not.
    | Failed
