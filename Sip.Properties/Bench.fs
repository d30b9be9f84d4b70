// Bench: a ledger at which Bob is registered, and the words to try something on it: for laws about what it
// does with one request.

module Sip.Properties.Bench

open System
open Expecto
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Registrar
open Sip.Transactions
open Sip.Edge

/// A flow by this listener; its number tells it apart.
let flow (listener: int) (transport: Transport) (connection: int) : Flow =
    {
        Listener = ListenerId listener
        Transport = transport
        Connection = if transport = Transport.Udp then 0L else int64 connection
        Remote =
            {
                Address = Address.ofV4 0x7F000001u
                Port = 40000 + connection
            }
    }

/// Where Alice is.
let alice = flow 0 Transport.Udp 1

/// A binding of Bob's, with these parameters of its Contact.
let binding (flow: Flow) (instance: string voption) (number: int) (parameters: string) : Binding =
    let contact =
        "<sip:bob@" + string number + ".invalid>" + parameters
        |> Lexical.read GrammarAddress.address

    {
        Contact =
            match contact with
            | Ok contact -> contact
            | Error words -> failtest words
        CallId = "r" + string number
        CSeq = 1u
        Expires = Ground.at 3_600_000L
        Quality = 1000
        Flow = flow
        Path = []
        Instance = instance
        RegId = ValueOption.map (fun _ -> number) instance
    }

/// A request of Alice's, with these fields more.
let requestWith (more: string list) method target body =
    String.Join(
        "\r\n",
        [
            String.Concat(method, " ", target, " SIP/2.0")
            "Via: SIP/2.0/UDP 127.0.0.1:40001;rport;branch=z9hG4bK1"
            "Max-Forwards: 70"
            "From: <sip:alice@example.test>;tag=a"
            "To: <sip:bob@example.test>"
            "Call-ID: 1"
            "CSeq: 1 " + method
            "Contact: <sip:alice@127.0.0.1:40001>"
            yield! more
            "Content-Length: " + string (String.length body)
            ""
            body
        ]
    )

/// A request of Alice's.
let request method target body = requestWith [] method target body

/// Bob's answer to a request, with this tag.
let answerAs (tag: string) (status: int) (request: string) =
    let copied =
        request.Split "\r\n"
        |> Array.filter (fun line ->
            line.StartsWith "Via:"
            || line.StartsWith "From:"
            || line.StartsWith "To:"
            || line.StartsWith "Call-ID:"
            || line.StartsWith "CSeq:")
        |> Array.map (fun line -> if line.StartsWith "To:" then line + ";tag=" + tag else line)

    String.Join("\r\n", Array.append [| $"SIP/2.0 %d{status} Words" |] copied)
    + "\r\nContent-Length: 0\r\n\r\n"

/// Bob's answer to a request.
let answer (status: int) (request: string) = answerAs "b" status request

/// A ledger at which Bob is registered like this, the last one best.
type Server(registered: Binding list) =
    let realm =
        { Ground.realm with
            Admittance = Admittance.UnsafeOpen
        }

    let ledger = Ledger(realm, Timing.usual, Policy.standard)
    let mutable now = 1000L

    let take (input: Input) : (Hop * string) list =
        Sends.texts (ledger.Take(Ground.at now, input))

    do
        for binding in registered do
            if Flow.isConnection binding.Flow then
                take (Input.Opened binding.Flow) |> ignore

            take (Input.Restored("bob@example.test", binding)) |> ignore

    member _.Take(input: Input) = take input

    member _.Say(from: Flow, text: string) =
        take (Input.Arrived(from, ReadOnlyMemory(Text.toBytes text)))

    /// What is sent in so much time.
    member _.Pass(milliseconds: int64) =
        now <- now + milliseconds
        take Input.Tick

    member this.Held = ledger.Held

/// The first request that went to each hop.
let requests (sent: (Hop * string) list) =
    sent |> List.filter (fun (_, text) -> not (text.StartsWith "SIP/2.0"))

/// The statuses that Alice hears.
let statuses (sent: (Hop * string) list) =
    [
        for hop, text in sent do
            if hop = Hop.Flow alice && text.StartsWith "SIP/2.0" then
                int (text.Substring(8, 3))
    ]
