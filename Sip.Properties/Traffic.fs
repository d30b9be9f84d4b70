// Traffic: whole transactions through a ledger in virtual time, one after another and each its own, with
// what only the ledger itself costs: the peers' work is not counted.

module Sip.Properties.Traffic

open System
open System.Collections.Generic
open System.Diagnostics
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Registrar
open Sip.Transactions
open Sip.Edge

/// What so many messages cost.
[<Struct>]
type Cost =
    {
        Messages: int
        Ticks: int64
        Bytes: int64
    }

let private crlf = "\r\n"

/// A request of a phone whose sent-by is `host`; `mark` tells calls apart and always has eight digits.
let private request method uri host mark (sequence: int) more body =
    String.Concat(
        String.Join(
            crlf,
            [|
                String.Concat(method, " ", uri, " SIP/2.0")
                String.Concat("Via: SIP/2.0/WS ", host, ";branch=z9hG4bK", mark)
                + string sequence
                "Max-Forwards: 69"
                "From: \"Alice\" <sip:alice@example.test>;tag=f" + mark
                "Call-ID: " + mark + "@df7jal"
                String.Concat("CSeq: ", string sequence, " ", method)
                "User-Agent: JsSIP 3.10"
                more
                "Content-Length: " + string (String.length body)
            |]
        ),
        "\r\n\r\n",
        body
    )

let private sdp = String('s', 380)

/// The response to a request as it came: what RFC 3261 §8.2.6.2 copies, and a Contact.
let private answer (request: string) (status: string) : string =
    let copied =
        request.Substring(0, request.IndexOf "\r\n\r\n").Split crlf
        |> Array.filter (fun line ->
            line.StartsWith "Via:"
            || line.StartsWith "From:"
            || line.StartsWith "Call-ID:"
            || line.StartsWith "CSeq:"
            || line.StartsWith "Record-Route:")

    let target =
        request.Substring(0, request.IndexOf "\r\n\r\n").Split crlf
        |> Array.find (fun line -> line.StartsWith "To:")

    let tagged =
        if target.Contains ";tag=" then
            target
        else
            target + ";tag=b1"

    String.Join(crlf, Array.append [| "SIP/2.0 " + status |] copied)
    + "\r\n"
    + tagged
    + "\r\nContact: <sip:bob@y.invalid;transport=ws>\r\nContent-Length: 0\r\n\r\n"

let private field (message: string) (name: string) =
    let at = message.IndexOf("\r\n" + name + ": ") + name.Length + 4
    message.Substring(at, message.IndexOf("\r\n", at) - at)

/// A server with Alice and Bob on it, each by a transport, and so many milliseconds from one to the next.
type Scene(caller: Transport, callee: Transport, pace: int) =
    let realm =
        { Ground.realm with
            Admittance = Admittance.UnsafeOpen
        }

    // All traffic is that of one pair here: a flow's share must not bound it.
    let bounds =
        { Bounds.usual with
            PerFlow = 1_000_000<exchange>
            Total = 1_000_000<exchange>
            Ended = 1_000_000<exchange>
        }

    let ledger = Ledger(realm, Timing.usual, Policy.standard, bounds, Sharding.alone)

    let flow (transport: Transport) (connection: int64) : Flow =
        {
            Listener =
                (realm.Listeners |> Array.find (fun listener -> listener.Transport = transport)).Id
            Transport = transport
            Connection = if transport = Transport.Udp then 0L else connection
            Remote =
                {
                    Address = Address.ofV4 0x7F000001u
                    Port = 40000 + int connection
                }
        }

    let alice = flow caller 1L
    let bob = flow callee 2L
    let mutable now = 1000L
    let mutable ticks = 0L
    let mutable bytes = 0L
    let mutable messages = 0

    let take (input: Input) : IReadOnlyList<Effect> =
        let before = GC.GetAllocatedBytesForCurrentThread()
        let started = Stopwatch.GetTimestamp()
        let effects = ledger.Take(Instant.FromMilliseconds now, input)
        ticks <- ticks + Stopwatch.GetTimestamp() - started
        bytes <- bytes + GC.GetAllocatedBytesForCurrentThread() - before
        effects

    /// What a message leads to, to that flow.
    let sent (from: Flow) (text: string) (target: Flow) : string list =
        let input = Input.Arrived(from, ReadOnlyMemory(Text.toBytes text))
        messages <- messages + 1

        Sends.texts (take input)
        |> List.filter (fun (hop, _) -> hop = Hop.Flow target)
        |> List.map snd

    let pass () =
        now <- now + int64 pace

        while ledger.Wake.Milliseconds <= now do
            take Input.Tick |> ignore

    do
        for one in [ alice; bob ] do
            if Flow.isConnection one then
                take (Input.Opened one) |> ignore

        let register =
            request
                "REGISTER"
                "sip:example.test"
                "y.invalid"
                "00000000"
                1
                "To: <sip:bob@example.test>\r\nContact: <sip:bob@y.invalid;transport=ws>;expires=3600"
                ""

        sent bob register bob |> ignore

    member private _.Cost =
        {
            Messages = messages
            Ticks = ticks
            Bytes = bytes
        }

    /// A request that is answered at once.
    member _.Message(number: int) =
        let mark = number.ToString "x8"
        let to' = "To: <sip:bob@example.test>"
        let text = request "MESSAGE" "sip:bob@example.test" "x.invalid" mark 1 to' "hello"
        let came = sent alice text bob |> List.head
        sent bob (answer came "200 OK") alice |> ignore
        pass ()

    /// INVITE, 180, 200, ACK, BYE and 200.
    member _.Call(number: int) =
        let mark = number.ToString "x8"
        let contact = "Contact: <sip:alice@x.invalid;transport=ws>"

        let invite =
            request
                "INVITE"
                "sip:bob@example.test"
                "x.invalid"
                mark
                1
                ("To: <sip:bob@example.test>\r\n" + contact)
                sdp

        let came = sent alice invite bob |> List.head
        sent bob (answer came "180 Ringing") alice |> ignore
        let ok = sent bob (answer came "200 OK") alice |> List.head
        let target = (field ok "Contact").Trim('<', '>')
        let routes = "Route: " + field ok "Record-Route"
        let to' = "To: " + field ok "To"
        let within = String.Join(crlf, [| to'; routes |])
        sent alice (request "ACK" target "x.invalid" mark 1 within "") bob |> ignore

        let bye =
            sent alice (request "BYE" target "x.invalid" mark 2 within "") bob |> List.head

        sent bob (answer bye "200 OK") alice |> ignore
        pass ()

    /// The cost of so many, once as many have gone before as live at one time.
    member this.Measure(warm: int, rounds: int, one: int -> unit) : Cost =
        for number in 1..warm do
            one number

        let before = this.Cost

        for number in warm + 1 .. warm + rounds do
            one number

        {
            Messages = this.Cost.Messages - before.Messages
            Ticks = this.Cost.Ticks - before.Ticks
            Bytes = this.Cost.Bytes - before.Bytes
        }

/// So many messages or calls between two phones at this pace, once as many have gone before.
let measure (caller: Transport) (callee: Transport) (pace: int) (warm: int) (rounds: int) =
    let texts = Scene(caller, callee, pace)
    let calls = Scene(caller, callee, pace)
    struct (texts.Measure(warm, rounds, texts.Message), calls.Measure(warm, rounds, calls.Call))
