// Work: the pieces of the way of a message, each as one thing to do again and again.

module Sip.Benchmarks.Work

open System
open Sip
open Sip.Wire
open Sip.Routing

let private station = Samples.station
let private invite = Samples.read Samples.invite
let private bye = Samples.read Samples.bye
let private scratch = Message.blank ()
let private edits = Edits()
let private out = Octets 4096
let private target = Array.zeroCreate<byte> 8192

let private read (bytes: byte[]) =
    Reading.into scratch Limits.usual (ReadOnlySpan bytes) |> ignore

let private heading =
    Heading.Written(ReadOnlyMemory(Text.toBytes "sip:bob@y.invalid;transport=ws"))

let private alive (flow: Flow) = ValueSome flow

let private decide (request: Message) =
    Target.choose station alive Samples.caller request (Routes.strip station request)
    |> ignore

let private hop = Hop.Flow Samples.callee

let private forward (request: Message) (heading: Heading) : int =
    let outgoing =
        {
            Station = station
            Source = station.Flows.Of Samples.caller
            Request = request
            Way = Routes.strip station request
            Hop = hop
            Leaves = Samples.realm.Listeners[1]
            Heading = heading
            Path = ReadOnlyMemory.Empty
            Breadth = 60
            Towards = Standing.Client
            Asserted = []
            Transaction = { First = 1UL; Second = 2UL }
            Index = 0
        }

    edits.Clear()
    Forward.write edits &outgoing
    Patch.write edits request (Span target)

let private reply (request: Message) status phrase headers =
    out.Clear()
    Reply.write station (station.Flows.Of Samples.caller) request status phrase headers out

let private answer =
    let length = forward invite heading

    reply
        (Samples.read (Array.truncate length target))
        Status.ok
        "OK"
        [ "Contact", "<sip:bob@y.invalid;transport=ws>" ]

    out.Written.ToArray()

let private response = Samples.read answer

let private back () =
    edits.Clear()

    Return.write
        station
        edits
        (station.Flows.Of Samples.callee)
        []
        (station.Flows.Of Samples.caller)
        response

    Patch.write edits response (Span target) |> ignore

let private whole (bytes: byte[]) (heading: Heading) =
    match Reading.into scratch Limits.usual (ReadOnlySpan bytes) with
    | Arrival.Message request ->
        Admission.check station request |> ignore
        decide request
        forward request heading |> ignore
    | Arrival.Broken _ -> ()

let private register =
    String.Join(
        "\r\n",
        [
            "REGISTER sip:example.test SIP/2.0"
            "Via: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bKnashds8"
            "Max-Forwards: 70"
            "To: <sip:alice@example.test>"
            "From: <sip:alice@example.test>;tag=1928301774"
            "Call-ID: a84b4c76e66710@df7jal"
            "CSeq: 1000000000 REGISTER"
            "Contact: <sip:alice@df7jal23ls0d.invalid;transport=ws>;expires=600"
            "Content-Length: 0"
            ""
            ""
        ]
    )

let private ledger (admittance: Admittance) =
    let realm =
        { Samples.realm with
            Admittance = admittance
        }

    let ledger =
        Edge.Ledger(realm, Transactions.Timing.usual, Registrar.Policy.standard)

    Edge.Input.Opened Samples.caller
    |> fun input -> ledger.Take(Instant.FromMilliseconds 1000L, input) |> ignore

    ledger

let private arrive (ledger: Edge.Ledger) (bytes: byte[]) =
    ledger.Take(
        Instant.FromMilliseconds 1000L,
        Edge.Input.Arrived(Samples.caller, ReadOnlyMemory bytes)
    )

let private challenging =
    let ledger = ledger Admittance.Authenticated
    let bytes = Text.toBytes register
    fun () -> arrive ledger bytes |> ignore

// The same client again and again: only a higher CSeq binds anew.
let private binding =
    let ledger = ledger Admittance.UnsafeOpen
    let bytes = Text.toBytes register
    let digits = register.IndexOf "CSeq: " + 6
    let mutable sequence = 1_000_000_000

    fun () ->
        sequence <- sequence + 1
        sequence.TryFormat(Span(bytes, digits, 10)) |> ignore
        arrive ledger bytes |> ignore

let private proving (algorithm: Identity.Algorithm) =
    let bytes = Array.init Identity.NonceKey.Size byte

    let keys: Identity.NonceKeys =
        {
            Current = (Identity.NonceKey.TryOf(1uy, ReadOnlySpan bytes)).Value
            Previous = ValueNone
        }

    let now = Instant.FromMilliseconds 1000L
    let host = Host.Name "example.test"

    let settings =
        Identity.Authentication.settings "example.test" host keys Transport.Ws

    let attempt: Identity.Attempt =
        {
            Method = "REGISTER"
            Uri = "sip:example.test"
            Credentials = []
            Bound = "127.0.0.1"
            Seed = "a84b4c76e66710@df7jal"
        }

    let subscriber = Identity.Subscriber.enroll "alice" "example.test" "secret"

    let credentials =
        Identity.Authentication.challenges settings now attempt Identity.Staleness.Fresh
        |> List.pick (fun text ->
            match Identity.Challenge.read text with
            | Ok(Identity.Demand.Digest one) when
                one.Algorithm = Identity.AlgorithmName.Known algorithm
                ->
                Some one
            | _ -> None)
        |> Identity.Digest.answer
            {
                Username = "alice"
                Ha1 = (Identity.Subscriber.ha1 algorithm subscriber).Value
            }
            "REGISTER"
            "sip:example.test"
            (Identity.NonceCount.ofNumber 1u)
            "0a4f113b"
        |> Identity.Credentials.print

    let attempt =
        { attempt with
            Credentials = [ credentials ]
        }

    let find (_: string) = ValueSome subscriber
    let window (_: Identity.NonceId) = Identity.Window.unused

    fun () -> Identity.Authentication.judge settings now find window attempt |> ignore

/// Every piece by its name.
let pieces: (string * (unit -> unit)) list =
    [
        "read INVITE", (fun () -> read Samples.invite)
        "read 200", (fun () -> read answer)
        "admit", (fun () -> Admission.check station invite |> ignore)
        "decide INVITE", (fun () -> decide invite)
        "decide BYE", (fun () -> decide bye)
        "forward INVITE", (fun () -> forward invite heading |> ignore)
        "forward BYE", (fun () -> forward bye Heading.Unaliased |> ignore)
        "INVITE from bytes to bytes", (fun () -> whole Samples.invite heading)
        "BYE from bytes to bytes", (fun () -> whole Samples.bye Heading.Unaliased)
        "return 200", back
        "reply 100", (fun () -> reply invite Status.trying "Trying" [])
        "challenge a REGISTER", challenging
        "prove by MD5", proving Identity.Algorithm.Md5
        "prove by SHA-256", proving Identity.Algorithm.Sha256
        "bind a REGISTER", binding
    ]
