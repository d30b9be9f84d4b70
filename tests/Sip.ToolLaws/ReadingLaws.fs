// ReadingLaws: the load generator reads by a walk of its own; here it is held against the domain's reader.

module Sip.ToolLaws.ReadingLaws

open System
open Expecto
open FsCheck.FSharp
open Sip
open Sip.Properties
open Sip.Tools.Load.Play
open Sip.Tools.Load.Wire
open Sip.Wire

let private text (message: byref<Incoming>) (slice: Slice) : string =
    if slice.Length = 0 then
        ""
    else
        Text.ofBytes (message[slice])

/// What the generator makes of a message: nothing, or what it acts on.
let private heard (bytes: byte[]) =
    let mutable message = Incoming()

    if Incoming.Read(ReadOnlySpan bytes, &message) then
        Some
            [
                text &message message.From
                text &message message.To
                text &message message.CallId
                text &message message.CSeq
                string message.Sequence
                text &message message.CSeqMethod
                string message.Status
            ]
    else
        None

/// The same of the domain's reader.
let private read (bytes: byte[]) =
    match Reading.message Limits.usual (ReadOnlySpan bytes) with
    | Arrival.Broken _ -> None
    | Arrival.Message message ->
        let value name =
            message.Text(Message.value name message)

        let status =
            match message.Start with
            | StartLine.Response(status, _) -> status.Number
            | StartLine.Request _ -> 0

        Some
            [
                value HeaderName.From
                value HeaderName.To
                value HeaderName.CallId
                value HeaderName.CSeq
                string (Message.sequence message)
                message.Text(Message.methodName message)
                string status
            ]

let private isOrdinary (text: string) =
    not (text.Contains "\r\n " || text.Contains "\r\n\t")
    && text.Split("\r\nVia:").Length - 1 <= Few.Most

/// A user agent that plays may refuse what it never sees: folded lines, and a way over many hops.
let private agrees (wire: string) =
    let bytes = Text.toBytes wire

    match read bytes, heard bytes with
    | Some right, Some said -> right = said
    | Some _, None -> not (isOrdinary wire)
    | None, _ -> true

let private neverFails (wire: string) =
    heard (Text.toBytes wire) |> ignore
    true

let private element =
    gen {
        let! user = Gen.elements [ "a"; "b,c"; "d" ]
        let! display = Gen.elements [ ""; "\"x, y\" "; "\"<,\\\",>\" " ]
        let! tail = Gen.elements [ ""; ";lr"; ";a=b;lr" ]
        return display + "<sip:" + user + "@host.example" + tail + ">"
    }

let private lists = Arb.fromGen (Gen.nonEmptyListOf element)

let private splits (elements: string list) =
    let rec walk (bytes: byte[]) =
        let length = Values.FirstLength(ReadOnlySpan bytes)
        let first = Text.ofBytes (ReadOnlySpan(bytes, 0, length))

        if length = bytes.Length then
            [ first ]
        else
            first :: walk bytes[length + 1 ..]

    walk (Text.toBytes (String.concat "," elements)) = elements

let private response (elements: string list) =
    let lines =
        elements
        |> List.map (fun e -> "Record-Route: " + e + "\r\n")
        |> List.truncate Few.Most

    "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\n"
    + "Call-ID: c\r\nCSeq: 1 INVITE\r\n"
    + String.concat "" lines
    + "\r\n"
    |> Text.toBytes

let private routes (forwards: bool) (elements: string list) =
    let mutable message = Incoming()
    let mutable store = Store()
    Incoming.Read(ReadOnlySpan(response elements), &message) |> ignore

    let strict =
        if forwards then
            RouteSet.Forwards(&message, &store)
        else
            RouteSet.Backwards(&message, &store)

    let lines =
        (Text.ofBytes store.Span).Split("\r\n", StringSplitOptions.RemoveEmptyEntries)

    strict, List.ofArray lines

let private isMirrored elements =
    let strictly, forwards = routes true elements
    let strictlyToo, backwards = routes false elements

    forwards = List.rev backwards
    && forwards.Length = min elements.Length Few.Most
    && strictly = strictlyToo

let all =
    testList
        "Reading"
        [
            Law.holds
                "what the domain reads, the generator reads alike"
                Messages.politeMessages
                agrees
            Law.holds "nothing that comes makes the generator fail" Messages.anyMessages neverFails
            Law.holds "a list is parted where its elements were joined" lists splits
            Law.holds "the caller's route is the callee's the other way round" lists isMirrored
        ]
