// Twins: each span reader beside its rule in the grammar, and what both make of a text: they have to read the
// same texts, and to read the same in them (RFC 3261 §25.1).

module Sip.Properties.Grammar.Twins

open System
open FParsec
open Sip
open Sip.Wire
open Sip.Registrar
open Sip.Edge

/// What both twins made of a text.
type Both =
    | Read
    | Refused

/// Two readers of one thing.
type Twin =
    {
        /// What is true of them.
        Sentence: string
        Texts: FsCheck.Arbitrary<string>
        /// Makes any text one that its readers may be shown.
        Fit: string -> string
        /// What the texts have to lead to.
        Outcomes: Both list
        /// What both made of a text; none where they differ.
        Compare: string -> Both voption
    }

// As `Lexical.read` does, but for its words about what is wrong: they take longer than reading.
let private slow (rule: Parser<'noun, unit>) (text: string) : 'noun voption =
    use stream = new CharStream<unit>(text, 0, text.Length)
    let reply = (Lexical.sws >>. rule .>> Lexical.sws .>> eof) stream

    if reply.Status = ReplyStatus.Ok then
        ValueSome reply.Result
    else
        ValueNone

let private agree (fast: string -> 'noun voption) (rule: Parser<'noun, unit>) text =
    match fast text, slow rule text with
    | ValueSome noun, ValueSome same when noun = same -> ValueSome Read
    | ValueNone, ValueNone -> ValueSome Refused
    | ValueSome _, ValueSome _
    | ValueSome _, ValueNone
    | ValueNone, ValueSome _ -> ValueNone

let private twins sentence (values: FsCheck.Gen<string>) fast rule : Twin =
    {
        Sentence = sentence
        Texts = Texts.every values
        Fit = id
        Outcomes = [ Read; Refused ]
        Compare = agree fast rule
    }

let private inField sentence (values: FsCheck.Gen<string>) compare : Twin =
    {
        Sentence = sentence
        Texts = Texts.everyInField values
        Fit = Texts.folded
        Outcomes = [ Read; Refused ]
        Compare = compare
    }

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

let private isRead (text: string) =
    match agree interval expires text with
    | ValueSome Read -> ValueSome Read
    | ValueSome Refused
    | ValueNone -> ValueNone

/// An address, as it stands in From and To.
let ofAddress: string -> Both voption = agree address GrammarAddress.address

/// A Via value.
let ofVia: string -> Both voption = agree via GrammarVia.via

/// Every pair.
let all: Twin list =
    [
        twins
            "a host means the same to the reader and to the grammar"
            Texts.host
            host
            GrammarHost.host
        twins
            "a URI means the same to the span reader and to the grammar"
            Texts.uri
            uri
            GrammarUri.uri
        twins
            "an address means the same to the span reader and to the grammar"
            Texts.address
            address
            GrammarAddress.address
        twins
            "a Via means the same to the span reader and to the grammar"
            Texts.via
            via
            GrammarVia.via
        inField
            "a Via field means the same to the span reader and to the grammar"
            (Texts.listOf Texts.via)
            (agree vias GrammarVia.vias)
        inField
            "a Path field means the same to the span reader and to the grammar"
            (Texts.listOf Texts.address)
            (agree paths GrammarAddress.routes)
        inField
            "a Contact field means the same to the registrar and to the grammar"
            Texts.contact
            (agree contacts GrammarAddress.contacts)
        inField
            "a CSeq means the same to reading and to the grammar"
            Texts.cseq
            (agree cseq GrammarField.cseq)
        inField
            "a Max-Forwards means the same to reading and to the grammar"
            Texts.number
            (agree maxForwards GrammarField.maxForwards)
        twins
            "a q means the same to the registrar and to the grammar"
            Texts.quality
            quality
            GrammarField.qvalue
        {
            Sentence = "an Expires means the same to the registrar and to the grammar"
            Texts = Texts.every Texts.number
            Fit = id
            Outcomes = [ Read ]
            Compare = isRead
        }
        {
            Sentence =
                "a Path that the grammar cannot read is refused, any other is kept value by value"
            Texts = Texts.everyInField (Texts.listOf Texts.address)
            Fit = Texts.folded
            Outcomes = [ Read; Refused ]
            Compare = keptPath
        }
        {
            Sentence = "what the grammar reads as option tags is listed, and nothing else"
            Texts = Texts.everyInField Texts.tags
            Fit = Texts.folded
            Outcomes = [ Read; Refused ]
            Compare = tags GrammarField.supported
        }
    ]
