// Speaker: whose name stands in the From of a request within a dialog, seen from a user who has proven to be one
// (RFC 3261 §26.1.1). HOT: a name that is spelt as it was proven is told without making anything.

namespace Sip.Edge

open System
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Identity

/// In whose name somebody speaks.
[<RequireQualifiedAccess; Struct>]
type Speaker =
    /// In their own, in that of an instance of theirs, or in nobody's (RFC 3323).
    | Own
    /// By a name of another server's, such as a number that led to them.
    | Alien
    /// As somebody else of ours, or nobody has proven anything.
    | Stranger

/// Telling in whose name somebody speaks.
[<RequireQualifiedAccess>]
module Speaker =

    let private hidden = "anonymous.invalid"B

    /// Whether octets are a user's name as it was proven. An escape is another spelling: that is to be looked at
    /// more closely.
    let internal isSpelt (user: string) (octets: ReadOnlySpan<byte>) : bool =
        let mutable same = user.Length = octets.Length
        let mutable i = 0

        while same && i < octets.Length do
            same <- user[i] = char octets[i] && octets[i] <> '%'B
            i <- i + 1

        same

    // RFC 5627 §5.1: whoever was called by a temporary GRUU answers by it.
    let private isInstanceOf (keys: Keyring) (user: string) (uri: SipUri) : bool =
        match Gruu.read keys uri with
        | ValueSome(Gruu.Public(owner, _))
        | ValueSome(Gruu.Temporary(owner, _, _)) ->
            ValueOption.map Escape.decode owner.User = ValueSome user
        | ValueSome Gruu.Unknown
        | ValueNone -> false

    let private bySpelling (keys: Keyring) (user: string) isOurs (uri: Uri voption) : Speaker =
        match uri with
        | ValueSome(Uri.Sip sip) when isOurs ->
            match Principal.mayUse (Principal.at sip.Host user) (Uri.Sip sip) with
            | Use.Own
            | Use.Anonymous -> Speaker.Own
            | Use.Foreign when isInstanceOf keys user sip -> Speaker.Own
            | Use.Foreign -> Speaker.Stranger
        | ValueSome(Uri.Sip _ | Uri.Tel _ | Uri.Other _) -> Speaker.Alien
        | ValueNone -> Speaker.Stranger

    /// In whose name this user speaks in a request.
    let ofRequest (station: Station) (keys: Keyring) (user: string) (request: Message) : Speaker =
        let all = request.Bytes

        match AddressView.read all (Message.value HeaderName.From request) with
        | ValueNone -> Speaker.Stranger
        | ValueSome from ->
            let host = Slice.bytes all from.Uri.Host
            let isOurs = Station.isOurs station host

            if Text.same host (ReadOnlySpan hidden) then
                Speaker.Own
            elif isOurs && isSpelt user (Slice.bytes all from.Uri.User) then
                Speaker.Own
            else
                bySpelling keys user isOurs (UriView.toUri all from.Uri)
