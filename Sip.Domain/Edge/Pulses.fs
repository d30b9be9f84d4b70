// Pulses: the servers behind us that are asked whether they answer, and in which order they are tried.

namespace Sip.Edge

open System
open System.Collections.Generic
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Transactions

/// One server.
[<Sealed>]
type internal Server(there: Destination, pulse: Pulse) =
    inherit Reminder()
    member _.There = there
    member val Pulse = pulse with get, set
    /// The branch of the OPTIONS sent last; what it was.
    member val Branch = Unchecked.defaultof<Mark> with get, set
    member val Bytes: ReadOnlyMemory<byte> = ReadOnlyMemory.Empty with get, set
    member val Count = 0L with get, set
    override _.What = Due.Server there

/// The servers of one ledger.
[<Sealed>]
type internal Pulses
    (station: Station, timing: Timing, agenda: Agenda, outbox: Outbox, throttles: Throttles) =
    let servers = Dictionary<Destination, Server>()
    let byBranch = Dictionary<Mark, Server>()

    // So many servers are watched at most; others are tried in their turn.
    let most = 64

    let delivery (there: Destination) =
        if Transport.isReliable (Hop.dialled there.Transport) then
            Delivery.Reliable
        else
            Delivery.Unreliable

    let uriOf (there: Destination) : string =
        let address = Host.print (Host.Address there.Address)
        let word = Transport.inUri (Hop.dialled there.Transport)
        let place = String.Concat(address, ":", string there.Port)
        String.Concat("sip:", place, ";transport=", word)

    let spelt (branch: Mark) : string =
        let out = Octets 64
        Branch.own branch out
        Text.ofBytes out.Written

    let options (server: Server) (leaves: Listener) : byte[] =
        let uri = uriOf server.There
        let branch = spelt server.Branch
        let ours = Host.print leaves.AdvertisedHost
        let (ListenerId outward) = leaves.Id
        let via = Text.ofBytes (ReadOnlySpan station.Vias[outward])

        String.Join(
            "\r\n",
            [|
                String.Concat("OPTIONS ", uri, " SIP/2.0")
                String.Concat(via, branch, Text.ofBytes (ReadOnlySpan OverloadControl.offer))
                "Max-Forwards: 70"
                String.Concat("From: <sip:", ours, ">;tag=", branch)
                String.Concat("To: <", uri, ">")
                String.Concat("Call-ID: ", branch, "@", ours)
                String.Concat("CSeq: ", string server.Count, " OPTIONS")
                "Content-Length: 0"
                ""
                ""
            |]
        )
        |> Text.toBytes

    let ask (server: Server) =
        match Realm.towards station.Realm (Hop.Dial server.There) with
        | ValueNone -> ()
        | ValueSome leaves ->
            byBranch.Remove server.Branch |> ignore
            server.Count <- server.Count + 1L
            let place = Text.toBytes (uriOf server.There)
            let mark = Prf.hash station.BranchKey (ReadOnlySpan place)
            server.Branch <- Branch.mark station mark (int server.Count)
            server.Bytes <- ReadOnlyMemory(options server leaves)
            byBranch[server.Branch] <- server

    let take (now: Instant) (event: PulseEvent) (server: Server) =
        let before = Pulse.condition server.Pulse

        let struct (after, act) =
            Pulse.step timing (delivery server.There) now event server.Pulse

        server.Pulse <- after
        agenda.Forget server
        agenda.Remind(Pulse.wake after, server)

        match act with
        | ValueSome PulseAct.Ask ->
            ask server
            outbox.Send(Hop.Dial server.There, server.Bytes)
        | ValueSome PulseAct.Repeat -> outbox.Send(Hop.Dial server.There, server.Bytes)
        | ValueNone -> ()

        match before, Pulse.condition after with
        | Condition.Alive, Condition.Silent -> outbox.Note(Note.Silent server.There)
        | Condition.Silent, Condition.Alive -> outbox.Note(Note.Answering server.There)
        | _, _ -> ()

    let find (message: Message) : Server | null =
        match byBranch.TryGetValue(Key.ofBranch message) with
        | true, server -> server
        | false, _ -> null

    let isSilent (there: Destination) =
        match servers.TryGetValue there with
        | true, server -> Pulse.condition server.Pulse = Condition.Silent
        | false, _ -> false

    /// These are the servers of the registrar behind us; those that answer come first.
    member _.Arrange(now: Instant, found: Destination list) : Destination list =
        for there in found do
            if servers.Count < most && not (servers.ContainsKey there) then
                let server = Server(there, Pulse.fresh now)
                servers[there] <- server
                agenda.Remind(Pulse.wake server.Pulse, server)

        let silent, answering = List.partition isSilent found
        answering @ silent

    /// A request of somebody's was not taken there.
    member _.Failed(now: Instant, there: Destination) : unit =
        match servers.TryGetValue there with
        | true, server -> take now PulseEvent.Failed server
        | false, _ -> ()

    /// Whether a response is one to us.
    member _.Answered(now: Instant, source: FlowText, response: Message) : bool =
        match find response, response.Start with
        | NonNull server, StartLine.Response(status, _) when
            source.Flow.Remote.Address = server.There.Address
            ->
            let given =
                {
                    Status = status
                    Bytes = ReadOnlyMemory.Empty
                }

            throttles.Hear(now, Hop.Dial server.There, response)
            take now (PulseEvent.Answered given) server
            true
        | _, _ -> false

    /// The connection there has ended, or never came about.
    member _.Severed(now: Instant, there: Destination) : unit =
        match servers.TryGetValue there with
        | true, server -> take now PulseEvent.Unsendable server
        | false, _ -> ()

    /// It is time for a server.
    member _.Tick(now: Instant, there: Destination) : unit =
        match servers.TryGetValue there with
        | true, server when (Pulse.wake server.Pulse).IsDue now -> take now PulseEvent.Tick server
        | true, server -> agenda.Remind(Pulse.wake server.Pulse, server)
        | false, _ -> ()
