// Gathering: how long a shard lets messages gather before it looks for more. A thread that is woken for
// each message spends more on waking up than on the message; one that waits a moment deals with several
// at once. Nobody waits where nobody else is expected. HOT.

namespace Sip.Edge

open Sip

/// What a shard has lately seen, to the microsecond.
[<Struct>]
type Gathering =
    private
        {
            /// Messages in a microsecond.
            Rate: float
        }

/// Choosing how long to wait.
[<RequireQualifiedAccess>]
module Gathering =

    /// So many at once make the cost of waking up small.
    let private wanted = 16.0

    /// Half of RFC 3261's smallest time is 250 ms: nobody notices this. In microseconds.
    [<Literal>]
    let longest = 2000L

    /// What was seen a while ago counts less and less: after so many microseconds a third of it.
    let private memory = 20_000.0

    /// Nothing has been seen yet.
    let start: Gathering = { Rate = 0.0 }

    /// So many messages came in the microseconds since the last look.
    let saw (messages: int) (since: int64) (before: Gathering) : Gathering =
        let elapsed = float (max since 1L)
        let weight = 1.0 - exp (-elapsed / memory)

        {
            Rate = before.Rate + weight * (float messages / elapsed - before.Rate)
        }

    /// How long after the last look the next one is worth it: 0 where less than one more message is
    /// expected meanwhile.
    let pause (gathering: Gathering) : int64 =
        if gathering.Rate * float longest < 1.0 then
            0L
        else
            min longest (int64 (wanted / gathering.Rate))
