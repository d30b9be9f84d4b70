// WireLaws: what is true of bytes and the messages read from them.

module Sip.Properties.WireLaws

open System
open Expecto
open FsCheck.FSharp
open Sip
open Sip.Wire

let private read (text: string) =
    Reading.message Limits.usual (ReadOnlySpan(Text.toBytes text))

let private whole (text: string) =
    match read text with
    | Arrival.Message message -> message
    | Arrival.Broken(fault, _) -> failtest $"%A{fault} in\n%s{text}"

let private uris = Arb.fromGen Messages.uri
let private names = Arb.fromGen Messages.nameAddr
let private vias = Arb.fromGen Messages.via

let private withAll (text: string) reader =
    let bytes = Text.toBytes text
    reader bytes (Slice.between 0 bytes.Length)

let private via (text: string) =
    withAll text (fun bytes slice ->
        match ViaView.read (ReadOnlySpan bytes) slice with
        | ValueSome view -> ViaView.toVia (ReadOnlySpan bytes) view
        | ValueNone -> ValueNone)

let private address (text: string) =
    withAll text (fun bytes slice ->
        match AddressView.read (ReadOnlySpan bytes) slice with
        | ValueSome view -> AddressView.toNameAddr (ReadOnlySpan bytes) view
        | ValueNone -> ValueNone)

let private printsBack (read: string -> 'noun voption) (print: 'noun -> string) text =
    match read text with
    | ValueSome noun -> read (print noun) = ValueSome noun
    | ValueNone -> false

/// Bytes that a piece of work allocates once it is warm.
let private allocated (work: unit -> unit) =
    for _ in 1..50 do
        work ()

    let before = GC.GetAllocatedBytesForCurrentThread()

    for _ in 1..1000 do
        work ()

    GC.GetAllocatedBytesForCurrentThread() - before

let all =
    testList
        "Wire"
        [
            Law.holds "any bytes at all become an Arrival, never an exception" Messages.anyMessages
            <| fun text ->
                match read text with
                | Arrival.Message _
                | Arrival.Broken _ -> true

            Law.holds "a polite message is read" Messages.politeMessages
            <| fun text -> (whole text).Bytes.Length = text.Length

            Law.holds "a message without edits leaves byte for byte" Messages.politeMessages
            <| fun text -> Patch.apply (whole text) [] = Text.toBytes text

            Law.holds
                "an inserted field is there and every other byte stays"
                Messages.politeMessages
            <| fun text ->
                let message = whole text
                let via = Message.field HeaderName.Via message

                let edit = Patch.fieldBefore via HeaderName.Via "SIP/2.0/UDP h;branch=z9hG4bKx"

                let patched = Text.ofBytes (ReadOnlySpan(Patch.apply message [ edit ]))

                patched.Remove(via.Line.Start, edit.Insert.Length) = text
                && List.length (Message.values HeaderName.Via (whole patched)) =
                    List.length (Message.values HeaderName.Via message) + 1

            Law.holds
                "what follows the declared body is no part of the message"
                Messages.politeMessages
            <| fun text -> (whole (text + "INVITE sip:x SIP/2.0\r\n")).Bytes.Length = text.Length

            Law.holds "empty lines before the start line change nothing" Messages.politeMessages
            <| fun text -> (whole ("\r\n\r\n" + text)).Bytes.SequenceEqual((whole text).Bytes)

            Law.holds "a declared body that is not all there is refused" Messages.politeMessages
            <| fun text ->
                match read (text.Replace("\r\nl: ", "\r\nl: 9")) with
                | Arrival.Broken({ Wrong = Wrong.BodyTooShort }, ValueSome _) -> true
                | Arrival.Broken _
                | Arrival.Message _ -> false

            Law.holds "a doubled singleton is refused" Messages.politeMessages
            <| fun text ->
                match read (text.Replace("\r\nCSeq", "\r\ni: other@x\r\nCSeq")) with
                | Arrival.Broken({
                                     Wrong = Wrong.Repeated HeaderName.CallId
                                 },
                                 _) -> true
                | Arrival.Broken _
                | Arrival.Message _ -> false

            Law.holds "a printed URI reads back" uris <| printsBack UriView.ofText Uri.print
            Law.holds "a printed name-addr reads back" names
            <| printsBack address NameAddr.print
            Law.holds "a printed Via reads back" vias <| printsBack via Via.print

            Law.holds
                "a URI equals itself and what equals it equals back"
                (Arb.fromGen (Gen.two Messages.uri))
            <| fun (left, right) ->
                let left, right = (UriView.ofText left).Value, (UriView.ofText right).Value
                Uri.same left left && Uri.same left right = Uri.same right left

            testCase "reading views of a message allocates nothing"
            <| fun () ->
                let message =
                    "INVITE sip:bob@example.test;transport=ws SIP/2.0\r\nVia: SIP/2.0/WS x.invalid;branch=z9hG4bK1\r\n"
                    + "From: \"A\" <sip:a@example.test>;tag=1\r\nTo: <sip:bob@example.test>\r\nCall-ID: 1\r\n"
                    + "CSeq: 1 INVITE\r\nMax-Forwards: 70\r\n\r\n"
                    |> whole

                let work () =
                    let all = message.Bytes
                    let via = Message.topVia message
                    let branch = ViaView.branchOf all via.Value
                    let tag = Message.tag HeaderName.From message
                    let hops = Message.number HeaderName.MaxForwards message

                    if branch.Length = 0 || tag.Length = 0 || hops <> 70L then
                        failtest "misread"

                Expect.equal (allocated work) 0L "bytes"
        ]
