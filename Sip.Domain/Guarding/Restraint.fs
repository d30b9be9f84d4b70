// Restraint: which share of their requests this server asks of its neighbours to keep back (RFC 7339 §5.3): as much as of
// theirs was refused, round after round, and less again once all is well. What strangers send has no part in it, lest a
// flood of theirs keep a trunk's calls away. Pure.

namespace Sip.Guarding

open Sip

/// What is asked of neighbours that take part.
[<Struct>]
type Restraint =
    {
        /// Of a hundred requests so many shall not come.
        Loss: int
        /// When that was decided.
        Since: Instant
        /// Of their requests since then: worked on, and refused or dropped.
        Worked: int
        Lost: int
    }

/// Asking for restraint.
[<RequireQualifiedAccess>]
module Restraint =

    /// How long a decision stands.
    let pace = 500L<ms>

    // Some have to come, for the others to hear of the end.
    let private most = 95

    // A tenth more of what comes, so that what was too much by a little is not exceeded by a lot.
    let private relieved (loss: int) : int =
        max 0 (loss - max 1 ((100 - loss) / 10))

    /// Nothing is asked.
    let none: Restraint =
        {
            Loss = 0
            Since = Instant.FromMilliseconds 0L
            Worked = 0
            Lost = 0
        }

    /// One of their requests has met its fate.
    let count (fate: Fate) (restraint: Restraint) : Restraint =
        match fate with
        | Fate.Work ->
            { restraint with
                Worked = restraint.Worked + 1
            }
        | Fate.Refuse
        | Fate.Drop ->
            { restraint with
                Lost = restraint.Lost + 1
            }

    /// Whether it is time to decide anew.
    let isDue (now: Instant) (restraint: Restraint) : bool = now.Since restraint.Since >= pace

    /// What is asked from now on.
    let decide (now: Instant) (isCalm: bool) (restraint: Restraint) : Restraint =
        let passing = 100 - restraint.Loss

        let loss =
            if isCalm then
                let rounds = min 100L (now.Since restraint.Since / pace)
                Seq.fold (fun loss _ -> relieved loss) restraint.Loss (seq { 1L .. rounds })
            elif restraint.Lost = 0 then
                restraint.Loss
            else
                let seen = int64 restraint.Worked + int64 restraint.Lost
                min most (100 - int (int64 passing * int64 restraint.Worked / seen))

        { none with Loss = loss; Since = now }
