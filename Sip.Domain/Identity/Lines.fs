// Lines: how many calls a user has going at a time, and for how long they talk in a day: what a stolen password costs where
// few calls last long. A call holds a line from its INVITE on, so that many that ring are not many that talk. Pure, of one
// size whatever it counts; what is not known to have ended goes on.

namespace Sip.Identity

open Sip

/// Calls.
[<Measure>]
type call

/// Minutes of talk.
[<Measure>]
type minute

/// What a user may have going.
[<Struct>]
type LineQuota =
    {
        AtOnce: int<call>
        /// In a day, all calls together.
        Minutes: int<minute>
    }

/// What one user has going towards one kind of destination.
[<Struct>]
type Lines =
    private
        {
            Held: int
            Talking: int
            // When those that talk began, added up: with their number it says how long they have talked.
            Began: int64
            // What has ended since the day began.
            Talked: int64
            DayEnd: int64
        }

/// Taking and leaving lines.
[<RequireQualifiedAccess>]
module Lines =

    let private day = 86_400_000L

    /// The lines of whoever calls nobody.
    let free: Lines = Unchecked.defaultof<Lines>

    /// For how long somebody has talked today, in calls that are over and in those that are not.
    let talked (now: Instant) (lines: Lines) : int64<ms> =
        let now = now.Milliseconds
        let before = if now < lines.DayEnd then lines.Talked else 0L
        (before + int64 lines.Talking * now - lines.Began) * 1L<ms>

    /// How many calls there are.
    let held (lines: Lines) : int<call> = lines.Held * 1<call>

    /// One more call, if there may be one.
    let hold (quota: LineQuota) (now: Instant) (lines: Lines) : Lines voption =
        let most = int64 quota.Minutes * 60_000L<ms>

        if held lines >= quota.AtOnce || talked now lines >= most then
            ValueNone
        else
            ValueSome { lines with Held = lines.Held + 1 }

    /// One of them is answered now.
    let answer (now: Instant) (lines: Lines) : Lines =
        { lines with
            Talking = lines.Talking + 1
            Began = lines.Began + now.Milliseconds
        }

    /// One that nobody answered is over.
    let drop (lines: Lines) : Lines = { lines with Held = lines.Held - 1 }

    /// One that was answered then is over.
    let leave (since: Instant) (now: Instant) (lines: Lines) : Lines =
        let isToday = now.Milliseconds < lines.DayEnd
        let lasted = now.Since since |> int64

        { lines with
            Held = lines.Held - 1
            Talking = lines.Talking - 1
            Began = lines.Began - since.Milliseconds
            Talked = if isToday then lines.Talked + lasted else lasted
            DayEnd = if isToday then lines.DayEnd else now.Milliseconds + day
        }
