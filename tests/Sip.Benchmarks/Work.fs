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
    ]
