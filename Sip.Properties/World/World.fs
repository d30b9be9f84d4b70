// World: phones, a network that loses, doubles, delays and cuts, and one ledger or several, in virtual
// time. What shards leave for each other waits as long as it likes, but stays in the order of leaving, and is
// there before anything that the network brought later. One script gives one run, always the same.

namespace Sip.Properties.World

open System
open System.Collections.Generic
open Sip
open Sip.Edge
open Sip.Registrar
open Sip.Routing
open Sip.Transactions
open Sip.Identity
open Sip.Properties

/// What happened at one shard, and what it made of it.
type Happening =
    {
        At: Instant
        Shard: int
        Input: Input
        Effects: Effect list
    }

/// Everything that was seen in one world.
type Run =
    {
        Script: Script
        Phones: Phone list
        Happenings: Happening list
        /// When the device's connection broke.
        Cuts: (int64 * int) list
        /// Messages that came to nobody: there is no such address in this world.
        Astray: string list
        /// Users about whom the shards held differing things when all was told.
        Disputes: string list
        /// What must never happen, as it happened.
        Faults: string list
        /// Who was registered at the busiest time.
        Online: Map<string, int>
        Ledgers: Ledger list
        End: Instant
    }

/// Living through scripts.
[<RequireQualifiedAccess>]
module World =

    let private realm = RoutingLaws.realm

    let private subscribers =
        Script.users
        |> List.map (fun user -> Subscriber.enroll "example.test" user ("secret of " + user))

    /// The ledgers of so many shards, in which the users are enrolled.
    let ledgers (shards: int) : Ledger[] =
        Sharding.all shards
        |> Array.map (fun sharding ->
            let ledger = Ledger(realm, Timing.usual, Policy.standard, Bounds.usual, sharding)

            for one in subscribers do
                ledger.Take(Instant.FromMilliseconds 0L, Input.Enrolled one) |> ignore

            ledger)

    /// The ledger of a server that has only one.
    let ledger () : Ledger = (ledgers 1)[0]

    let private transport (link: Link) =
        match link with
        | Link.Udp -> Transport.Udp
        | Link.Tcp -> Transport.Tcp
        | Link.Ws -> Transport.Ws
        | Link.Wss -> Transport.Wss

    let private listener (link: Link) =
        match link with
        | Link.Udp -> ListenerId 0
        | Link.Tcp -> ListenerId 1
        | Link.Ws -> ListenerId 3
        | Link.Wss -> ListenerId 4

    /// The flow of a device, by the number of its connection.
    let flow (index: int) (link: Link) (connection: int64) : Flow =
        {
            Listener = listener link
            Transport = transport link
            Connection = if link = Link.Udp then 0L else connection
            Remote =
                {
                    Address = Address.ofV4 (0xC6336400u + uint32 (index + 10))
                    Port = if link = Link.Udp then 5060 else 30000 + int connection
                }
        }

    let private stranger = flow 90 Link.Udp 0L

    let private seat index (device: Device) =
        let user = Script.users[device.User]
        let address = String.Concat("198.51.100.", string (index + 10), ":5060")

        let sentBy, contact =
            match device.Link with
            | Link.Udp -> address, String.Concat("sip:", user, "@", address)
            | Link.Tcp -> address, String.Concat("sip:", user, "@", address) + ";transport=tcp"
            | Link.Ws
            | Link.Wss ->
                let host = String.Concat("b", string index, "x7.invalid")
                host, String.Concat("sip:q", string index, "@", host) + ";transport=ws"

        {
            Index = index
            User = user
            Device = device
            SentBy = sentBy
            Contact = contact
        }

    /// Lives through a script: half an hour in which things happen, and the hours that follow.
    let live (script: Script) : Run =
        let clock = Clock()
        let dice = Random script.Seed
        let ledgers = ledgers script.Shards
        let happenings = List<Happening>()
        let faults = List<string>()
        let disputes = List<string>()
        let cuts = List<int64 * int>()
        let astray = List<string>()
        let lost = Dictionary<string, int>()
        let open' = HashSet<Flow>()
        let phones = List<Phone>()
        let flows = Dictionary<int, Flow>()
        let mutable connections = 0L
        let planned = Array.create script.Shards Int64.MaxValue
        // What each shard has left for each other one.
        let left = Array.init (script.Shards * script.Shards) (fun _ -> Queue<Input>())
        // The network's dice are the same, however many shards there are.
        let shuffle = Random(script.Seed + 1)
        let now () = Instant.FromMilliseconds clock.Now
        let chance percent = dice.Next 100 < percent

        // A datagram is lost twice at most, so that who is patient is heard at last.
        let isLost (way: string) =
            let times =
                match lost.TryGetValue way with
                | true, times -> times
                | false, _ -> 0

            if times < 2 && chance script.Loss then
                lost[way] <- times + 1
                true
            else
                false

        // The same message is one that differs at most in its nonce.
        let datagram (way: string) (text: string) (arrive: unit -> unit) =
            let sheet = Sheet.read text

            let way =
                String.Concat(way, sheet.Start, Sheet.first "Via" sheet, Sheet.first "CSeq" sheet)

            for _ in 0 .. (if chance script.Twice then 1 else 0) do
                if not (isLost way) then
                    clock.After(int64 (10 + dice.Next(script.Jitter + 1)), arrive)

        let leftBy (from: int) (towards: int) : Queue<Input> = left[from * script.Shards + towards]

        let leave (from: int) (towards: int) (input: Input) = (leftBy from towards).Enqueue input

        // The shard that a connection lives in; a datagram may come to any.
        let shardOf (flow: Flow) =
            if Flow.isConnection flow then
                int flow.Connection % script.Shards
            else
                shuffle.Next script.Shards

        let rec take (shard: int) (input: Input) =
            // What the ledger hands out is good until it is handed the next input.
            let effects =
                [
                    for effect in ledgers[shard].Take(now (), input) do
                        match effect with
                        | Effect.Note _
                        | Effect.Tell _ -> effect
                        | Effect.Send(hop, bytes) ->
                            Effect.Send(hop, ReadOnlyMemory(bytes.ToArray()))
                        | Effect.Hand(other, flow, bytes) ->
                            Effect.Hand(other, flow, ReadOnlyMemory(bytes.ToArray()))
                ]

            happenings.Add
                {
                    At = now ()
                    Shard = shard
                    Input = input
                    Effects = effects
                }

            for effect in effects do
                match effect with
                | Effect.Note _ -> ()
                | Effect.Send(Hop.Dial _, bytes) -> astray.Add(Text.ofBytes bytes.Span)
                | Effect.Send(Hop.Flow flow, bytes) -> deliver flow (Text.ofBytes bytes.Span)
                | Effect.Hand(other, flow, bytes) -> leave shard other (Input.Handed(flow, bytes))
                | Effect.Tell told ->
                    for other in 0 .. script.Shards - 1 do
                        if other <> shard then
                            leave shard other (Input.Told told)

            plan shard

        /// Each takes what was left for it, one thing at a time, in any order of senders.
        and settle () =
            let waiting =
                [
                    for from in 0 .. script.Shards - 1 do
                        for towards in 0 .. script.Shards - 1 do
                            if (leftBy from towards).Count > 0 then
                                struct (from, towards)
                ]

            if not waiting.IsEmpty then
                let struct (from, towards) = waiting[shuffle.Next waiting.Length]
                let input = (leftBy from towards).Dequeue()
                take towards input
                settle ()
            elif script.Shards > 1 then
                for user in Script.users do
                    let aor = String.Concat(user, "@example.test")

                    let held =
                        ledgers |> Array.map (fun ledger -> ledger.Bound aor) |> Array.distinct

                    if held.Length > 1 then
                        disputes.Add $"%s{aor} at %d{clock.Now}: %A{held}"

        // All that the network brings is taken after what was left.
        and bring (shard: int) (input: Input) =
            take shard input
            clock.After(int64 (shuffle.Next 4), settle)

        and deliver (flow: Flow) (text: string) =
            let owner = phones |> Seq.tryFind (fun phone -> flows[phone.Seat.Index] = flow)

            if Flow.isConnection flow && not (open'.Contains flow) then
                faults.Add("sent on a closed flow: " + text)

            match owner with
            | Some phone when Flow.isConnection flow ->
                clock.After(
                    20L,
                    fun () ->
                        if open'.Contains flow then
                            phone.Take text
                )
            | Some phone ->
                datagram ("to " + string phone.Seat.Index) text (fun () -> phone.Take text)
            | None when Flow.isConnection flow -> ()
            | None when flow = stranger && text.StartsWith("SIP/2.0 ", StringComparison.Ordinal) ->
                ()
            | None -> astray.Add text

        and plan (shard: int) =
            let wake = ledgers[shard].Wake

            if wake <> Instant.Never && wake.Milliseconds < planned[shard] then
                planned[shard] <- wake.Milliseconds
                clock.After(planned[shard] - clock.Now, (fun () -> tick shard))

        and tick (shard: int) =
            if clock.Now >= planned[shard] then
                planned[shard] <- Int64.MaxValue
                bring shard Input.Tick

                if ledgers[shard].Wake <= now () then
                    faults.Add "after a tick the next is due already"

        let transmit (index: int) (text: string) =
            let flow = flows[index]

            let arrived () =
                bring (shardOf flow) (Input.Arrived(flow, ReadOnlyMemory(Text.toBytes text)))

            if Flow.isConnection flow then
                clock.After(
                    20L,
                    fun () ->
                        if open'.Contains flow then
                            arrived ()
                )
            else
                datagram ("from " + string index) text arrived

        let connect (phone: Phone) =
            let index = phone.Seat.Index
            let link = phone.Seat.Device.Link
            connections <- connections + 1L
            flows[index] <- flow index link connections

            if link <> Link.Udp then
                open'.Add flows[index] |> ignore
                bring (shardOf flows[index]) (Input.Opened flows[index])

            phone.Register(phone.Seat.User, "reg" + string index, "", 1800)

        let cut (index: int) =
            let phone = phones[index]

            if phone.Seat.Device.Link <> Link.Udp && open'.Remove flows[index] then
                cuts.Add((clock.Now, index))
                phone.Break()
                let flow = flows[index]
                bring (shardOf flow) (Input.Closed flow)
                clock.After(3000L, fun () -> connect phone)

        let ownerOf (tag: string) =
            phones[int (tag.Substring(1, tag.IndexOf '.' - 1))]

        let isThere (index: int) =
            not (Flow.isConnection flows[index]) || open'.Contains flows[index]

        let perform (deed: Deed) =
            match deed with
            // Nobody does anything on a broken connection.
            | Deed.Call(from, _, _, _, _, _)
            | Deed.Text(from, _)
            | Deed.Probe(from, _)
            | Deed.Pose(from, _) when not (isThere from) -> ()
            | Deed.Call(from, target, giveUp, talk, farewell, reInvite) ->
                phones[from].Call(Script.users[target], giveUp, talk, farewell, reInvite)
            | Deed.Text(from, target) -> phones[from].Once("MESSAGE", Script.users[target])
            | Deed.Probe(from, target) -> phones[from].Once("OPTIONS", Script.users[target])
            | Deed.Cut index -> cut index
            | Deed.Intrude victim ->
                for text in Intruder.attempts Script.users[victim] do
                    let bytes = ReadOnlyMemory(Text.toBytes text)
                    bring (shardOf stranger) (Input.Arrived(stranger, bytes))
            | Deed.Pose(index, victim) ->
                phones[index]
                    .Register(Script.users[victim], "pose" + string index, ";tag=guess", 1800)

        script.Devices
        |> List.iteri (fun index device ->
            phones.Add(Phone(clock, seat index device, transmit index, ownerOf))
            flows[index] <- flow index device.Link 0L)

        for phone in phones do
            connect phone

        for at, deed in script.Deeds do
            clock.After(10000L + int64 at, fun () -> perform deed)

        clock.Run 1_000_000L

        let online =
            ledgers[0].Online(now ())
            |> Seq.map (fun pair -> pair.Key, pair.Value)
            |> Map.ofSeq

        // Everybody's registration runs out, then everybody goes.
        clock.Run 9_000_000L

        for index in 0 .. phones.Count - 1 do
            if open'.Remove flows[index] then
                bring (shardOf flows[index]) (Input.Closed flows[index])

        clock.Run 10_000_000L

        {
            Script = script
            Phones = List.ofSeq phones
            Happenings = List.ofSeq happenings
            Cuts = List.ofSeq cuts
            Astray = List.ofSeq astray
            Disputes = List.ofSeq disputes
            Faults = List.ofSeq faults
            Online = online
            Ledgers = List.ofArray ledgers
            End = now ()
        }
