// Sends: what a ledger sends, of all that it asks for.

module Sip.Properties.Sends

open Sip
open Sip.Routing
open Sip.Edge

/// The messages that go out, each with the hop that it goes to.
let texts (effects: Effect seq) : (Hop * string) list =
    [
        for effect in effects do
            match effect with
            | Effect.Send(hop, bytes) -> hop, Text.ofBytes bytes.Span
            | Effect.Hand _
            | Effect.Tell _
            | Effect.Ask _
            | Effect.Note _ -> ()
    ]
