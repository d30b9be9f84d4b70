// Steps: how what one read leads to is put into a step, and how a connection's memory begins and ends.

namespace Sip.Wire

open System
open Sip

/// Making steps.
[<RequireQualifiedAccess>]
module internal Steps =

    /// A connection that begins in a phase, which has to be over by then.
    let starting phase deadline : StreamState =
        {
            Phase = phase
            Scanned = 0
            Assembly = Assembly.none
            Deadline = deadline
            Ping = Instant.Never
            Pong = Instant.Never
            Whole = Instant.Never
        }

    /// A connection that is over.
    let closed = starting Phase.Closed Instant.Never

    /// A step with an event and nothing else.
    let step state consumed event : StreamStep =
        {
            State = state
            Consumed = consumed
            Event = event
            Offset = 0
            Length = 0
            Bytes = Array.Empty()
            Reason = ""
        }

    /// More bytes are needed.
    let needMore state consumed =
        step state consumed StreamEvent.NeedMore

    /// A message stands there.
    let message state consumed offset length =
        { step state consumed StreamEvent.Message with
            Offset = offset
            Length = length
        }

    /// These bytes are the answer.
    let write state consumed bytes =
        { step state consumed StreamEvent.Write with
            Bytes = bytes
        }

    /// These bytes are the last.
    let closeAfter consumed bytes reason =
        { step closed consumed StreamEvent.CloseAfter with
            Bytes = bytes
            Reason = reason
        }

    /// The connection is ended by a Close with this code.
    let fail consumed (code: int) (reason: string) =
        closeAfter consumed (Frames.close code reason) reason
