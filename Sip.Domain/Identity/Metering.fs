// Metering: when a user sets more going than a person would, as whoever has stolen a password does. Five counts for each
// user and kind of destination; past any of them nothing goes that way for a while. Pure: time is an argument, and a
// usage has one size, whatever was counted.

namespace Sip.Identity

open System.Numerics
open Sip

/// Calls and messages that begin something.
[<Measure>]
type start

/// The kinds of destination, as far as money is concerned.
[<RequireQualifiedAccess; Struct>]
type Afar =
    /// Users of ours.
    | Users
    /// Configured peers, who may charge for it.
    | Peers

/// What a user may have in a window before they are stopped.
[<Struct>]
type Quota =
    {
        Minute: int<start>
        Hour: int<start>
        Day: int<start>
        /// Different destinations in an hour.
        Destinations: int
        /// One after another to the same destination, in an hour.
        Row: int<start>
    }

/// The quotas of every user.
type Metering =
    {
        Users: Quota
        Peers: Quota
        UserLines: LineQuota
        PeerLines: LineQuota
        /// How long whoever has passed a quota is stopped.
        Stop: int64<ms>
    }

/// What came of one start.
[<RequireQualifiedAccess; Struct>]
type Metered =
    | Passes
    /// It is one too many: from now on the user is stopped.
    | Trips
    | Stopped
    /// The user has as many calls going as they may, or has talked for as long.
    | Full

/// What one user has set going towards one kind of destination.
[<Struct>]
type Usage =
    private
        {
            MinuteEnd: int64
            HourEnd: int64
            DayEnd: int64
            StoppedUntil: int64
            InMinute: int
            InHour: int
            InDay: int
            InRow: int
            Last: uint64
            // Which of 128 drawers a destination of the hour fell in.
            Low: uint64
            High: uint64
        }

/// Metering.
[<RequireQualifiedAccess>]
module Metering =

    let private minute = 60_000L
    let private hour = 60L * minute
    let private day = 24L * hour
    let private drawers = 128

    /// What no person reaches: the peers' a thief reaches within a minute.
    let usual: Metering =
        {
            Users =
                {
                    Minute = 300<start>
                    Hour = 6000<start>
                    Day = 50000<start>
                    Destinations = 500
                    Row = 600<start>
                }
            Peers =
                {
                    Minute = 20<start>
                    Hour = 120<start>
                    Day = 500<start>
                    Destinations = 60
                    Row = 40<start>
                }
            UserLines =
                {
                    AtOnce = 100<call>
                    Minutes = 6000<minute>
                }
            PeerLines =
                {
                    AtOnce = 10<call>
                    Minutes = 600<minute>
                }
            Stop = 3_600_000L<ms>
        }

    /// Of one kind.
    let quota (metering: Metering) (afar: Afar) : Quota =
        match afar with
        | Afar.Users -> metering.Users
        | Afar.Peers -> metering.Peers

    /// The usage of whoever has set nothing going.
    let fresh: Usage = Unchecked.defaultof<Usage>

    // As many different ones fill so many drawers on the average.
    let private destinations (usage: Usage) : int =
        let full = BitOperations.PopCount usage.Low + BitOperations.PopCount usage.High
        let empty = max 1 (drawers - full)
        int (float drawers * log (float drawers / float empty))

    let private turned (now: int64) (usage: Usage) : Usage =
        let byMinute =
            if now < usage.MinuteEnd then
                usage
            else
                { usage with
                    MinuteEnd = now + minute
                    InMinute = 0
                }

        let byHour =
            if now < usage.HourEnd then
                byMinute
            else
                { byMinute with
                    HourEnd = now + hour
                    InHour = 0
                    InRow = 0
                    Low = 0UL
                    High = 0UL
                }

        if now < usage.DayEnd then
            byHour
        else
            { byHour with
                DayEnd = now + day
                InDay = 0
            }

    let private counted (destination: uint64) (usage: Usage) : Usage =
        // The multiplier spreads what differs in few bits.
        let drawer = int ((destination * 0x9E3779B97F4A7C15UL) >>> 57)
        let bit = 1UL <<< (drawer &&& 63)

        { usage with
            InMinute = usage.InMinute + 1
            InHour = usage.InHour + 1
            InDay = usage.InDay + 1
            InRow = if destination = usage.Last then usage.InRow + 1 else 1
            Last = destination
            Low = if drawer < 64 then usage.Low ||| bit else usage.Low
            High = if drawer < 64 then usage.High else usage.High ||| bit
        }

    let private isPast (quota: Quota) (usage: Usage) : bool =
        usage.InMinute > int quota.Minute
        || usage.InHour > int quota.Hour
        || usage.InDay > int quota.Day
        || usage.InRow > int quota.Row
        || destinations usage > quota.Destinations

    /// Counts one start towards a destination, which its hash tells from others.
    let count
        (metering: Metering)
        (afar: Afar)
        (now: Instant)
        (destination: uint64)
        (usage: Usage)
        : struct (Usage * Metered) =
        let now = now.Milliseconds

        if now < usage.StoppedUntil then
            struct (usage, Metered.Stopped)
        else
            let after = counted destination (turned now usage)

            if isPast (quota metering afar) after then
                struct ({ fresh with
                            StoppedUntil = now + int64 metering.Stop
                        },
                        Metered.Trips)
            else
                struct (after, Metered.Passes)
