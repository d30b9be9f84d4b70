// Load: how much is asked of one shard, from wait to wait, and what it can afford to refuse. Refusing is paid for by
// working: each sixth message that is worked on pays for one refusal, so that however much is offered, refusing
// takes no more than a fraction of the time. HOT.

namespace Sip.Guarding

open Sip

/// What becomes of a request.
[<RequireQualifiedAccess; Struct>]
type Fate =
    | Work
    /// 503 with Retry-After.
    | Refuse
    /// Nothing at all: even refusing would cost too much.
    | Drop

/// The load of one shard.
[<Sealed>]
type Load() =
    let price = 6
    let most = 6_000
    let mutable mood = Mood.Calm
    let mutable room = Room.Ample
    let mutable waited = 0L<ms>
    let mutable credit = most
    let mutable worked = 0L
    let mutable refused = 0L
    let mutable dropped = 0L
    // Since the sieve became what it is: calls that came through it, and those that were worked on; and for how
    // long what is looked at now came after that.
    let mutable sieve = Sieve.wide
    let mutable since = Instant.FromMilliseconds 0L
    let mutable last = since
    let mutable through = 0L<ms>
    let mutable came = 0
    let mutable taken = 0

    /// What is looked at next had waited so long, with so many thousandths of the socket's buffer full.
    member _.Waited(now: Instant, wait: int64<ms>, filled: int) : unit =
        waited <- Overload.felt wait filled
        last <- now
        through <- (now.Since since) - wait
        let next = Overload.step now waited mood

        // Short waits behind a narrow sieve say nothing about what is in front of it.
        if Overload.isShedding next || sieve = Sieve.wide then
            mood <- next

    /// What that counts as.
    member _.Wait: int64<ms> = waited

    /// Whether nothing is refused, whatever it is.
    member _.IsCalm: bool = room = Room.Ample && not (Overload.isShedding mood)

    /// How much room there is.
    member _.Room
        with get () = room
        and set (now: Room) = room <- now

    /// A message is worked on.
    member _.Works() : unit =
        worked <- worked + 1L

        if credit < most then
            credit <- credit + 1

    /// What becomes of a request.
    member _.Judge(urgency: Urgency) : Fate =
        let isWorked = Ceiling.admits room urgency && Overload.isWorked mood waited urgency

        if through >= 0L<ms> && Overload.isNew urgency then
            came <- came + 1

            if isWorked then
                taken <- taken + 1

        if isWorked then
            Fate.Work
        // Where only room is missing there is time enough to say so.
        elif not (Overload.isShedding mood) then
            refused <- refused + 1L
            Fate.Refuse
        elif credit >= price then
            credit <- credit - price
            refused <- refused + 1L
            Fate.Refuse
        else
            dropped <- dropped + 1L
            Fate.Drop

    /// Looks at the sieve, now and then; whether it is another one now.
    member _.Sifts(now: Instant) : bool =
        if Overload.isShedding mood then
            // Where nothing has come for so long nothing waits.
            let seen =
                if now.Since last >= Sieve.pace then
                    now.Since since
                else
                    through

            if seen < Sieve.pace then
                false
            else
                let next = Sieve.step came taken sieve
                let isOther = next <> sieve
                sieve <- next
                since <- now
                through <- 0L<ms>
                came <- 0
                taken <- 0
                isOther
        else
            false

    /// Of how many of 1024 new requests the system lets through.
    member _.Sieve: int = sieve

    /// Messages worked on, and requests refused and dropped.
    member _.Worked: int64 = worked
    member _.Refused: int64 = refused
    member _.Dropped: int64 = dropped
