// Restraining: what this server asks of the configured peers that take part in overload control, from how it fares with
// their requests (RFC 7339 §5.1, §5.2). Decided twice a second while somebody takes part.

namespace Sip.Edge

open Sip
open Sip.Wire
open Sip.Routing
open Sip.Guarding

/// Asking the peers of one ledger.
[<Sealed>]
type internal Restraining(station: Station, load: Load) =
    let mutable restraint = Restraint.none
    let mutable isWanted = false

    // What is answered lasts until two more decisions.
    let validity = 2L * Restraint.pace

    let say (now: Instant) =
        let second = int64 (Realm.unixTime station.Realm now)

        let feedback =
            {
                Loss = restraint.Loss
                Validity = if restraint.Loss = 0 then 0L<ms> else validity
                Sequence = second * 100_000L + now.Milliseconds % 1000L * 100L
            }

        station.Asked.Text <- Text.toBytes (OverloadControl.print feedback)

    /// Whose request has come, with what they have said about taking part.
    member _.Heard(now: Instant, source: FlowText, request: Message) : FlowText =
        match source.Standing with
        | Standing.Client -> source
        | Standing.Peer ->
            let participation = OverloadControl.participation request

            if participation = Participation.Participates && not isWanted then
                isWanted <- true
                restraint <- { restraint with Since = now }
                say now

            station.Flows.With(source, participation)

    /// What has become of a request of theirs.
    member _.Count(source: FlowText, fate: Fate) : unit =
        match source.Participation with
        | Participation.Abstains -> ()
        | Participation.Participates -> restraint <- Restraint.count fate restraint

    /// Decides anew, if it is time to.
    member _.Turn(now: Instant) : unit =
        if isWanted && Restraint.isDue now restraint then
            restraint <- Restraint.decide now load.IsCalm restraint
            say now
