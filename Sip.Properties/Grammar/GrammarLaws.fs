// GrammarLaws: each span reader and its rule in the grammar are twins: they read the same texts, and
// read the same in them (RFC 3261 §25.1).

module Sip.Properties.Grammar.GrammarLaws

open System
open Expecto
open FParsec
open Sip
open Sip.Wire
open Sip.Registrar
open Sip.Edge
open Sip.Properties

/// What both twins made of a text.
type private Both =
    | Read
    | Refused

let private agree (fast: string -> 'noun voption) (rule: Parser<'noun, unit>) text =
    match fast text, Lexical.read rule text with
    | ValueSome noun, Result.Ok same when noun = same -> ValueSome Read
    | ValueNone, Result.Error _ -> ValueSome Refused
    | ValueSome _, Result.Ok _
    | ValueSome _, Result.Error _
    | ValueNone, Result.Ok _ -> ValueNone

let private twins sentence (values: FsCheck.Arbitrary<string>) fast rule : Test =
    Law.holdsMeeting [ Read; Refused ] sentence values (agree fast rule)

let private whole (text: string) reader =
    let bytes = Text.toBytes text
    reader bytes (Slice.between 0 bytes.Length)

let private address (text: string) : NameAddr voption =
    whole text (fun bytes slice ->
        match AddressView.read (ReadOnlySpan bytes) slice with
        | ValueSome view -> AddressView.toNameAddr (ReadOnlySpan bytes) view
        | ValueNone -> ValueNone)

let private via (text: string) : Via voption =
    whole text (fun bytes slice ->
        match ViaView.read (ReadOnlySpan bytes) slice with
        | ValueSome view -> ViaView.toVia (ReadOnlySpan bytes) view
        | ValueNone -> ValueNone)

let private uri (text: string) : Uri voption =
    let trimmed = text.Trim(' ', '\t', '\r', '\n')
    UriView.ofText trimmed

let private host (text: string) : Host voption =
    Host.tryRead (text.Trim(' ', '\t', '\r', '\n'))

/// A message that is whole but for these fields.
let private message (start: string) (via: string) (cseq: string) (more: string) : Message voption =
    let text =
        start
        + "\r\nVia: "
        + via
        + "\r\nFrom: <sip:a@example.test>;tag=1\r\nTo: <sip:a@example.test>\r\nCall-ID: 1\r\nCSeq: "
        + cseq
        + "\r\n"
        + more
        + "\r\n\r\n"

    match Reading.message Limits.usual (ReadOnlySpan(Text.toBytes text)) with
    | Arrival.Message message -> ValueSome message
    | Arrival.Broken _ -> ValueNone

let private answer = message "SIP/2.0 200 OK"
let private politeVia = "SIP/2.0/UDP h;branch=z9hG4bK1"
let private withField (field: string) = answer politeVia "1 INVITE" field

let private cseq (text: string) : CSeq voption =
    answer politeVia text "X: x"
    |> ValueOption.map (fun message ->
        {
            Number = Message.sequence message
            Method = message.Text(Message.methodName message)
        })

let private maxForwards (text: string) : int voption =
    withField ("Max-Forwards: " + text)
    |> ValueOption.map (fun message -> int (Message.number HeaderName.MaxForwards message))

let private each (read: Message -> Slice -> 'noun voption) (name: HeaderName) (message: Message) =
    let nouns = Message.values name message |> List.map (read message)

    if List.forall ValueOption.isSome nouns then
        ValueSome(List.map ValueOption.get nouns)
    else
        ValueNone

let private addressIn (message: Message) (slice: Slice) : NameAddr voption =
    match AddressView.read message.Bytes slice with
    | ValueSome view -> AddressView.toNameAddr message.Bytes view
    | ValueNone -> ValueNone

let private viaIn (message: Message) (slice: Slice) : Via voption =
    match ViaView.read message.Bytes slice with
    | ValueSome view -> ViaView.toVia message.Bytes view
    | ValueNone -> ValueNone

let private paths (text: string) : NameAddr list voption =
    withField ("Path: " + text) |> ValueOption.bind (each addressIn HeaderName.Path)

let private vias (text: string) : Via list voption =
    answer text "1 INVITE" "X: x" |> ValueOption.bind (each viaIn HeaderName.Via)

let private flow: Flow =
    {
        Listener = ListenerId 0
        Transport = Transport.Udp
        Connection = 0L
        Remote =
            {
                Address = Address.ofV4 0x7F000001u
                Port = 5060
            }
    }

let private register (more: string) =
    message "REGISTER sip:example.test SIP/2.0" politeVia "1 REGISTER" more

let private contacts (text: string) : Contacts voption =
    match
        register ("Contact: " + text)
        |> ValueOption.map (Registration.read flow Scheme.Sip)
    with
    | ValueSome(Result.Ok request) -> request.Contacts
    | ValueSome(Result.Error _)
    | ValueNone -> ValueNone

let private interval (text: string) : int64<s> voption =
    ValueSome(Offer.interval (text.Trim(' ', '\t', '\r', '\n')))

let private quality (text: string) : int voption =
    Offer.quality (text.Trim(' ', '\t', '\r', '\n'))

// RFC 3261 §10.2: "Malformed values SHOULD be treated as equivalent to 3600".
let private expires: Parser<int64<s>, unit> =
    attempt (GrammarField.deltaSeconds .>> Lexical.sws .>> eof)
    <|> (skipManySatisfy (fun _ -> true) >>% 3600L<s>)

/// What the walker lists for a field of tokens.
let private listed (text: string) =
    withField ("Supported: " + text)
    |> ValueOption.map (fun message ->
        Message.values HeaderName.Supported message
        |> List.map message.Text
        |> List.filter (fun tag -> tag <> ""))

let private tags (rule: Parser<string list, unit>) (text: string) =
    match Lexical.read rule text with
    | Result.Ok tags when listed text = ValueSome tags -> ValueSome Read
    | Result.Ok _ -> ValueNone
    | Result.Error _ -> ValueSome Refused

let private keptPath (text: string) =
    let registration =
        register ("Path: " + text)
        |> ValueOption.map (Registration.read flow Scheme.Sip)

    match registration, Lexical.read GrammarAddress.routes text with
    | ValueSome(Result.Ok request), Result.Ok path when request.Origin.Path.Length = path.Length ->
        ValueSome Read
    | ValueSome(Result.Error _), Result.Error _ -> ValueSome Refused
    | _, _ -> ValueNone

let private printsBack (text: string) =
    match Lexical.read GrammarField.reasons text with
    | Result.Ok reasons ->
        let printed = String.Join(", ", List.map Reason.print reasons)

        if Lexical.read GrammarField.reasons printed = Result.Ok reasons then
            ValueSome Read
        else
            ValueNone
    | Result.Error _ -> ValueSome Refused

let all =
    testList
        "Grammar"
        [
            twins
                "a host means the same to the reader and to the grammar"
                (Texts.every Texts.host)
                host
                GrammarHost.host
            twins
                "a URI means the same to the span reader and to the grammar"
                (Texts.every Texts.uri)
                uri
                GrammarUri.uri
            twins
                "an address means the same to the span reader and to the grammar"
                (Texts.every Texts.address)
                address
                GrammarAddress.address
            twins
                "a Via means the same to the span reader and to the grammar"
                (Texts.every Texts.via)
                via
                GrammarVia.via
            twins
                "a Via field means the same to the span reader and to the grammar"
                (Texts.everyInField (Texts.listOf Texts.via))
                vias
                GrammarVia.vias
            twins
                "a Path field means the same to the span reader and to the grammar"
                (Texts.everyInField (Texts.listOf Texts.address))
                paths
                GrammarAddress.routes
            twins
                "a Contact field means the same to the registrar and to the grammar"
                (Texts.everyInField Texts.contact)
                contacts
                GrammarAddress.contacts
            twins
                "a CSeq means the same to reading and to the grammar"
                (Texts.everyInField Texts.cseq)
                cseq
                GrammarField.cseq
            twins
                "a Max-Forwards means the same to reading and to the grammar"
                (Texts.everyInField Texts.number)
                maxForwards
                GrammarField.maxForwards
            twins
                "a q means the same to the registrar and to the grammar"
                (Texts.every Texts.quality)
                quality
                GrammarField.qvalue
            Law.holds
                "an Expires means the same to the registrar and to the grammar"
                (Texts.every Texts.number)
            <| fun text -> agree interval expires text = ValueSome Read
            Law.holdsMeeting
                [ Read; Refused ]
                "a Path that the grammar cannot read is refused, any other is kept value by value"
                (Texts.everyInField (Texts.listOf Texts.address))
                keptPath
            Law.holdsMeeting
                [ Read; Refused ]
                "printed Reasons read back"
                (Texts.every Texts.reasons)
                printsBack
            Law.holdsMeeting
                [ Read; Refused ]
                "what the grammar reads as option tags is listed, and nothing else"
                (Texts.everyInField Texts.tags)
                (tags GrammarField.supported)
        ]
