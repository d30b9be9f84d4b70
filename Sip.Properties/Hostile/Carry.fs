// Carry: messages for the laws of hostile values: one that is polite but for the fields that are given, what
// reading makes of it, and a server that passes it on.

module Sip.Properties.Hostile.Carry

open System
open Sip
open Sip.Wire
open Sip.Properties.World

/// The fields that every request has.
let usual (method: string) : (string * string) list =
    [
        "Via", "SIP/2.0/WS x7.invalid;branch=z9hG4bKone"
        "Max-Forwards", "70"
        "From", "<sip:alice@example.test>;tag=one"
        "To", "<sip:bob@example.test>"
        "Call-ID", "one"
        "CSeq", "1 " + method
    ]

/// A request with these lines behind its usual fields, each with its end.
let text (method: string) (lines: string) : string =
    let fields =
        usual method
        |> List.map (fun (name, value) -> String.Concat(name, ": ", value, "\r\n"))
        |> String.Concat

    String.Concat(method, " sip:bob@example.test SIP/2.0\r\n", fields)
    + lines
    + "\r\n"

/// The same, one of its usual fields having this value.
let instead (method: string) (name: string) (value: string) : string =
    (text method "")
        .Replace(
            List.find (fun (one, _) -> one = name) (usual method)
            |> fun (name, old) -> String.Concat("\r\n", name, ": ", old, "\r\n")
            , String.Concat("\r\n", name, ": ", value, "\r\n")
        )

/// What reading makes of a text.
let read (text: string) : Arrival =
    Reading.message Limits.usual (ReadOnlySpan(Text.toBytes text))

/// What is wrong with a text, if anything is.
let wrong (text: string) : Wrong voption =
    match read text with
    | Arrival.Message _ -> ValueNone
    | Arrival.Broken(fault, _) -> ValueSome fault.Wrong

/// A house in which Bob is registered, and what comes to him of a message of Alice's.
type Passage() =
    let house = House()
    let alice = house.Open(Transport.Ws, 41000)
    let bob = house.Open(Transport.Ws, 41001)

    do
        house.Say(bob, Letter.register "bob" "r1" "<sip:q1@b7.invalid;transport=ws>" [])
        |> ignore

    /// What comes to Bob, as text.
    member _.Pass(text: string) : string list =
        house.Texts(alice, Text.toBytes text)
        |> List.filter (fun (flow, _) -> flow = bob)
        |> List.map snd

    /// What comes to anybody, as text.
    member _.All(text: string) : string list =
        house.Texts(alice, Text.toBytes text) |> List.map snd

    /// What taking such bytes in allocates.
    member _.Cost(bytes: byte[]) : int64 =
        let before = GC.GetAllocatedBytesForCurrentThread()
        house.Texts(alice, bytes) |> ignore
        GC.GetAllocatedBytesForCurrentThread() - before
