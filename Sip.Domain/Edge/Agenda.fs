// Agenda: what is due when. An entity stands in it once, at the earliest time that was asked for: when
// that comes, the entity is looked at and says itself when it wants to be looked at next. HOT: a wheel of
// 256 milliseconds, whose turn is one of 256 steps of a slower wheel, and so on: asking, forgetting and
// coming due cost a few reads each, however much is planned, and allocate nothing.

namespace Sip.Edge

open System
open System.Numerics
open Sip
open Sip.Routing

/// What a deadline is for.
[<RequireQualifiedAccess; Struct>]
type Due =
    | Exchange of Exchange: Mark
    | Answer of Answer: Mark
    | Bindings of Aor: string
    | Waiting of Waiting: Mark
    | Server of Server: Destination
    | Nonce of Id: Sip.Identity.NonceId
    /// A subscription to registrations, and a NOTIFY of one.
    | Watch of Watch: Mark
    | Notice of Notice: Mark
    | Call of Call: Mark

/// An entity's place in the agenda, which the entity itself holds.
[<AbstractClass>]
type Reminder() =
    member val internal At = Int64.MaxValue with get, set
    /// The bucket that it stands in, -1 where it stands in none.
    member val internal Bucket = -1 with get, set

    [<DefaultValue>]
    val mutable internal Before: Reminder | null

    [<DefaultValue>]
    val mutable internal After: Reminder | null

    /// What is due when it comes.
    abstract What: Due

/// The deadlines of one ledger. What is due at one time is due in the order of asking.
[<Sealed>]
type Agenda() =
    // Eight wheels of 256 buckets number all milliseconds there are.
    static let wheels = 8
    let first: (Reminder | null)[] = Array.zeroCreate (wheels * 256)
    let last: (Reminder | null)[] = Array.zeroCreate (wheels * 256)
    // A bit for each bucket that holds something.
    let used: uint64[] = Array.zeroCreate (wheels * 4)
    // Everything before it has come due.
    let mutable clock = 0L

    // The slowest wheel whose hand stands elsewhere at that time than it does now.
    let wheelOf (at: int64) =
        if at = clock then
            0
        else
            (63 - BitOperations.LeadingZeroCount(uint64 (at ^^^ clock))) / 8

    let step (time: int64) (wheel: int) : int = int (time >>> (8 * wheel)) &&& 255

    let append (reminder: Reminder) =
        let wheel = wheelOf reminder.At
        let bucket = wheel * 256 + step reminder.At wheel
        reminder.Bucket <- bucket
        reminder.Before <- last[bucket]
        reminder.After <- null

        match last[bucket] with
        | null -> first[bucket] <- reminder
        | before -> before.After <- reminder

        last[bucket] <- reminder
        used[bucket >>> 6] <- used[bucket >>> 6] ||| (1UL <<< (bucket &&& 63))

    let remove (reminder: Reminder) =
        let bucket = reminder.Bucket

        match reminder.Before with
        | null -> first[bucket] <- reminder.After
        | before -> before.After <- reminder.After

        match reminder.After with
        | null -> last[bucket] <- reminder.Before
        | after -> after.Before <- reminder.Before

        if isNull first[bucket] then
            used[bucket >>> 6] <- used[bucket >>> 6] &&& ~~~(1UL <<< (bucket &&& 63))

        reminder.Bucket <- -1
        reminder.Before <- null
        reminder.After <- null

    /// The first used bucket of a wheel from that step on, or -1.
    let nextUsed (wheel: int) (from: int) =
        let mutable found = -1
        let mutable word = from >>> 6

        while found < 0 && word < 4 do
            let mutable bits = used[wheel * 4 + word]

            if word = (from >>> 6) then
                bits <- bits &&& (UInt64.MaxValue <<< (from &&& 63))

            if bits <> 0UL then
                found <- word * 64 + BitOperations.TrailingZeroCount bits

            word <- word + 1

        found

    /// The wheel whose used bucket is the next to be reached, or -1 where nothing is planned.
    let nextWheel () =
        let mutable found = -1
        let mutable wheel = 0

        while found < 0 && wheel < wheels do
            let from = if wheel = 0 then step clock 0 else step clock wheel + 1

            if from < 256 && nextUsed wheel from >= 0 then
                found <- wheel

            wheel <- wheel + 1

        found

    let bucketOf (wheel: int) =
        nextUsed wheel (if wheel = 0 then step clock 0 else step clock wheel + 1)

    /// When the bucket is reached.
    let startOf (wheel: int) (bucket: int) =
        let above =
            if wheel = 7 then
                0L
            else
                (clock >>> (8 * wheel + 8)) <<< (8 * wheel + 8)

        above ||| (int64 bucket <<< (8 * wheel))

    /// Takes what stands in a bucket of a slower wheel to the faster ones, its time being reached.
    let spread (wheel: int) (bucket: int) =
        let place = wheel * 256 + bucket
        let mutable next = first[place]
        first[place] <- null
        last[place] <- null
        used[place >>> 6] <- used[place >>> 6] &&& ~~~(1UL <<< (place &&& 63))

        while not (isNull next) do
            let reminder = Unchecked.nonNull next
            next <- reminder.After
            append reminder

    let rec come (now: int64) : Reminder | null =
        let wheel = nextWheel ()
        let bucket = if wheel < 0 then -1 else bucketOf wheel
        let start = if wheel < 0 then Int64.MaxValue else startOf wheel bucket

        if start > now then
            clock <- max clock now
            null
        elif wheel = 0 then
            clock <- start
            first[bucket]
        else
            clock <- start
            spread wheel bucket
            come now

    /// Asks for a reminder at this time, unless it comes earlier anyway.
    member _.Remind(at: Instant, reminder: Reminder) : unit =
        let at = max at.Milliseconds clock

        if at <> Int64.MaxValue && (reminder.Bucket < 0 || at < reminder.At) then
            if reminder.Bucket >= 0 then
                remove reminder

            reminder.At <- at
            append reminder

    /// Nothing more is due for this.
    member _.Forget(reminder: Reminder) : unit =
        if reminder.Bucket >= 0 then
            remove reminder

    /// The next that is due by now, which is then no longer planned.
    member _.Due(now: Instant) : Due voption =
        match come now.Milliseconds with
        | null -> ValueNone
        | reminder ->
            remove reminder
            ValueSome reminder.What

    /// When to look again: never later than something is due, and earlier where only the step of a
    /// slower wheel is known.
    member _.Wake: Instant =
        match nextWheel () with
        | -1 -> Instant.Never
        | wheel -> Instant.FromMilliseconds(startOf wheel (bucketOf wheel))
