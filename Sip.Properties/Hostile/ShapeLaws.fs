// ShapeLaws: messages that are deep, long or many: no stack is used up, no work grows faster than its input,
// and each bound is where it is said to be (rows A7, A8, A9 and A12).

module Sip.Properties.Hostile.ShapeLaws

open System
open System.Threading
open Expecto
open Sip
open Sip.Wire
open Sip.Properties
open Sip.Properties.World
open Sip.Properties.Hostile.Carry

/// What stands in a value again and again.
let private pieces =
    [
        "\""
        "\\\""
        "<"
        "<sip:"
        "("
        ")"
        "["
        "[::"
        ":"
        ";"
        ";a"
        ";a=b"
        ";a=\"\""
        ","
        "<sip:a@b>,"
        "a,"
        "a."
        "%41"
        "@"
        "?"
        "&a=b"
        " "
        "\t"
        "\r\n "
        "/"
        "sip:"
        "a"
        "1"
        "*"
        "{"
        "SIP/2.0/UDP a,"
        "SIP;cause=1,"
    ]

let private fieldNames =
    [
        "Contact"
        "Route"
        "Record-Route"
        "Path"
        "Via"
        "Authorization"
        "Proxy-Authorization"
        "Accept-Contact"
        "Reject-Contact"
        "Request-Disposition"
        "Reason"
        "Supported"
        "Require"
        "Event"
        "P-Preferred-Identity"
        "Subject"
    ]

/// A field of this name and about this length, over lines that are folded where they would be too long.
let private field (name: string) (piece: string) (length: int) : string =
    let value = String.replicate (max 1 (length / piece.Length)) piece
    String.Concat(name, ": <sip:a@b>", value, "\r\n")

let private methods = [ "REGISTER"; "INVITE"; "SUBSCRIBE" ]

let private shapes (length: int) : string list =
    [
        for piece in pieces do
            for name in fieldNames do
                text "REGISTER" (field name piece length)

            for name, value in
                [
                    "From", "<sip:a@b>;tag=1"
                    "To", "<sip:b@example.test>"
                    "Call-ID", "x"
                    "CSeq", "1 INVITE"
                ] do
                instead "INVITE" name (value + String.replicate (length / piece.Length) piece)
    ]

let private onSmallStack (work: unit -> unit) =
    let mutable failure: exn | null = null

    let thread =
        Thread(
            (fun () ->
                try
                    work ()
                with fault ->
                    failure <- fault),
            262144
        )

    thread.Start()
    thread.Join()

    match failure with
    | null -> ()
    | fault -> failtest $"{fault}"

let private deep =
    test "nothing that is nested, however deep, uses up a stack of 256 KB" {
        onSmallStack (fun () ->
            let passage = Passage()

            for message in shapes 8100 do
                passage.All message |> ignore

            for piece in pieces do
                let many = String.replicate (60000 / piece.Length) piece
                passage.All(text "MESSAGE" "" + many) |> ignore
                passage.All many |> ignore)
    }

/// What passing a message on allocates, the least of three times.
let private allocated (passage: Passage) (message: string) : int64 =
    Seq.min (
        Seq.init 3 (fun _ ->
            let bytes = Text.toBytes message
            passage.Cost bytes)
    )

let private linear =
    test "twice as long a value costs at most twice as much" {
        let passage = Passage()
        // Grown tables are not what is asked about.
        shapes 8000 |> List.iter (fun message -> allocated passage message |> ignore)

        for short, long in List.zip (shapes 4000) (shapes 8000) do
            let once, twice = allocated passage short, allocated passage long
            // What every message costs, however short, is not to hide a square.
            Expect.isLessThan twice (once * 23L / 10L + 4096L) (long.Substring(0, 400))
    }

let private status (message: string) : string list =
    Passage().All message |> List.map (fun left -> (left.Split "\r\n")[0])

let private lineOf (name: string) (length: int) =
    let start = name + ": "
    start + String('a', length - start.Length - 2) + "\r\n"

let private caps =
    testList
        "Bounds"
        [
            test "200 fields are read, and one more is refused with 513" {
                let own = (usual "MESSAGE").Length

                let message count =
                    text "MESSAGE" (String.replicate (count - own) "X: y\r\n")

                for count in [ own; 199; 200 ] do
                    Expect.equal (wrong (message count)) ValueNone (string count)

                for count in [ 201; 2000 ] do
                    Expect.equal
                        (wrong (message count))
                        (ValueSome Wrong.TooManyFields)
                        (string count)

                    Expect.equal
                        (status (message count))
                        [ "SIP/2.0 513 Message Too Large: Too Many Header Fields" ]
                        "its answer"
            }

            test "a field of 8192 bytes is read, and one byte more is refused with 513" {
                for length in [ 8191; 8192 ] do
                    Expect.equal
                        (wrong (text "MESSAGE" (lineOf "X" length)))
                        ValueNone
                        (string length)

                for length in [ 8193; 60000 ] do
                    let message = text "MESSAGE" (lineOf "X" length)
                    Expect.equal (wrong message) (ValueSome Wrong.FieldTooLong) (string length)

                    Expect.equal
                        (status message)
                        [ "SIP/2.0 513 Message Too Large: A Header Field Is Too Long" ]
                        "its answer"
            }

            test "a message of 65536 bytes is read, and one byte more is not" {
                let message length =
                    let head = text "MESSAGE" ""
                    head + String('x', length - head.Length)

                for length in [ 65535; 65536 ] do
                    Expect.equal (wrong (message length)) ValueNone (string length)

                for length in [ 65537; 655360 ] do
                    Expect.equal (wrong (message length)) (ValueSome Wrong.TooLarge) (string length)
            }

            test "70 Via values are read, and one more is refused with 483" {
                let apart count =
                    instead
                        "MESSAGE"
                        "Via"
                        (String.Join(
                            "\r\nVia: ",
                            List.replicate count "SIP/2.0/UDP a;branch=z9hG4bK1"
                        ))

                let joined count =
                    instead
                        "MESSAGE"
                        "Via"
                        (String.Join(", ", List.replicate count "SIP/2.0/UDP a;branch=z9hG4bK1"))

                for message in [ apart; joined ] do
                    for count in [ 1; 69; 70 ] do
                        Expect.equal (wrong (message count)) ValueNone (string count)

                    for count in [ 71; 190 ] do
                        Expect.equal
                            (wrong (message count))
                            (ValueSome Wrong.TooManyVias)
                            (string count)

                        Expect.equal
                            (status (message count))
                            [ "SIP/2.0 483 Too Many Hops: More Than 70 Via" ]
                            "its answer"
            }
        ]

let private alone =
    HeaderName.spellings |> List.filter (fun (name, _) -> HeaderName.isSingle name)

let private values =
    Map
        [
            "From", [ "<sip:alice@example.test>;tag=one"; "<sip:eve@example.test>;tag=two" ]
            "To", [ "<sip:bob@example.test>"; "<sip:eve@example.test>" ]
            "Call-ID", [ "one"; "two" ]
            "CSeq", [ "1 INVITE"; "2 INVITE" ]
            "Max-Forwards", [ "70"; "1" ]
            "Content-Length", [ "0"; "1" ]
            "Content-Type", [ "application/sdp"; "text/plain" ]
            "Expires", [ "60"; "0" ]
            "Timestamp", [ "1"; "2" ]
            "Max-Breadth", [ "60"; "1" ]
        ]

let private doubled =
    test "what may stand once is refused twice, whatever its spelling, order and value" {
        for name, spelling in alone do
            let long = HeaderName.print name
            let first = values[long].Head

            for second in values[long] do
                for spelt in
                    [ spelling; spelling.ToUpperInvariant(); spelling.ToLowerInvariant() + " \t" ] do
                    let more = String.Concat(spelt, ": ", second, "\r\n")
                    let own = String.Concat(long, ": ", first, "\r\n")

                    let isUsual = List.exists (fun (one, _) -> one = long) (usual "INVITE")
                    let behind = text "INVITE" (if isUsual then more else own + more)

                    let before =
                        behind
                            .Replace("SIP/2.0\r\nVia", "SIP/2.0\r\n" + more + "Via")
                            .Replace(more + "\r\n", "\r\n")

                    for message in [ behind; before ] do
                        Expect.equal (wrong message) (ValueSome(Wrong.Repeated name)) message
    }

let private twice =
    test "two tags or two branches are refused, whichever comes first" {
        for name, value, what in
            [
                "From", "<sip:alice@example.test>;tag=1;tag=1", HeaderName.From
                "From", "<sip:alice@example.test>;tag=1;x=y;TAG=2", HeaderName.From
                "To", "<sip:bob@example.test>;tag=1;tag", HeaderName.To
                "Via", "SIP/2.0/UDP a;branch=z9hG4bK1;branch=z9hG4bK2", HeaderName.Via
                "Via", "SIP/2.0/UDP a;Branch=z9hG4bK1;x;branch=z9hG4bK1", HeaderName.Via
            ] do
            Expect.equal
                (wrong (instead "INVITE" name value))
                (ValueSome(Wrong.Malformed what))
                value
    }

/// All laws of shapes.
let all: Test = testList "Shapes" [ deep; linear; caps; doubled; twice ]
