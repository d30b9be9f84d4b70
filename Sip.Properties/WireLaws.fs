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

/// All that can be asked of an arrival, as text.
let private said (arrival: Arrival) : string =
    let describe (message: Message) =
        let fields =
            [
                for field in message.Fields.ToArray() do
                    $"%A{field.Name} %s{message.Text field.Line} %s{message.Text field.Value}"
            ]

        let tags =
            message.Text(Message.fromTag message)
            + "|"
            + message.Text(Message.toTag message)

        $"%A{message.Start} %A{fields} %s{tags} %A{Message.topVia message} %s{Text.ofBytes message.Bytes}"

    match arrival with
    | Arrival.Message message -> describe message
    | Arrival.Broken(fault, ValueSome head) -> $"%A{fault} %s{describe head}"
    | Arrival.Broken(fault, ValueNone) -> $"%A{fault}"

/// A message with stretches of it to be replaced, which do not overlap.
let private cuts =
    gen {
        let! text = Messages.polite
        let! places = Gen.listOfLength 6 (Gen.choose (0, text.Length))
        let! pieces = Gen.listOfLength 3 (Gen.elements [ ""; "x"; "a longer piece" ])
        let places = List.sort places

        let cuts =
            List.zip (List.chunkBySize 2 places) pieces
            |> List.map (fun (pair, piece) -> pair[0], pair[1] - pair[0], piece)

        let! shuffled = Gen.shuffle cuts
        // Insertions at one place would come in the order in which they are made.
        let apart = shuffled |> Array.distinctBy (fun (at, _, _) -> at) |> List.ofArray
        return text, apart
    }

let private spelt =
    gen {
        let! name =
            Gen.elements (
                [ ""; "Subject"; "X"; "Viaa"; "vib"; "Content-Typo"; "C\u00e9Seq"; "Route\000" ]
                @ List.map snd HeaderName.spellings
            )

        let! upper = Gen.listOfLength name.Length (Gen.elements [ true; false ])

        return
            name
            |> String.mapi (fun i c ->
                if upper[i] then
                    Char.ToUpperInvariant c
                else
                    Char.ToLowerInvariant c)
    }

let private hosts =
    Gen.oneof
        [
            Gen.elements
                [
                    ""
                    "a.b"
                    "1.2.3"
                    "1.2.3.4.5"
                    "256.1.1.1"
                    "1.2.3.4"
                    "001.002.003.004"
                    "1..2.3"
                    "1.2.3."
                    "0001.2.3.4"
                    "[::1]"
                    "[2001:db8::7]"
                    "[::ffff:1.2.3.4]"
                    "[x]"
                ]
            Gen.listOfLength 4 (Gen.choose (0, 300))
            |> Gen.map (List.map string >> String.concat ".")
        ]

let private printsBack (read: string -> 'noun voption) (print: 'noun -> string) text =
    match read text with
    | ValueSome noun -> read (print noun) = ValueSome noun
    | ValueNone -> false

let private replacing (cuts: (int * int * string) list) : Edits =
    let edits = Edits()

    for at, length, piece in cuts do
        Patch.replace edits (Slice.between at (at + length)) (ReadOnlySpan(Text.toBytes piece))

    edits

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
            <| fun text -> Patch.toBytes (Edits()) (whole text) = Text.toBytes text

            Law.holds
                "a message read where another stood is the same as one of its own"
                (Arb.fromGen (Gen.two Messages.anyMessages.Generator))
            <| fun (before, text) ->
                let reused = Message.blank ()
                Reading.into reused Limits.usual (ReadOnlySpan(Text.toBytes before)) |> ignore

                said (Reading.into reused Limits.usual (ReadOnlySpan(Text.toBytes text))) =
                    said (read text)

            Law.holds
                "edits are what cutting and pasting the text by hand would make"
                (Arb.fromGen cuts)
            <| fun (text, cuts) ->
                let edits = replacing cuts

                Text.ofBytes (ReadOnlySpan(Patch.toBytes edits (whole text))) =
                    Reference.cutAndPaste text cuts

            Law.holds
                "what is put in where something is taken away stands before it, whatever came first"
                (Arb.fromGen cuts)
            <| fun (text, cuts) ->
                let edits = replacing cuts

                for at, length, _ in cuts do
                    if length > 0 then
                        Patch.insert edits at "<here>"B

                let marked =
                    cuts
                    |> List.map (fun (at, length, piece) ->
                        at, length, (if length > 0 then "<here>" + piece else piece))

                Text.ofBytes (ReadOnlySpan(Patch.toBytes edits (whole text))) =
                    Reference.cutAndPaste text marked

            Law.holds "a header's name is what its spellings say" (Arb.fromGen spelt)
            <| fun name ->
                HeaderName.ofBytes (ReadOnlySpan(Text.toBytes name)) = Reference.header name

            Law.holds "a host's address is the one that its noun has" (Arb.fromGen hosts)
            <| fun text ->
                HostView.address (ReadOnlySpan(Text.toBytes text)) = Reference.address text

            Law.holds
                "an inserted field is there and every other byte stays"
                Messages.politeMessages
            <| fun text ->
                let message = whole text
                let via = Message.field HeaderName.Via message

                let value = "SIP/2.0/UDP h;branch=z9hG4bKx"
                let edits = Edits()
                Patch.fieldBefore edits via HeaderName.Via value
                let patched = Text.ofBytes (ReadOnlySpan(Patch.toBytes edits message))

                patched.Remove(via.Line.Start, $"Via: {value}\r\n".Length) = text
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

            Law.holds
                "a Via whose sent-by is no host is refused, wherever it stands"
                Messages.politeMessages
            <| fun text ->
                let places =
                    [ "{0}, SIP/2.0/UDP a"; "SIP/2.0/UDP a, {0}"; "SIP/2.0/UDP a\r\nVia: {0}" ]

                let at = text.IndexOf("\r\nVia: ", StringComparison.Ordinal)

                let isRefused (host: string) (place: string) =
                    let value = place.Replace("{0}", "SIP/2.0/UDP " + host)

                    match read (text.Insert(at, "\r\nVia: " + value)) with
                    | Arrival.Broken({
                                         Wrong = Wrong.Malformed HeaderName.Via
                                     },
                                     ValueSome _) -> true
                    | Arrival.Broken _
                    | Arrival.Message _ -> false

                [ "256.1.1.1"; "[:::]"; "a..b"; "a%00b"; "-a"; "1.2.3" ]
                |> List.forall (fun host -> List.forall (isRefused host) places)

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
        ]
