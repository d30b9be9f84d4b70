// Reference: the slow twins of the hot readers and writers, as plain as can be.

module Sip.Properties.Reference

open Sip
open Sip.Wire

/// Replaces stretches of a text, given by where they start, how long they are and what comes instead.
let cutAndPaste (text: string) (cuts: (int * int * string) list) : string =
    cuts
    |> List.sortByDescending (fun (at, _, _) -> at)
    |> List.fold
        (fun (text: string) (at, length, piece) -> text.Remove(at, length).Insert(at, piece))
        text

/// The header that a name spells in any case.
let header (name: string) : HeaderName =
    match
        HeaderName.spellings
        |> List.tryFind (fun (_, spelling) -> Text.sameText spelling name)
    with
    | Some(header, _) -> header
    | None -> HeaderName.Other

/// The address that a host is.
let address (host: string) : Address voption =
    match Host.tryRead host with
    | ValueSome(Host.Address address) -> ValueSome address
    | ValueSome(Host.Name _)
    | ValueNone -> ValueNone
