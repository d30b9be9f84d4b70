// Throttles: what each configured peer asks us to keep back, by the address and the port that it is reached at (RFC 7339
// §5.4). Whoever says nothing of it has no entry and costs nothing. HOT while one is there.

namespace Sip.Edge

open System.Collections.Generic
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Guarding

/// The throttles of one ledger.
[<Sealed>]
type internal Throttles() =
    let throttles = Dictionary<Endpoint, Throttle>()
    let most = 256
    let mutable withheld = 0L

    let endOf (hop: Hop) : Endpoint =
        match hop with
        | Hop.Flow flow -> flow.Remote
        | Hop.Dial there ->
            {
                Address = there.Address
                Port = there.Port
            }

    // Two servers decide each for itself about one request, and one server once.
    let castFor (there: Endpoint) (dice: uint64) =
        dice
        ^^^ ((there.Address.High ^^^ there.Address.Low ^^^ uint64 there.Port)
             * 0x9E3779B97F4A7C15UL)

    /// A response has come from a peer, to what was sent by this hop.
    member _.Hear(now: Instant, hop: Hop, response: Message) : unit =
        match OverloadControl.feedback response with
        | ValueNone -> ()
        | ValueSome feedback ->
            let there = endOf hop

            match throttles.TryGetValue there with
            | true, known -> throttles[there] <- Throttle.hear now feedback known
            | false, _ when throttles.Count < most ->
                throttles[there] <- Throttle.hear now feedback Throttle.fresh
            | false, _ -> ()

    /// Whether nobody asks for anything.
    member _.IsEmpty: bool = throttles.Count = 0

    /// Whether one more request goes by this hop.
    member _.Judge(now: Instant, hop: Hop, urgency: Urgency, dice: uint64) : Passage =
        let there = endOf hop

        match throttles.TryGetValue there with
        | true, known ->
            let struct (after, passage) = Throttle.judge now urgency (castFor there dice) known

            throttles[there] <- after

            if passage = Passage.Stays then
                withheld <- withheld + 1L

            passage
        | false, _ -> Passage.Goes

    /// How many requests were kept back.
    member _.Withheld: int64 = withheld
