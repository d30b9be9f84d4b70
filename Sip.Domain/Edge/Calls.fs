// Calls: the calls of proven users that are known to go on, from the INVITE (RFC 3261 §13) to the BYE (§15) that both sides
// have taken: each dialog that begins here records this server on its route. Whose phone hung up is believed where it costs
// them: a peer, who charges, has to have said BYE, or to have answered one in that very dialog. A call of which nobody says
// that it has ended is over after four hours.

namespace Sip.Edge

open System
open System.Collections.Generic
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Identity

/// One call.
[<Sealed>]
type internal Call(key: Mark, user: string, afar: Afar) =
    inherit Reminder()
    member _.Key = key
    member _.User = user
    member _.Afar = afar
    /// Since when it is answered.
    member val Since = Instant.Never with get, set
    /// The callee's tag, hashed; nothing before the answer.
    member val Callee = 0UL with get, set
    override _.What = Due.Call key

/// The calls of one ledger.
[<Sealed>]
type internal Calls(station: Station, agenda: Agenda, outbox: Outbox) =
    let metering = station.Realm.Metering
    let calls = Dictionary<Mark, Call>()
    let towardsUsers = Dictionary<string, Lines>()
    let towardsPeers = Dictionary<string, Lines>()
    let secret = Seal.key station.Realm.Secret "call"

    // What rings is over after Timer C at the latest (§16.6 step 11).
    let ringing = 240_000L<ms>
    let longest = 14_400_000L<ms>

    let linesOf (afar: Afar) =
        match afar with
        | Afar.Users -> towardsUsers
        | Afar.Peers -> towardsPeers

    let quotaOf (afar: Afar) =
        match afar with
        | Afar.Users -> metering.UserLines
        | Afar.Peers -> metering.PeerLines

    // A call is named by its Call-ID and its caller's tag.
    let nameOf (message: Message) (caller: Slice) : Mark =
        let mutable state = PrfState secret
        state.Part(message.Slice(Message.value HeaderName.CallId message))
        state.Part(message.Slice caller)
        state.Finish()

    let hash (message: Message) (tag: Slice) : uint64 =
        (Prf.hash secret (message.Slice tag)).First

    let find (key: Mark) : Call | null =
        match calls.TryGetValue key with
        | true, call -> call
        | false, _ -> null

    let change (call: Call) (step: Lines -> Lines) =
        let lines = linesOf call.Afar
        lines[call.User] <- step lines[call.User]

    let forget (now: Instant) (call: Call) =
        calls.Remove call.Key |> ignore
        agenda.Forget call

        if call.Since = Instant.Never then
            change call Lines.drop
        else
            change call (Lines.leave call.Since now)

    // Towards users nothing is to be gained by saying that a call is over.
    let isBelieved (by: Standing) (callee: uint64) (call: Call) =
        call.Callee = callee && (call.Afar = Afar.Users || by = Standing.Peer)

    let over (now: Instant) (key: Mark) (callee: uint64) (by: Standing) =
        match find key with
        | null -> outbox.Tell(Told.HungUp(key, callee, by))
        | call when isBelieved by callee call -> forget now call
        | _ -> ()

    // Nobody else has a call to be told about where there are none at all.
    let isIdle () =
        calls.Count = 0 && station.Sharding.Count = 1

    /// A user's INVITE goes on, if they may have one call more, and not two of one name.
    member _.Begins(now: Instant, user: string, afar: Afar, invite: Message) : bool =
        let key = nameOf invite (Message.fromTag invite)
        let lines = linesOf afar

        let before =
            match lines.TryGetValue user with
            | true, known -> known
            | false, _ -> Lines.free

        match Lines.hold (quotaOf afar) now before with
        | ValueSome after when isNull (find key) ->
            let call = Call(key, user, afar)
            lines[user] <- after
            calls[key] <- call
            agenda.Remind(now.After ringing, call)
            true
        | ValueSome _
        | ValueNone -> false

    /// The call that a request has begun, null where there is none.
    member _.Find(request: Message) : Call | null =
        if
            calls.Count = 0
            || Message.method request <> Method.Invite
            || (Message.toTag request).IsThere
        then
            null
        else
            find (nameOf request (Message.fromTag request))

    /// It was answered by this 2xx.
    member _.Answered(now: Instant, call: Call, response: Message) : unit =
        if call.Since = Instant.Never then
            call.Since <- now
            call.Callee <- hash response (Message.toTag response)
            change call (Lines.answer now)
            agenda.Forget call
            agenda.Remind(now.After longest, call)

    /// Its INVITE is over; where nobody has answered it, so is the call.
    member _.Settled(now: Instant, call: Call | null) : unit =
        match call with
        | null -> ()
        | call when call.Since = Instant.Never -> forget now call
        | _ -> ()

    /// A BYE has come.
    member _.Bye(now: Instant, source: FlowText, request: Message) : unit =
        if not (isIdle ()) then
            let caller, callee = Message.fromTag request, Message.toTag request

            match find (nameOf request caller) with
            | null -> over now (nameOf request callee) (hash request caller) source.Standing
            // It is the caller's.
            | call -> over now call.Key (hash request callee) source.Standing

    /// A BYE was answered.
    member _.ByeAnswered(now: Instant, source: FlowText, status: Status, response: Message) : unit =
        let isOver =
            (status.Number >= 200 && status.Number < 300)
            || status = Status.noSuchTransaction

        if isOver && not (isIdle ()) then
            let key = nameOf response (Message.fromTag response)
            over now key (hash response (Message.toTag response)) source.Standing

    /// Another shard has heard that a call is over.
    member _.Told(now: Instant, key: Mark, callee: uint64, by: Standing) : unit =
        match find key with
        | NonNull call when isBelieved by callee call -> forget now call
        | _ -> ()

    /// Its time has come.
    member _.Expire(now: Instant, key: Mark) : unit =
        match find key with
        | null -> ()
        | call -> forget now call

    /// How many there are.
    member _.Count: int = calls.Count
