// Locating: requests that wait until it is known where a name leads (RFC 3263). What is known already does
// not wait; nothing waits longer than a second; what is asked once is asked for all who wait.

namespace Sip.Edge

open System
open System.Collections.Generic
open Sip
open Sip.Wire
open Sip.Routing

/// A request that waits.
[<Sealed>]
type internal Waiting
    (
        key: Mark,
        method: Method,
        source: FlowText,
        request: ReadOnlyMemory<byte>,
        uris: SipUri list,
        heading: Heading
    ) =
    inherit Reminder()
    member _.Key = key
    member _.Method = method
    member _.Source = source
    /// On the shelf.
    member _.Request = request
    member _.Uris = uris
    member _.Heading = heading
    override _.What = Due.Waiting key

/// What is known of where some URIs lead.
[<RequireQualifiedAccess>]
type internal Found =
    | Places of Places: Place list
    | Wait of Questions: Question list
    | Nowhere of Astray: Astray

/// The requests of one ledger that wait.
[<Sealed>]
type internal Locating(station: Station, agenda: Agenda, outbox: Outbox, pulses: Pulses) =
    let locator = Locator(Means.ofRealm station.Realm, 4096)
    let waiting = Dictionary<Mark, Waiting>()
    let asked = HashSet<Question>()

    // More than so many do not wait at once.
    let most = 4096

    let patience = 1000L<ms>

    let place (heading: Heading) (there: Destination) : Place = Place.along (Hop.Dial there) heading

    let isHome (uri: SipUri) =
        match station.Realm.Home with
        | ValueSome home -> List.contains uri home.Servers
        | ValueNone -> false

    // Who answers to the name of the registrar behind us is trusted as it is, and asked how it does.
    let watched now (uri: SipUri) (found: Destination list) =
        if isHome uri then
            for there in found do
                if not (station.Flows.Trusts there.Address) then
                    station.Flows.Trust there.Address
                    outbox.Tell(Told.Trusted there.Address)

            pulses.Arrange(now, found)
        else
            found

    let rec search
        now
        seed
        heading
        (uris: SipUri list)
        (found: Place list)
        (worst: Astray)
        : Found =
        match uris with
        | [] when found.IsEmpty -> Found.Nowhere worst
        | [] -> Found.Places found
        | uri :: rest ->
            match locator.Locate(now, seed, uri) with
            | Resolved.Ask questions -> Found.Wait questions
            | Resolved.Nowhere astray -> search now seed heading rest found astray
            | Resolved.To destinations ->
                let more = found @ List.map (place heading) (watched now uri destinations)
                search now seed heading rest more worst

    let locate now (key: Mark) uris heading =
        search now key.First heading uris [] Astray.NoAddress

    let ask (questions: Question list) =
        for question in questions do
            if asked.Add question then
                outbox.Ask question

    let drop (one: Waiting) =
        waiting.Remove one.Key |> ignore
        agenda.Forget one
        outbox.Shelf.Return one.Request

    /// Where these URIs lead, where that is known already; else the request waits, unless too many do.
    member _.Seek
        (now: Instant, key, method, source: FlowText, request: Message, uris, heading)
        : Found =
        match locate now key uris heading with
        | Found.Wait _ when waiting.Count >= most -> Found.Nowhere Astray.NoAnswer
        | Found.Wait questions as wait ->
            let kept = outbox.Shelf.Keep request.Bytes
            let one = Waiting(key, method, source, kept, uris, heading)
            waiting[key] <- one
            agenda.Remind(now.After patience, one)
            ask questions
            wait
        | Found.Places _
        | Found.Nowhere _ as known -> known

    /// The request that waits under this key, null where none does.
    member _.Find(key: Mark) : Waiting | null =
        match waiting.TryGetValue key with
        | true, one -> one
        | false, _ -> null

    /// It waits no more. Its bytes stay good until the next input.
    member _.Drop(one: Waiting) : unit = drop one

    /// An answer has come: who waits no more, and where that leads; whoever needs more has it asked.
    member _.Answered(now: Instant, question, answer, seconds) : struct (Waiting * Found) list =
        asked.Remove question |> ignore
        locator.Learn(now, question, answer, seconds)

        [
            for one in List.ofSeq waiting.Values do
                match locate now one.Key one.Uris one.Heading with
                | Found.Wait questions -> ask questions
                | Found.Places _
                | Found.Nowhere _ as known -> struct (one, known)
        ]

    /// The requests that came by a flow.
    member _.From(flow: Flow) : Waiting list =
        waiting.Values
        |> Seq.filter (fun one -> Flow.comparer.Equals(one.Source.Flow, flow))
        |> List.ofSeq

    /// How many wait.
    member _.Held: int = waiting.Count
