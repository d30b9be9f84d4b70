// EnumerationLaws: whoever has not proven who they are learns from no byte of any answer which users there are
// (row E5).

module Sip.Properties.Hostile.EnumerationLaws

open System
open System.Text.RegularExpressions
open Expecto
open Sip
open Sip.Edge
open Sip.Properties
open Sip.Properties.World

// One is enrolled, the other is nobody; their names are equally long.
let private known, private unknown = "alice", "zelda"

let private flow (transport: Transport) : Flow =
    Ground.flow transport 7L (Address.ofV4 0xC6336407u) 41000

let private request (method: string) (user: string) (number: int) (more: string) : string =
    let aor = $"sip:{user}@example.test"
    let uri = if method = "REGISTER" then "sip:example.test" else aor

    String.Join(
        "\r\n",
        [
            $"{method} {uri} SIP/2.0"
            $"Via: SIP/2.0/UDP x7.invalid;branch=z9hG4bK{number}"
            "Max-Forwards: 70"
            $"From: <{aor}>;tag=f{number}"
            $"To: <{aor}>"
            $"Call-ID: {number}"
            $"CSeq: {number} {method}"
            "Contact: <sip:q1@x7.invalid;transport=ws>"
            more + "Content-Length: 0"
            ""
            ""
        ]
    )

let private nonce = Regex "nonce=\"[^\"]*\""
let private tag = Regex "(?<=To:[^\r]*;tag=)[^;\r]*"
let private nonceOf (text: string) = (nonce.Match text).Value

/// What is the same whoever is asked for: nonces and tags are keyed hashes, as long whatever they are of.
let private plain (user: string) (text: string) : string =
    let hide (found: Match) = String('#', found.Length)
    tag.Replace(nonce.Replace(text, hide), hide).Replace(user, "somebody")

let private credentials (header: string) (user: string) (method: string) (challenge: string) =
    let uri =
        if method = "REGISTER" then
            "sip:example.test"
        else
            $"sip:{user}@example.test"

    $"{header}: Digest username=\"{user}\", realm=\"example.test\", {nonceOf challenge}, uri=\"{uri}\", "
    + "algorithm=MD5, qop=auth, nc=00000001, cnonce=\"x\", response=\"00112233445566778899aabbccddeeff\"\r\n"

/// What one user's name leads to: asked, asked again, and answered with a password that is wrong.
let private answers (transport: Transport) (method: string) (user: string) : string list =
    let ledger = World.ledger ()
    let flow = flow transport
    let mutable now = 1000L

    let take input =
        Sends.texts (ledger.Take(Instant.FromMilliseconds now, input)) |> List.map snd

    let say text =
        take (Input.Arrived(flow, ReadOnlyMemory(Text.toBytes text)))

    if Flow.isConnection flow then
        take (Input.Opened flow) |> ignore

    let first = say (request method user 1 "")
    let again = say (request method user 1 "")
    let challenge = String.Concat first

    let header =
        if challenge.Contains "Proxy-Authenticate" then
            "Proxy-Authorization"
        else
            "Authorization"

    let wrong = credentials header user method challenge
    let guessed = say (request method user 2 wrong)
    let repeated = say (request method user 2 wrong)
    let guessedAnew = say (request method user 3 wrong)
    now <- now + 600_000L
    let late = say (request method user 4 wrong)

    List.concat [ first; again; guessed; repeated; guessedAnew; late ]
    |> List.map (plain user)

let private methods =
    [
        "REGISTER"
        "INVITE"
        "MESSAGE"
        "SUBSCRIBE"
        "OPTIONS"
        "BYE"
        "NOTIFY"
        "REFER"
        "PUBLISH"
        "INFO"
        "UPDATE"
        "PRACK"
        "CANCEL"
        "ACK"
        "NOVEL"
    ]

/// All laws of enumeration.
let all: Test =
    testList
        "Enumeration"
        [
            test "a user that is one and a user that is none are answered with the same bytes" {
                for transport in
                    [ Transport.Udp; Transport.Tcp; Transport.Tls; Transport.Ws; Transport.Wss ] do
                    for method in methods do
                        Expect.equal
                            (answers transport method known)
                            (answers transport method unknown)
                            $"{method} over {transport}"
            }

            test "whoever asks for a user without a password is challenged" {
                for method in [ "REGISTER"; "INVITE"; "MESSAGE" ] do
                    let told = answers Transport.Udp method known

                    Expect.isTrue
                        ((String.Concat told).Contains "nonce=\"" |> not)
                        "nonces are hidden"

                    Expect.isTrue (told.Head.StartsWith "SIP/2.0 40") told.Head
            }
        ]
