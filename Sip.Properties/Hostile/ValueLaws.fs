// ValueLaws: numbers at the edges of every width, values that want to be lines, octets that are no text, and
// names that are nearly others (rows A5, A10, A11 and A16).

module Sip.Properties.Hostile.ValueLaws

open System
open System.Numerics
open Expecto
open FsCheck.FSharp
open Sip
open Sip.Wire
open Sip.Registrar
open Sip.Properties
open Sip.Properties.Hostile.Carry

/// Every number next to a power of two or of ten, up to far beyond 64 bits.
let private edges: (BigInteger * string) list =
    [
        for power in
            [
                yield! [ for k in 0..80 -> BigInteger.Pow(2I, k) ]
                yield! [ for k in 0..25 -> BigInteger.Pow(10I, k) ]
            ] do
            for beside in -2 .. 2 do
                let number = power + BigInteger beside

                if number.Sign >= 0 then
                    let digits = string number
                    number, digits
                    number, "0" + digits
                    number, digits.PadLeft(10, '0')
                    number, digits.PadLeft(40, '0')
    ]

let private isPlain (digits: string) =
    digits = "0" || not (digits.StartsWith '0')

/// A number is read as itself or refused, and refused where it is over the most.
let private sound (most: BigInteger) (read: string -> BigInteger voption) : unit =
    for number, digits in edges do
        match read digits with
        | ValueSome found ->
            Expect.equal found number digits
            Expect.isLessThanOrEqual number most digits
        | ValueNone when isPlain digits -> Expect.isGreaterThan number most digits
        | ValueNone -> ()

let private ofMessage (ask: Message -> BigInteger) (text: string) =
    match read text with
    | Arrival.Message message -> ValueSome(ask message)
    | Arrival.Broken _ -> ValueNone

let private numbers =
    testList
        "Numbers"
        [
            test "a CSeq is itself and below 2^31, or refused" {
                sound (BigInteger 2147483647L) (fun digits ->
                    instead "INVITE" "CSeq" (digits + " INVITE")
                    |> ofMessage (fun message -> BigInteger(Message.sequence message)))
            }

            test "a Max-Forwards is itself and at most 255, or refused" {
                sound (BigInteger 255) (fun digits ->
                    instead "INVITE" "Max-Forwards" digits
                    |> ofMessage (fun message ->
                        BigInteger(Message.number HeaderName.MaxForwards message)))
            }

            test "a Content-Length is itself and no more than there is, or refused" {
                let body = String('x', 4096)

                sound (BigInteger 4096) (fun digits ->
                    (text "INVITE" ("Content-Length: " + digits + "\r\n") + body)
                    |> ofMessage (fun message -> BigInteger message.Body.Length))
            }

            test "on a stream a Content-Length is itself and within the limit, or the end" {
                let head digits =
                    Text.toBytes (text "INVITE" ("l: " + digits + "\r\n"))

                for number, digits in edges do
                    let bytes = head digits
                    let framed = Framing.next Limits.usual (ReadOnlySpan bytes) 0
                    let whole = number + BigInteger bytes.Length

                    match framed.Item with
                    | FramingItem.Whole -> Expect.equal number 0I digits
                    | FramingItem.More -> Expect.equal (BigInteger -framed.Scanned) whole digits
                    | FramingItem.TooLarge -> Expect.isGreaterThan whole 65536I digits
                    | FramingItem.Broken
                    | FramingItem.Skip
                    | FramingItem.Ping -> failtest digits
            }

            test "an Expires is itself or the longest there is" {
                for number, digits in edges do
                    let expected = BigInteger.Min(number, BigInteger 4294967295L)
                    Expect.equal (BigInteger(int64 (Offer.interval digits))) expected digits
            }

            test "a port of a URI or a Via is itself and at most 65535, or refused" {
                let port text =
                    match UriView.ofText text with
                    | ValueSome(Uri.Sip { Port = ValueSome port }) -> ValueSome(BigInteger port)
                    | _ -> ValueNone

                for number, digits in edges do
                    match port ("sip:a@b:" + digits) with
                    | ValueSome found ->
                        Expect.equal found number digits
                        Expect.isLessThanOrEqual number 65535I digits
                    | ValueNone when isPlain digits && not number.IsZero ->
                        Expect.isGreaterThan number 65535I digits
                    | ValueNone -> ()

                    let via =
                        instead "INVITE" "Via" ("SIP/2.0/UDP b:" + digits + ";branch=z9hG4bK1")

                    Expect.equal (wrong via).IsNone ((port ("sip:a@b:" + digits)).IsSome) digits
            }

            test "a q is itself or no number, never another" {
                for number, digits in edges do
                    match Offer.quality digits with
                    | ValueSome thousandths ->
                        Expect.equal (BigInteger thousandths) (number * 1000I) digits
                    | ValueNone -> ()

                    match Offer.quality ("0." + digits) with
                    | ValueSome thousandths ->
                        Expect.equal thousandths (int (digits.PadRight(3, '0'))) digits
                    | ValueNone -> Expect.isGreaterThan digits.Length 3 digits
            }
        ]

let private names =
    HeaderName.spellings
    |> List.map snd
    |> List.append
        [
            "Subject"
            "User-Agent"
            "Identity"
            "X-Bypass-me"
            "Privacy"
            "P-Charging-Vector"
            "Diversion"
            "Remote-Party-ID"
            "History-Info"
            "Event"
            "Allow"
            "Server"
            "Warning"
            "Date"
            "Refer-To"
            "Replaces"
            "RAck"
            "RSeq"
            "Join"
            "Session-Expires"
        ]

let private isTokenOctet (octet: int) =
    octet < 128
    && (Char.IsAsciiLetterOrDigit(char octet) || "-.!%*_+`'~".Contains(char octet))

/// The slow rule: a token, then spaces and tabs, then the colon.
let private isField (line: string) =
    let colon = line.IndexOf ':'

    colon > 0
    && (let name = line.Substring(0, colon).TrimEnd(' ', '\t')
        name <> "" && Seq.forall (fun c -> isTokenOctet (int c)) name)

let private smuggled =
    test "a field is a token, spaces and a colon, and nothing else is its name" {
        for name in names do
            for octet in 0..255 do
                for at in [ 0; name.Length / 2; name.Length ] do
                    let line = name.Insert(at, string (char octet)) + ": 7"
                    // A line end makes two lines of it, and white space in front a fold: other rules.
                    let isOne = octet <> 13 && octet <> 10
                    let isFold = at = 0 && (octet = 32 || octet = 9)

                    let whole =
                        "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n"
                        + line
                        + "\r\n\r\n"

                    match read whole with
                    | Arrival.Broken({ Wrong = Wrong.FieldLine }, _) when isOne && not isFold ->
                        Expect.isFalse (isField line) line
                    | Arrival.Broken(_, ValueSome head) when isOne && not isFold ->
                        Expect.isTrue (isField line) line
                        let field = head.Fields[1]
                        let written = line.Substring(0, line.IndexOf ':').TrimEnd(' ', '\t')
                        Expect.equal field.Name (Reference.header written) line
                    | Arrival.Broken _ -> ()
                    | Arrival.Message _ -> failtest "there is no From"
    }

let private taints =
    [
        "%0d%0aX-Taint:%201"
        "%0D%0A%0D%0AINVITE"
        "\\\r\n X-Taint: 1"
        "\r\n X-Taint: 1"
        "\r\n\tX-Taint: 1"
        "&#13;&#10;X-Taint: 1"
        "\u0085X-Taint: 1"
        "\u00e2\u0080\u00a8X-Taint: 1"
        "\\r\\nX-Taint: 1"
        "\u000bX-Taint: 1"
        "\u000cX-Taint: 1"
        "\u0000X-Taint: 1"
        "\rX-Taint: 1"
        "\nX-Taint: 1"
    ]

/// Every field that a client writes, with a taint in it.
let private tainted (method: string) (taint: string) : string list =
    let lines =
        [
            "Subject: a{0}"
            "User-Agent: a{0}"
            "Contact: \"{0}\" <sip:alice@x7.invalid;transport=ws>"
            "Contact: <sip:alice{0}@x7.invalid;transport=ws>"
            "Contact: <sip:alice@x7.invalid;transport=ws;x={0}>"
            "Contact: <sip:alice@x7.invalid;transport=ws>;x=\"{0}\""
            "Contact: <sip:alice@x7.invalid?Subject={0}>"
            "Reason: SIP;cause=200;text=\"{0}\""
            "Route: <sip:edge.example.test;lr;x={0}>"
            "P-Preferred-Identity: \"{0}\" <sip:alice@example.test>"
            "Authorization: Digest username=\"{0}\", realm=\"example.test\", nonce=\"{0}\", uri=\"{0}\", response=\"{0}\""
            "Require: {0}"
            "Supported: {0}"
        ]
        |> List.map (fun line -> text method (line.Replace("{0}", taint) + "\r\n"))

    let fields =
        [
            "From", "\"{0}\" <sip:alice@example.test>;tag=one"
            "From", "<sip:alice{0}@example.test>;tag=one"
            "From", "<sip:alice@example.test>;tag={0}"
            "To", "\"{0}\" <sip:bob@example.test>"
            "To", "<sip:bob@example.test>;x=\"{0}\""
            "Call-ID", "{0}"
            "Via", "SIP/2.0/WS x7.invalid;branch=z9hG4bK{0}"
            "Via", "SIP/2.0/WS x7.invalid;branch=z9hG4bKone;x=\"{0}\""
        ]
        |> List.map (fun (name, value) -> instead method name (value.Replace("{0}", taint)))

    let start = (text method "").Replace("sip:bob@", "sip:bob" + taint + "@")
    start :: lines @ fields

/// The lines of a message as the least careful reader would see them: any CR or LF ends one.
let private careless (text: string) =
    text.Substring(0, text.IndexOf("\r\n\r\n", StringComparison.Ordinal)).Split([| '\r'; '\n' |])

let private line =
    test "no value becomes a line of what leaves, to no reader however careless" {
        let passage = Passage()
        let mutable leaving = 0

        for method in [ "INVITE"; "MESSAGE"; "REGISTER"; "OPTIONS"; "BYE"; "SUBSCRIBE" ] do
            for taint in taints do
                for message in tainted method taint do
                    for left in passage.All message do
                        leaving <- leaving + 1

                        for line in careless left do
                            Expect.isFalse
                                (line.StartsWith("X-Taint", StringComparison.Ordinal))
                                left

        Expect.isGreaterThan leaving 500 "much is passed on or answered"
    }

let private octets =
    gen {
        let! subject =
            Gen.arrayOf (Gen.choose (0, 255) |> Gen.filter (fun b -> b <> 13 && b <> 10))

        let! body = Gen.arrayOf (Gen.choose (0, 255))
        let latin (octets: int[]) = String(Array.map char octets)
        return (latin subject).Trim(' ', '\t'), latin body
    }

let private kept =
    Law.holds "every octet of a value and of a body arrives as it was sent" (Arb.fromGen octets)
    <| fun (subject, body) ->
        let passage = Passage()
        let lines = $"X-Octets: {subject}\r\nContent-Length: {body.Length}\r\n"

        match passage.Pass(text "MESSAGE" lines + body) with
        | [ came ] ->
            came.Contains("\r\nX-Octets: " + subject + "\r\n", StringComparison.Ordinal)
            && came.EndsWith("\r\n\r\n" + body, StringComparison.Ordinal)
        | _ -> false

/// All laws of values.
let all: Test = testList "Values" [ numbers; smuggled; line; kept ]
