// Leaving: what is true of everything that leaves: it is a message to the span readers, to the grammar and
// to a reader of lines; it has no line that neither came in nor is one of ours, and no body that did not come in.

namespace Sip.Fuzz

open System
open System.Collections.Generic
open FParsec
open Sip
open Sip.Wire
open Sip.Properties.Grammar

/// What came in so far in one session.
type Seen =
    {
        Lines: HashSet<string>
        Bodies: HashSet<string>
    }

/// Judging what leaves.
[<RequireQualifiedAccess>]
module Leaving =

    // A message may grow by our Via and Record-Route; its own limits were judged when it came in.
    let private limits: Limits =
        { Limits.usual with
            MessageSize = 262144<octet>
            FieldSize = 65536<octet>
            FieldCount = 400
        }

    /// Fields that this server writes or edits.
    let private ours =
        HashSet
            [
                "via"
                "from"
                "to"
                "call-id"
                "cseq"
                "max-forwards"
                "max-breadth"
                "route"
                "record-route"
                "path"
                "service-route"
                "contact"
                "content-length"
                "content-type"
                "expires"
                "min-expires"
                "allow"
                "allow-events"
                "accept"
                "accept-encoding"
                "accept-language"
                "supported"
                "require"
                "unsupported"
                "www-authenticate"
                "proxy-authenticate"
                "authentication-info"
                "retry-after"
                "reason"
                "event"
                "subscription-state"
                "flow-timer"
                "timestamp"
                "date"
                "server"
                "warning"
                "rseq"
                "p-asserted-identity"
                "p-associated-uri"
            ]

    let private singles =
        [ "from"; "to"; "call-id"; "cseq"; "max-forwards"; "content-length" ]

    // Both readers of an address or a Via have to make the same of it; a Via and a CSeq also have to be read.
    let private twins (plain: Plain) (name: string, twin: string -> Twins.Both voption) =
        Plain.values name plain
        |> List.tryPick (fun value ->
            match twin value with
            | ValueSome _ -> None
            | ValueNone -> Some $"the readers differ about {name}: {value}")

    let private agreed: (string * (string -> Twins.Both voption)) list =
        [ "from", Twins.ofAddress; "to", Twins.ofAddress; "contact", Twins.ofAddress ]

    let private readable (plain: Plain) (name: string, rule: Parser<unit, unit>) =
        Plain.values name plain
        |> List.tryPick (fun value ->
            match Lexical.read rule value with
            | Result.Ok() -> None
            | Result.Error words -> Some $"the grammar does not read {name}: {value}: {words}")

    let private grammar: (string * Parser<unit, unit>) list =
        [
            "cseq", GrammarField.cseq >>% ()
            "max-forwards", GrammarField.maxForwards >>% ()
        ]

    // The value that we have put there: the first of all.
    let private first (plain: Plain) =
        match Plain.values "via" plain with
        | [] -> Some "no Via"
        | value :: _ ->
            let stop = Values.endOfFirst (ReadOnlySpan(Text.toBytes value)) 0 value.Length

            match Twins.ofVia (value.Substring(0, stop)) with
            | ValueSome Twins.Read -> None
            | ValueSome Twins.Refused
            | ValueNone -> Some $"the readers do not read the Via {value}"

    let private isBare (line: string) =
        let left = line.Replace("\r\n", "")
        left.Contains '\r' || left.Contains '\n'

    let private strange (seen: Seen) (line: string) =
        if isBare line then
            Some $"a bare line end in: {line}"
        elif seen.Lines.Contains line || ours.Contains(Plain.name line) then
            None
        else
            Some $"a line that nobody sent: {line}"

    let private lone (plain: Plain) (name: string) =
        match Plain.values name plain with
        | []
        | [ _ ] -> None
        | several -> Some $"{several.Length} fields of {name}"

    let private isMade (plain: Plain) =
        Plain.values "content-type" plain |> List.contains "application/reginfo+xml"

    let private bodied (seen: Seen) (plain: Plain) =
        if plain.Body = "" || isMade plain || seen.Bodies.Contains plain.Body then
            None
        else
            Some "a body that nobody sent"

    let private toSpanReaders (bytes: ReadOnlySpan<byte>) =
        match Reading.message limits bytes with
        | Arrival.Message message when message.Bytes.Length = bytes.Length -> None
        | Arrival.Message _ -> Some "bytes behind the declared body"
        | Arrival.Broken(fault, _) -> Some $"reading: {Fault.words fault} at {fault.Place}"

    // The answer to what could not be read repeats what could not be read.
    let private answersFault (plain: Plain) =
        [ "SIP/2.0 400 "; "SIP/2.0 483 "; "SIP/2.0 505 "; "SIP/2.0 513 " ]
        |> List.exists (fun start -> plain.Start.StartsWith(start, StringComparison.Ordinal))

    /// What is wrong with a message that leaves, if anything is; and the message as lines.
    let judge (seen: Seen) (bytes: ReadOnlyMemory<byte>) : struct (string option * Plain voption) =
        let text = Text.ofBytes bytes.Span

        match Plain.read text with
        | ValueNone -> struct (Some "a head without end", ValueNone)
        | ValueSome plain ->
            let unread () =
                if answersFault plain then
                    None
                else
                    toSpanReaders bytes.Span
                    |> Option.orElseWith (fun () -> first plain)
                    |> Option.orElseWith (fun () -> List.tryPick (readable plain) grammar)
                    |> Option.orElseWith (fun () -> List.tryPick (lone plain) singles)

            let wrong =
                unread ()
                |> Option.orElseWith (fun () -> List.tryPick (twins plain) agreed)
                |> Option.orElseWith (fun () -> List.tryPick (strange seen) plain.Lines)
                |> Option.orElseWith (fun () -> bodied seen plain)

            struct (wrong, ValueSome plain)
