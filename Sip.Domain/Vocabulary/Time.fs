namespace Sip

open System

/// Milliseconds, the unit of every timer.
[<Measure>]
type ms

/// Seconds, the unit of Expires (RFC 3261 §20.19).
[<Measure>]
type s

/// Bytes, the unit of every size limit.
[<Measure>]
type octet

/// A point on the monotonic clock; it comes in as an argument and is never read inside.
[<Struct; CustomEquality; CustomComparison>]
type Instant =
    private
    | At of int64

    /// The point so many milliseconds after the clock's start.
    static member FromMilliseconds(milliseconds: int64) = At milliseconds

    /// The point that is never reached: nothing waits.
    static member Never = At Int64.MaxValue

    /// Milliseconds since the clock's start.
    member this.Milliseconds = let (At value) = this in value

    /// The point `span` later; never stays never.
    member this.After(span: int64<ms>) =
        let (At value) = this

        if value > Int64.MaxValue - int64 span then
            Instant.Never
        else
            At(value + int64 span)

    /// Whether that point has come by now. HOT: comparing by operators goes through boxes.
    member this.IsDue(now: Instant) = this.Milliseconds <= now.Milliseconds

    /// The earlier of two points.
    static member Earlier(one: Instant, other: Instant) =
        if one.Milliseconds <= other.Milliseconds then
            one
        else
            other

    /// How long from `earlier` until this.
    member this.Since(earlier: Instant) : int64<ms> =
        (this.Milliseconds - earlier.Milliseconds) * 1L<ms>

    /// Whether both are the same point, without a box.
    member this.Equals(that: Instant) : bool = this.Milliseconds = that.Milliseconds

    override this.Equals(other: obj) =
        match other with
        | :? Instant as that -> that.Milliseconds = this.Milliseconds
        | _ -> false

    override this.GetHashCode() = this.Milliseconds.GetHashCode()

    interface IEquatable<Instant> with
        member this.Equals(that: Instant) = this.Equals that

    interface IComparable<Instant> with
        member this.CompareTo that =
            compare this.Milliseconds that.Milliseconds

    interface IComparable with
        member this.CompareTo other =
            match other with
            | :? Instant as that -> compare this.Milliseconds that.Milliseconds
            | _ -> invalidArg (nameof other) "not an Instant"
