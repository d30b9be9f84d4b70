// AllocationLaws: what is on the way of every message allocates nothing once it is warm, for each pair of
// transports that a request comes and leaves by.

module Sip.Properties.AllocationLaws

open System
open Expecto
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Edge

let private realm =
    { Ground.realm with
        Secret = Array.init 32 byte
    }

let private alive (flow: Flow) = ValueSome flow

// A station belongs to one thread, and laws are tried on several.
let private stations =
    new Threading.ThreadLocal<Station>(fun () -> Station.ofRealm realm)

let private flow (index: int) (connection: int64) : Flow =
    {
        Listener = ListenerId index
        Transport = realm.Listeners[index].Transport
        Connection =
            if realm.Listeners[index].Transport = Transport.Udp then
                0L
            else
                connection
        Remote =
            {
                Address = Address.ofV4 0x7F000001u
                Port = 40000 + int connection
            }
    }

let private invite (transport: Transport) =
    "INVITE sip:bob@example.test SIP/2.0\r\nVia: SIP/2.0/"
    + Transport.inVia transport
    + " df7jal.invalid;branch=z9hG4bK776asdhds;rport\r\n"
    + "Max-Forwards: 70\r\nFrom: \"Alice\" <sip:alice@example.test>;tag=1928301774\r\n"
    + "To: <sip:bob@example.test>\r\nCall-ID: a84b4c76e66710@df7jal\r\nCSeq: 314159 INVITE\r\n"
    + "Contact: <sip:alice@df7jal.invalid;transport=ws>\r\nSupported: outbound\r\n\r\nv=0\r\n"
    |> Text.toBytes

let private inDialog (transport: Transport) (callee: Flow) =
    (Text.ofBytes (ReadOnlySpan(invite transport)))
        .Replace(
            "INVITE sip:bob@example.test",
            "BYE sip:bob@x.invalid;alias=" + Alias.mint (Mint.ofRealm realm) callee
        )
        .Replace("314159 INVITE", "314160 BYE")
        .Replace("To: <sip:bob@example.test>", "To: <sip:bob@example.test>;tag=a6c85cf")
        .Replace(
            "Max-Forwards",
            "Route: <sip:edge.example.test:8080;transport=ws;r2=on;lr>, <sip:edge.example.test:5060;r2=on;lr>\r\nMax-Forwards"
        )
    |> Text.toBytes

let private heading =
    Heading.Written(ReadOnlyMemory(Text.toBytes "sip:bob@y.invalid;transport=ws"))

/// What one shard has at hand.
type private Bench() =
    member val Station = stations.Value
    member val Came = Message.blank ()
    member val Edits = Edits()
    member val Out = Octets 2048
    member val Target: byte[] = Array.zeroCreate 8192

    member this.Read(bytes: byte[]) =
        match Reading.into this.Came Limits.usual (ReadOnlySpan bytes) with
        | Arrival.Message message -> message
        | Arrival.Broken _ -> failtest "misread"

    member this.Forward(source: Flow, leaves: Flow, request: Message, heading: Heading) =
        let outgoing =
            {
                Station = this.Station
                Source = this.Station.Flows.Of source
                Request = request
                Way = Routes.strip this.Station request
                Hop = (this.Station.Flows.Of leaves).Hop
                Leaves = Realm.listener realm leaves.Listener
                Heading = heading
                Path = ReadOnlyMemory.Empty
                Breadth = 60
                Towards = Standing.Client
                Asserted = []
                Transaction =
                    Prf.hash
                        this.Station.TransactionKey
                        (request.Slice(Message.firstValue HeaderName.Via request))
                Index = 0
            }

        this.Edits.Clear()
        Forward.write this.Edits &outgoing
        Patch.write this.Edits request (Span this.Target)

let private pairs =
    [
        for source in 0 .. realm.Listeners.Length - 1 do
            for target in 0 .. realm.Listeners.Length - 1 do
                flow source 1L, flow target 2L
    ]

let private law (sentence: string) (work: Bench -> Flow -> Flow -> unit -> unit) =
    testList
        sentence
        [
            for source, target in pairs do
                let name =
                    Transport.inVia source.Transport + " to " + Transport.inVia target.Transport

                testCase name
                <| fun () -> Expect.equal (Law.allocated (work (Bench()) source target)) 0L "bytes"
        ]

let all =
    testList
        "Allocation"
        [
            testCase "reading a message and asking for its fields allocates nothing"
            <| fun () ->
                let bench = Bench()
                let bytes = invite Transport.Ws

                let work () =
                    let message = bench.Read bytes
                    let via = Message.topVia message
                    let branch = via.Value.Branch
                    let tag = Message.tag HeaderName.From message
                    let hops = Message.number HeaderName.MaxForwards message

                    if branch.Length = 0 || tag.Length = 0 || hops <> 70L then
                        failtest "misread"

                Expect.equal (Law.allocated work) 0L "bytes"

            law "admitting, routing and forwarding an INVITE allocates nothing"
            <| fun bench source target ->
                let bytes = invite source.Transport

                fun () ->
                    let request = bench.Read bytes
                    let refusal = Admission.check bench.Station request

                    let choice =
                        Target.choose
                            bench.Station
                            alive
                            source
                            request
                            (Routes.strip bench.Station request)

                    if refusal.IsSome || not choice.IsUser then
                        failtest "refused"

                    bench.Forward(source, target, request, heading) |> ignore

            law "following an alias within a dialog allocates nothing"
            <| fun bench source target ->
                let bytes = inDialog source.Transport target

                fun () ->
                    let request = bench.Read bytes

                    match
                        Target.choose
                            bench.Station
                            alive
                            source
                            request
                            (Routes.strip bench.Station request)
                    with
                    | Target.Along(_, heading) ->
                        bench.Forward(source, target, request, heading) |> ignore
                    | Target.Server
                    | Target.User
                    | Target.Sought _
                    | Target.Instance
                    | Target.Ending _
                    | Target.Nobody _ -> failtest "lost"

            law "telling in whose name a request is allocates nothing"
            <| fun bench source target ->
                let bytes = inDialog source.Transport target
                let keys = (Mint.ofRealm realm).Keys

                fun () ->
                    let request = bench.Read bytes
                    let speaker = Speaker.ofRequest bench.Station keys "alice" request

                    if speaker <> Speaker.Own then
                        failtest "lost"

            law "answering 100 allocates nothing"
            <| fun bench source _ ->
                let bytes = invite source.Transport

                fun () ->
                    let request = bench.Read bytes
                    let flow = bench.Station.Flows.Of source
                    bench.Out.Clear()
                    Reply.write bench.Station flow request Status.trying "Trying" [] bench.Out

            law "returning a response allocates nothing"
            <| fun bench source target ->
                let request = bench.Read(invite source.Transport)
                let length = bench.Forward(source, target, request, heading)
                let asked = (Bench()).Read(Array.truncate length bench.Target)
                let contact = [ "Contact", "<sip:bob@y.invalid;transport=ws>" ]

                Reply.write
                    bench.Station
                    (bench.Station.Flows.Of target)
                    asked
                    Status.ok
                    "OK"
                    contact
                    bench.Out

                let bytes = bench.Out.Written.ToArray()

                fun () ->
                    let response = bench.Read bytes
                    bench.Edits.Clear()

                    Return.write
                        bench.Station
                        bench.Edits
                        (bench.Station.Flows.Of target)
                        []
                        (bench.Station.Flows.Of source)
                        response

                    Patch.write bench.Edits response (Span bench.Target) |> ignore

            testCase "a WebSocket frame in and out allocates nothing"
            <| fun () ->
                let payload = invite Transport.Ws
                let mask = 0x01020304u
                let frame = Array.zeroCreate<byte>(8 + payload.Length)
                frame[0] <- 0x81uy
                frame[1] <- 0xFEuy
                frame[2] <- byte (payload.Length >>> 8)
                frame[3] <- byte payload.Length
                Array.blit (BitConverter.GetBytes mask) 0 frame 4 4
                Array.blit payload 0 frame 8 payload.Length
                let target = Array.zeroCreate<byte> 16

                let work () =
                    let head = Frames.read (ReadOnlySpan frame)
                    Frames.unmask head.Mask (Span(frame, head.HeadLength, head.Length))
                    Frames.writeHead Opcode.Text head.Length (Span target) |> ignore

                Expect.equal (Law.allocated work) 0L "bytes"

            testList
                "a message through the ledger costs at most 400 bytes, its states and deadlines included"
                [
                    for caller in [ Transport.Udp; Transport.Ws; Transport.Wss; Transport.Tcp ] do
                        for callee in [ Transport.Udp; Transport.Ws; Transport.Wss; Transport.Tcp ] do
                            testCase (Transport.inVia caller + " to " + Transport.inVia callee)
                            <| fun () ->
                                // Over UDP a transaction lives for 32 s: as many end here as begin.
                                let struct (texts, calls) =
                                    Traffic.measure caller callee 50 1000 1000

                                for cost in [ texts; calls ] do
                                    Expect.isLessThanOrEqual
                                        (cost.Bytes / int64 cost.Messages)
                                        400L
                                        "bytes"
                ]
        ]
