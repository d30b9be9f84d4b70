// House: one server, of one shard or several, with the flows that it knows, in virtual time, spoken to in
// sheets: for laws about what a server answers and where it sends things.

namespace Sip.Properties.World

open System
open System.Collections.Generic
open Sip
open Sip.Registrar
open Sip.Routing
open Sip.Edge
open Sip.Properties

/// What the server sent, and where to.
type Sent = { To: Flow; Sheet: Sheet }

/// A server on its own.
[<Sealed>]
type House(policy: Policy, shards: int) =
    let realm =
        { Ground.realm with
            Admittance = Admittance.UnsafeOpen
        }

    let ledger = Together(realm, policy, shards)
    let mutable now = 1_000L
    let mutable connection = 0L

    let sent (effects: Effect list) : Sent list =
        [
            for effect in effects do
                match effect with
                | Effect.Send(Hop.Flow _, bytes) when not (Char.IsAsciiLetter(char bytes.Span[0])) ->
                    ()
                | Effect.Send(Hop.Flow flow, bytes) ->
                    {
                        To = flow
                        Sheet = Sheet.read (Text.ofBytes bytes.Span)
                    }
                | Effect.Send(Hop.Dial _, _)
                | Effect.Hand _
                | Effect.Tell _
                | Effect.Ask _
                | Effect.Note _ -> ()
        ]

    let take (input: Input) =
        sent (ledger.Take(Instant.FromMilliseconds now, input))

    /// A house of one shard.
    new(policy: Policy) = House(policy, 1)

    /// A house of so many shards, with the usual policy.
    new(shards: int) = House(Policy.standard, shards)

    /// A house of one shard, with the usual policy.
    new() = House(Policy.standard, 1)

    /// Another connection, or the datagram flow, of somebody there.
    member _.Open(transport: Transport, port: int) : Flow =
        connection <- connection + 1L

        let flow =
            {
                Listener = (realm.Listeners |> Array.find (fun l -> l.Transport = transport)).Id
                Transport = transport
                Connection = if transport = Transport.Udp then 0L else connection
                Remote =
                    {
                        Address = Address.ofV4 0xC6336407u
                        Port = port
                    }
            }

        if Flow.isConnection flow then
            take (Input.Opened flow) |> ignore

        flow

    /// A connection ends.
    member _.Close(flow: Flow) : Sent list = take (Input.Closed flow)

    /// The bytes that come of such bytes, or of so many milliseconds, and are no message.
    member _.Hear(from: Flow, bytes: byte[], milliseconds: int64) : (Flow * int64 * byte[]) list =
        let bare (effects: Effect list) =
            [
                for effect in effects do
                    match effect with
                    | Effect.Send(Hop.Flow flow, bytes) when
                        not (Char.IsAsciiLetter(char bytes.Span[0]))
                        ->
                        flow, now, bytes.ToArray()
                    | Effect.Send _
                    | Effect.Hand _
                    | Effect.Tell _
                    | Effect.Ask _
                    | Effect.Note _ -> ()
            ]

        let until = now + milliseconds
        let gathered = List<Flow * int64 * byte[]>()

        if bytes.Length > 0 then
            let input = Input.Arrived(from, ReadOnlyMemory bytes)
            gathered.AddRange(bare (ledger.Take(Instant.FromMilliseconds now, input)))

        while ledger.Wake.Milliseconds <= until do
            now <- max now ledger.Wake.Milliseconds
            gathered.AddRange(bare (ledger.Take(Instant.FromMilliseconds now, Input.Tick)))

        now <- until
        List.ofSeq gathered

    /// What comes of a message.
    member _.Say(from: Flow, sheet: Sheet) : Sent list =
        take (Input.Arrived(from, ReadOnlyMemory(Text.toBytes (Sheet.print sheet))))

    /// What comes of any bytes, as text.
    member _.Texts(from: Flow, bytes: byte[]) : (Flow * string) list =
        [
            for effect in ledger.Take(Instant.FromMilliseconds now, Input.Arrived(from, bytes)) do
                match effect with
                | Effect.Send(Hop.Flow flow, bytes) -> flow, Text.ofBytes bytes.Span
                | Effect.Send(Hop.Dial _, _)
                | Effect.Hand _
                | Effect.Tell _
                | Effect.Ask _
                | Effect.Note _ -> ()
        ]

    /// What comes of so many milliseconds.
    member _.Wait(milliseconds: int64) : Sent list =
        let until = now + milliseconds
        let gathered = List<Sent>()

        while ledger.Wake.Milliseconds <= until do
            now <- max now ledger.Wake.Milliseconds
            gathered.AddRange(take Input.Tick)

        now <- until
        List.ofSeq gathered

/// Requests as phones write them.
[<RequireQualifiedAccess>]
module Letter =

    let mutable private last = 0

    /// A request that no other is like; what it has more stands behind what every request has.
    let request
        (method: string)
        (uri: string)
        (user: string)
        (more: (string * string) list)
        : Sheet =
        let number = Threading.Interlocked.Increment &last

        {
            Start = String.Concat(method, " ", uri, " SIP/2.0")
            Fields =
                [
                    "Via", "SIP/2.0/WS x.invalid;branch=z9hG4bK" + string number
                    "Max-Forwards", "70"
                    "From", String.Concat("<sip:", user, "@example.test>;tag=f") + string number
                ]
                @ (if List.exists (fun (name, _) -> name = "To") more then
                       []
                   else
                       [ "To", String.Concat("<", uri, ">") ])
                @ (if List.exists (fun (name, _) -> name = "Call-ID") more then
                       []
                   else
                       [ "Call-ID", string number + "@x.invalid" ])
                @ [ "CSeq", String.Concat(string number, " ", method) ]
                @ more
                @ [ "Content-Length", "0" ]
            Body = ""
        }

    /// A REGISTER for a user, with this Contact.
    let register (user: string) (callId: string) (contact: string) (more: (string * string) list) =
        request
            "REGISTER"
            "sip:example.test"
            user
            ([
                "To", String.Concat("<sip:", user, "@example.test>")
                "Call-ID", callId
                "Contact", contact
             ]
             @ more)
