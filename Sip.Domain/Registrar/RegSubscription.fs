// RegSubscription: one subscription to the registrations of an address of record, as its notifier sees it
// (RFC 3680 §4, RFC 6665 §4.2): everything at once, then what changes, never more often than every five
// seconds, until nobody refreshes it. The dialog itself and who may subscribe are decided elsewhere.

namespace Sip.Registrar

open Sip

/// What a NOTIFY has for a body.
[<RequireQualifiedAccess>]
type RegBody =
    | Full
    | Partial of Changes: Change list

/// What the Subscription-State of a NOTIFY says.
[<RequireQualifiedAccess>]
type RegState =
    | Active of Expires: int64<s>
    /// Ended because nobody refreshed it, or because the subscriber wanted it so.
    | TimedOut
    /// Ended because its address of record is no more.
    | NoResource

/// What to do, in order.
[<RequireQualifiedAccess>]
type RegAct =
    /// 200 with this Expires.
    | Accept of Expires: int64<s>
    /// 423 with this Min-Expires.
    | TooBrief of Minimum: int64<s>
    | Notify of State: RegState * Version: int * Body: RegBody

/// A subscription.
[<RequireQualifiedAccess>]
type RegSubscription =
    | Active of RegActive
    | Ended

/// A subscription that goes on.
and RegActive =
    {
        Until: Instant
        /// The version of the next document.
        Version: int
        /// When the next NOTIFY may go.
        Earliest: Instant
        /// What has happened since the last one, oldest first.
        Waiting: Change list
    }

/// What happens to a subscription.
[<RequireQualifiedAccess>]
type RegEvent =
    /// A SUBSCRIBE in its dialog, with its Expires in seconds if it has one.
    | Subscribed of Expires: int64<s> voption
    | Changed of Changes: Change list
    /// A NOTIFY was answered 481, or not at all.
    | Unwanted
    /// The address of record is gone.
    | Gone
    | Tick

/// The state, the acts, and when to call again.
type RegStep =
    {
        State: RegSubscription
        Acts: RegAct list
        Wake: Instant
    }

/// Stepping subscriptions.
[<RequireQualifiedAccess>]
module RegSubscription =

    /// The interval for a SUBSCRIBE without Expires (RFC 3680 §4.5).
    let usual = 3761L<s>
    let private longest = 7200L<s>
    let private shortest = 60L<s>

    /// How long a NOTIFY keeps the next one back (RFC 3680 §4.10).
    let pause = 5_000L<ms>

    let private ended (acts: RegAct list) : RegStep =
        {
            State = RegSubscription.Ended
            Acts = acts
            Wake = Instant.Never
        }

    let private wake (active: RegActive) =
        if active.Waiting.IsEmpty then
            active.Until
        else
            min active.Until active.Earliest

    let private going (acts: RegAct list) (active: RegActive) : RegStep =
        {
            State = RegSubscription.Active active
            Acts = acts
            Wake = wake active
        }

    let private remaining (now: Instant) (active: RegActive) : int64<s> =
        max 0L<s> (active.Until.Since now / 1000L<ms / s>)

    let private notify (now: Instant) (body: RegBody) (active: RegActive) =
        let act = RegAct.Notify(RegState.Active(remaining now active), active.Version, body)

        act,
        { active with
            Version = active.Version + 1
            Earliest = now.After pause
            Waiting = []
        }

    // RFC 6665 §4.2.1.3: a NOTIFY with everything follows each SUBSCRIBE at once.
    let private subscribe now (expires: int64<s> voption) (version: int) (stay: RegStep) =
        match min longest (ValueOption.defaultValue usual expires) with
        | 0L<s> ->
            ended [ RegAct.Accept 0L<s>; RegAct.Notify(RegState.TimedOut, version, RegBody.Full) ]
        | interval when interval < shortest ->
            { stay with
                Acts = [ RegAct.TooBrief shortest ]
            }
        | interval ->
            let act, active =
                notify
                    now
                    RegBody.Full
                    {
                        Until = now.After(interval * 1000L<ms / s>)
                        Version = version
                        Earliest = now
                        Waiting = []
                    }

            going [ RegAct.Accept interval; act ] active

    /// A subscription that a SUBSCRIBE outside any dialog asks for; with an Expires of zero it is a
    /// single look.
    let start (now: Instant) (expires: int64<s> voption) : RegStep =
        subscribe now expires 0 (ended [])

    let private flush (now: Instant) (active: RegActive) =
        if active.Waiting.IsEmpty || active.Earliest > now then
            going [] active
        else
            let act, active = notify now (RegBody.Partial active.Waiting) active
            going [ act ] active

    let private whileActive (now: Instant) (event: RegEvent) (active: RegActive) : RegStep =
        let last state =
            ended [ RegAct.Notify(state, active.Version, RegBody.Full) ]

        match event with
        | RegEvent.Subscribed expires -> subscribe now expires active.Version (going [] active)
        | RegEvent.Unwanted -> ended []
        | RegEvent.Gone -> last RegState.NoResource
        | (RegEvent.Changed _ | RegEvent.Tick) when active.Until <= now -> last RegState.TimedOut
        | RegEvent.Changed changes ->
            flush
                now
                { active with
                    Waiting = active.Waiting @ changes
                }
        | RegEvent.Tick -> flush now active

    /// What an event makes of a subscription; of one that has ended nothing comes any more.
    let step (now: Instant) (event: RegEvent) (subscription: RegSubscription) : RegStep =
        match subscription with
        | RegSubscription.Active active -> whileActive now event active
        | RegSubscription.Ended -> ended []
