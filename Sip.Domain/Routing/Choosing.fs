// Choosing: which of the places that were found for a user a request goes to, and in which order: what its
// Request-Disposition, Accept-Contact and Reject-Contact ask for (RFC 3841 §7).

namespace Sip.Routing

open Sip
open Sip.Wire

/// Reading a request's preferences and obeying them.
[<RequireQualifiedAccess>]
module Choosing =

    let private has (name: HeaderName) (request: Message) =
        (Message.field name request).Line.IsThere

    /// What the request asks of every proxy on its way.
    let disposition (request: Message) : Disposition =
        if has HeaderName.RequestDisposition request then
            CallerPreferences.disposition (Message.texts HeaderName.RequestDisposition request)
        else
            CallerPreferences.usual

    // What cannot be read asks for nothing: preferences are no reason to refuse a call.
    let private predicates (name: HeaderName) (request: Message) : Parameters list =
        Message.texts name request
        |> List.collect (fun text ->
            match Lexical.read GrammarField.contactPredicates text with
            | Ok predicates -> predicates
            | Error _ -> [])

    let private preferences (request: Message) : Preferences =
        {
            Accept =
                predicates HeaderName.AcceptContact request
                |> List.map CallerPreferences.preference
            Reject = predicates HeaderName.RejectContact request |> List.map Features.terms
        }

    /// The places in the groups that the request wants.
    let places (request: Message) (groups: Place list list) : Place list list =
        if
            has HeaderName.RequestDisposition request
            || has HeaderName.AcceptContact request
            || has HeaderName.RejectContact request
        then
            CallerPreferences.apply
                (disposition request)
                (preferences request)
                _.Capabilities
                groups
        else
            groups
