// Rule: messages of our own writing for the rules that RFC 4475 and RFC 5118 probe. A rule is a
// sentence, a message that differs from a plain one in a line or two, and its outcome.

module Sip.Sockets.Rule

open System

/// The sentence's outcome on every transport.
let only (outcome: Outcome) : string -> Outcome list = fun _ -> [ outcome ]

/// One outcome on datagrams and WebSockets, others on a bare stream.
let unlessTcp (outcome: Outcome) (onTcp: Outcome list) : string -> Outcome list =
    fun transport -> if transport = "tcp" then onTcp else [ outcome ]

let reached = only Outcome.Reached
let ignored = only Outcome.Ignored
let answered status = only (Outcome.Answered [ status ])
let registered contact = only (Outcome.Registered contact)

let sdp = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n"

let private nameOf (line: string) = line.Split(':').[0].Trim()

/// The header lines of a plain message, where no line of the same name stands in their place.
let private plain (method: string) =
    [
        "Via: SIP/2.0/UDP host.example.com;branch=z9hG4bKrule"
        "Max-Forwards: 70"
        "From: <sip:caller@example.net>;tag=8"
        "To: <sip:user@example.com>"
        "Call-ID: rule@example.com"
        $"CSeq: 7 {method}"
    ]

/// A message with its start line, the lines in which it differs, and its body. A line of `Name` and
/// nothing else takes the plain line of that name away.
let message (start: string) (lines: string list) (body: string) : byte[] =
    let method =
        if start.StartsWith("SIP/", StringComparison.Ordinal) then
            "OPTIONS"
        else
            start.Split(' ').[0]

    let names = List.map nameOf lines

    let kept =
        plain method
        |> List.filter (fun line -> not (List.contains (nameOf line) names))

    let added = lines |> List.filter (fun line -> line.Contains ':')

    let length =
        if List.contains "Content-Length" names then
            []
        else
            [ $"Content-Length: {(Said.bytes body).Length}" ]

    Said.bytes (String.Join("\r\n", start :: kept @ added @ length @ [ ""; body ]))

/// A rule whose message ends by itself.
let rule (name: string) (on: string -> Outcome list) (message: byte[]) : Verdict =
    {
        Name = name
        Message = message
        Rest = [||]
        On = on
    }
