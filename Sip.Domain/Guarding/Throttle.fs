// Throttle: which requests to a neighbour stay here, because it asks for fewer (RFC 7339 §5.5, §7.2). What is least
// urgent stays first; whatever is more urgent goes until all of that stays and it is not enough. Pure: time and dice are
// arguments, and a throttle has one size.

namespace Sip.Guarding

open Sip
open Sip.Routing

/// What is known of one neighbour.
[<Struct>]
type Throttle =
    private
        {
            Loss: int
            Until: Instant
            Sequence: int64
            // So long what has no later sequence number is late.
            Remembered: Instant
            // Six counts of ten bits: the requests of late of each urgency.
            Mix: uint64
        }

/// What becomes of a request to a neighbour.
[<RequireQualifiedAccess; Struct>]
type Passage =
    | Goes
    | Stays

/// Throttling.
[<RequireQualifiedAccess>]
module Throttle =

    let private bits = 10
    let private most = 512UL

    // What is left of each count when all are halved.
    let private halves = [ 0..5 ] |> List.sumBy (fun at -> 0x1FFUL <<< (bits * at))

    // The least urgent is first.
    let private place (urgency: Urgency) : int =
        match urgency with
        | Urgency.Rest -> 0
        | Urgency.Newcomer -> 1
        | Urgency.Call -> 2
        | Urgency.Returning -> 3
        | Urgency.Emergency -> 4
        | Urgency.UnderWay -> 5

    let private countAt (mix: uint64) (place: int) : int64 =
        int64 ((mix >>> (bits * place)) &&& 0x3FFUL)

    /// No neighbour is obeyed for longer without saying so again: at a loss of all nothing goes there, and
    /// nothing comes back that could end it.
    let longest = 600_000L<ms>

    // Responses are sent again for 64*T1.
    let private late = 32_000L<ms>

    /// Nothing is asked yet; of ten requests eight are new (§7.2), until it is known better.
    let fresh: Throttle =
        {
            Loss = 0
            Until = Instant.FromMilliseconds 0L
            Sequence = -1L
            Remembered = Instant.FromMilliseconds 0L
            Mix =
                (8UL <<< (bits * place Urgency.Call))
                + (2UL <<< (bits * place Urgency.UnderWay))
        }

    /// What a response of the neighbour's says counts from now on, unless something later was heard (§5.4). No
    /// loss, or no time, ends it (§5.7).
    let hear (now: Instant) (feedback: Feedback) (throttle: Throttle) : Throttle =
        if feedback.Sequence <= throttle.Sequence && not (throttle.Remembered.IsDue now) then
            throttle
        else
            let lasts =
                if feedback.Loss = 0 then
                    0L<ms>
                else
                    min longest feedback.Validity

            { throttle with
                Loss = feedback.Loss
                Until = now.After lasts
                Sequence = feedback.Sequence
                Remembered = now.After(max late lasts)
            }

    /// Of a hundred requests so many stay here now.
    let loss (now: Instant) (throttle: Throttle) : int =
        if throttle.Until.IsDue now then 0 else throttle.Loss

    let private counted (urgency: Urgency) (mix: uint64) : uint64 =
        let at = place urgency
        let after = mix + (1UL <<< (bits * at))

        if uint64 (countAt after at) < most then
            after
        else
            (after >>> 1) &&& halves

    let private total (mix: uint64) (stop: int) : int64 =
        let mutable sum = 0L

        for at in 0 .. stop - 1 do
            sum <- sum + countAt mix at

        sum

    /// Whether one more request goes.
    let judge
        (now: Instant)
        (urgency: Urgency)
        (dice: uint64)
        (throttle: Throttle)
        : struct (Throttle * Passage) =
        let mix = counted urgency throttle.Mix
        let after = { throttle with Mix = mix }
        let at = place urgency
        let below = total mix at
        let own = max 1L (countAt mix at)
        // What has to stay beside all that is less urgent, in hundredths of a request.
        let wanted = int64 (loss now throttle) * total mix 6 - 100L * below

        if int64 (dice % 1_000_000UL) * 100L * own < wanted * 1_000_000L then
            struct (after, Passage.Stays)
        else
            struct (after, Passage.Goes)
