// World: phones, a network that loses, doubles, delays and cuts, and one server of one shard or several, in
// virtual time. One script gives one run, always the same.

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

    let private realm = Ground.realm

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

    /// The flow of the configured peer.
    let trunk: Flow =
        {
            Listener = ListenerId 0
            Transport = Transport.Udp
            Connection = 0L
            Remote =
                {
                    Address = Address.ofV4 0xC0000264u
                    Port = 5060
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
        let faults = List<string>()
        let cuts = List<int64 * int>()
        let astray = List<string>()
        let lost = Dictionary<string, int>()
        let open' = HashSet<Flow>()
        let phones = List<Phone>()
        let flows = Dictionary<int, Flow>()
        let mutable connections = 0L
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

        let deliver (flow: Flow) (text: string) =
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

        let send (hop: Hop) (text: string) =
            match hop with
            | Hop.Dial _ -> astray.Add text
            | Hop.Flow flow -> deliver flow text

        // The network's dice are the same, however many shards there are.
        let server = Shards(clock, ledgers, script.Seed + 1, send)

        let transmit (index: int) (text: string) =
            let flow = flows[index]

            let arrived () =
                server.Bring(flow, Input.Arrived(flow, ReadOnlyMemory(Text.toBytes text)))

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
                server.Bring(flows[index], Input.Opened flows[index])

            phone.Register(phone.Seat.User, "reg" + string index, "", 1800)

        let cut (index: int) =
            let phone = phones[index]

            if phone.Seat.Device.Link <> Link.Udp && open'.Remove flows[index] then
                cuts.Add((clock.Now, index))
                phone.Break()
                let flow = flows[index]
                server.Bring(flow, Input.Closed flow)
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
                    server.Bring(stranger, Input.Arrived(stranger, bytes))
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
            ledgers[0].Online(Instant.FromMilliseconds clock.Now)
            |> Seq.map (fun pair -> pair.Key, pair.Value)
            |> Map.ofSeq

        // Everybody's registration runs out, then everybody goes.
        clock.Run 9_000_000L

        for index in 0 .. phones.Count - 1 do
            if open'.Remove flows[index] then
                server.Bring(flows[index], Input.Closed flows[index])

        // So does every call of which nobody has said that it is over.
        clock.Run 25_000_000L

        {
            Script = script
            Phones = List.ofSeq phones
            Happenings = server.Happenings
            Cuts = List.ofSeq cuts
            Astray = List.ofSeq astray
            Disputes = server.Disputes
            Faults = List.ofSeq faults @ server.Faults
            Online = online
            Ledgers = List.ofArray ledgers
            End = Instant.FromMilliseconds clock.Now
        }
