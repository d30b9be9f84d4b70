// Refusal: why a REGISTER that is a proper message changes nothing, and what is answered to it
// (RFC 3261 §10.3, RFC 5626 §6, RFC 5630 §5.2).

namespace Sip.Registrar

open Sip

/// A reason to refuse a REGISTER as a whole.
[<RequireQualifiedAccess>]
type Refusal =
    /// `Contact: *` came without `Expires: 0`.
    | StarWithoutZero
    /// There are more Contact values than one request may have.
    | Crowded
    /// A `q` is not a number from 0 to 1.
    | MalformedQuality
    /// More than one contact is to be bound, and one of them to a flow.
    | SeveralOnOneFlow
    /// A contact of an instance leads back to its address of record (RFC 5627 §5.1).
    | Loops
    /// A contact of an instance is no SIP URI.
    | NotSip
    /// The REGISTER has a Path, and its client does not say that it knows Path.
    | PathUnknown
    /// A SIPS contact came over a way that is not SIPS all along.
    | Insecure
    /// The first hop keeps no flow for a client that asked for one.
    | LacksOutbound
    /// An interval is shorter than the registrar cares to refresh.
    | TooBrief of Minimum: int64<s>
    /// A binding already has this CSeq or a later one.
    | OutOfOrder
    /// The address of record has all the bindings that it may have.
    | Full

/// What is answered to a refused REGISTER.
[<RequireQualifiedAccess>]
module Refusal =

    /// The status code.
    let status (refusal: Refusal) : Status =
        match refusal with
        | Refusal.StarWithoutZero
        | Refusal.Crowded
        | Refusal.MalformedQuality
        | Refusal.SeveralOnOneFlow
        | Refusal.Insecure -> Status.badRequest
        | Refusal.Loops
        | Refusal.NotSip -> Status.forbidden
        | Refusal.PathUnknown -> fst PathUse.refusal
        | Refusal.LacksOutbound -> Status.firstHopLacksOutbound
        | Refusal.TooBrief _ -> Status.intervalTooBrief
        | Refusal.OutOfOrder -> Status.serverError
        // Not 503, which tells a proxy to take its other requests elsewhere (RFC 3261 §21.5.4).
        | Refusal.Full -> Status.forbidden

    /// The reason phrase, which says what to mend.
    let reason (refusal: Refusal) : string =
        match refusal with
        | Refusal.StarWithoutZero -> "Contact * Needs Expires 0"
        | Refusal.Crowded -> "Too Many Contacts In One Request"
        | Refusal.MalformedQuality -> "Malformed q In Contact"
        | Refusal.SeveralOnOneFlow -> "Only One Contact With reg-id"
        | Refusal.Insecure -> "SIPS Contact Needs SIPS Request-URI And Path"
        | Refusal.Loops -> "Contact Leads Back To Its Own Address"
        | Refusal.NotSip -> "Contact With +sip.instance Is No SIP URI"
        | Refusal.PathUnknown
        | Refusal.LacksOutbound
        | Refusal.TooBrief _ -> Status.phrase (status refusal)
        | Refusal.OutOfOrder -> "CSeq Out Of Order"
        | Refusal.Full -> "Too Many Registered Contacts"

    /// The headers that the answer must have, as names and values.
    let headers (refusal: Refusal) : (string * string) list =
        match refusal with
        | Refusal.PathUnknown -> snd PathUse.refusal
        | Refusal.TooBrief minimum -> [ "Min-Expires", string (int64 minimum) ]
        | Refusal.StarWithoutZero
        | Refusal.Crowded
        | Refusal.MalformedQuality
        | Refusal.SeveralOnOneFlow
        | Refusal.Loops
        | Refusal.NotSip
        | Refusal.Insecure
        | Refusal.LacksOutbound
        | Refusal.OutOfOrder
        | Refusal.Full -> []
