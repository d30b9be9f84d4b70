// Binding: one place where the user of an address of record can be reached, until when and by which
// way (RFC 3261 §10, RFC 3327 §5.3, RFC 5626 §6); what makes two of them one, and how one ends.

namespace Sip.Registrar

open Sip

/// What a contact is told apart by: its URI, or one flow of one user agent (RFC 5626 §6).
[<RequireQualifiedAccess>]
type Identity =
    | Address of Uri: Uri
    | Outbound of Instance: string * RegId: int

/// A contact address that is bound to an address of record.
type Binding =
    {
        /// The Contact value as it was written, parameters included.
        Contact: NameAddr
        /// The Call-ID of the REGISTER that last set the binding.
        CallId: string
        /// The CSeq number of that REGISTER.
        CSeq: uint32
        /// When the binding ends; from that instant on it is no longer there.
        Expires: Instant
        /// The preference `q` in thousandths.
        Quality: int
        /// The flow that the REGISTER came by.
        Flow: Flow
        /// The Path values of the REGISTER, as written.
        Path: string list
        /// The URN out of `+sip.instance`, in the form that compares equal.
        Instance: string voption
        /// The `reg-id`, if the binding is one to a flow.
        RegId: int voption
    }

/// Why a binding ended.
[<RequireQualifiedAccess; Struct>]
type Departure =
    /// Nobody refreshed it in time.
    | Expired
    /// A REGISTER took it away by an interval of zero.
    | Unregistered
    /// Another contact was registered that stands for it, too.
    | Replaced
    /// It had to make room for a newer one.
    | Evicted
    /// Its flow is gone.
    | FlowClosed
    /// An operator took it away.
    | Withdrawn

/// What happened to one binding.
[<RequireQualifiedAccess>]
type Change =
    | Added of Binding: Binding
    | Refreshed of Before: Binding * After: Binding
    | Removed of Binding: Binding * Departure: Departure

/// Asking bindings.
[<RequireQualifiedAccess>]
module Binding =

    // RFC 5630 §5.1.1.1: the SIPS form of a contact replaces its SIP form, and the other way.
    let private sameAddress (left: Uri) (right: Uri) : bool =
        match left, right with
        | Uri.Sip one, Uri.Sip other when one.Scheme <> other.Scheme ->
            Uri.sameSip { one with Scheme = other.Scheme } other
        | (Uri.Sip _ | Uri.Tel _ | Uri.Other _), _ -> Uri.same left right

    /// Whether two identities are one; two addresses are compared by RFC 3261 §19.1.4.
    let sameIdentity (left: Identity) (right: Identity) : bool =
        match left, right with
        | Identity.Address a, Identity.Address b -> sameAddress a b
        | Identity.Outbound(instance, regId), Identity.Outbound(instance', regId') ->
            instance = instance' && regId = regId'
        | Identity.Address _, Identity.Outbound _
        | Identity.Outbound _, Identity.Address _ -> false

    /// What a contact with this URI, instance and reg-id is told apart by; a reg-id counts only
    /// beside an instance.
    let identify (uri: Uri) (instance: string voption) (regId: int voption) : Identity =
        match instance, regId with
        | ValueSome instance, ValueSome regId -> Identity.Outbound(instance, regId)
        | ValueSome _, ValueNone
        | ValueNone, _ -> Identity.Address uri

    /// What a binding is told apart by.
    let identity (binding: Binding) : Identity =
        identify binding.Contact.Uri binding.Instance binding.RegId

    /// Whether the binding is still there.
    let isLive (now: Instant) (binding: Binding) : bool = not (binding.Expires.IsDue now)

    /// The whole seconds that are left, and 1 for the last fraction of one: 0 would say "removed".
    let remaining (now: Instant) (binding: Binding) : int64<s> =
        max 1L<s> (binding.Expires.Since now / 1000L<ms / s>)

    /// Whether requests to the contact leave by the binding's own flow; with a Path they take that.
    let isDirect (binding: Binding) : bool = List.isEmpty binding.Path

    /// The Contact value of an answer: as it was written, with the seconds that are left.
    let contact (now: Instant) (binding: Binding) : NameAddr =
        let seconds = string (int64 (remaining now binding))

        { binding.Contact with
            Parameters = Parameters.set "expires" (ValueSome seconds) binding.Contact.Parameters
        }
