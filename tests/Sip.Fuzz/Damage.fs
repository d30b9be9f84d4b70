// Damage: what a wire, a bug or an enemy does to a message: to its fields, which a grammar knows, and to
// its bytes, which know nothing.

namespace Sip.Fuzz

open System
open Sip.Properties.World

/// Damaging messages.
[<RequireQualifiedAccess>]
module Damage =

    let private pieces =
        [|
            "\r\n"
            "\r\n\r\n"
            "\r"
            "\n"
            "\u0000"
            "\u0001"
            "\u007f"
            "\u0080"
            "\u00ff"
            "\""
            "\\"
            "<"
            ">"
            ";"
            ","
            ":"
            "="
            "@"
            "%"
            "%00"
            "%0d%0a"
            "["
            "]"
            " "
            "\t"
            "\r\n "
            "sip:"
            "sips:"
            ";tag="
            ";lr"
            ";alias="
            "SIP/2.0"
            "\r\nX-Taint: 1\r\n"
            "\r\nContent-Length: 0\r\n"
            "\r\nTo: <sip:x@y>\r\n"
            "X-Taint : 1\r\n"
            "\r\n\tX-Taint: 1"
            "INVITE"
        |]

    let private runs =
        [|
            "\""
            "<"
            "("
            ";a"
            ","
            "\\"
            "["
            "%"
            "a"
            " "
            "\r\n "
            ";a=b"
            "\r\n"
        |]

    let private ofList (dice: Luck) (fields: (string * string) list) change =
        match fields with
        | [] -> []
        | _ -> change (dice.Below fields.Length)

    /// The message with one field more, less, twice, elsewhere or with another value.
    let fields (dice: Luck) (heard: Heard) (sheet: Sheet) : Sheet =
        let all = sheet.Fields
        let stranger = Words.field dice heard

        let changed =
            match dice.Below 7 with
            | 0 -> ofList dice all (fun at -> List.removeAt at all)
            | 1 -> ofList dice all (fun at -> List.insertAt at all[at] all)
            | 2 -> ofList dice all (fun at -> List.insertAt at stranger all)
            | 3 -> ofList dice all (fun at -> List.updateAt at (fst all[at], snd stranger) all)
            | 4 -> ofList dice all (fun at -> List.updateAt at (fst all[at], Words.number dice) all)
            | 5 -> ofList dice all (fun at -> List.removeAt at all @ [ all[at] ])
            | _ ->
                ofList dice all (fun at ->
                    let name, value = all[at]
                    let name = name + dice.Of [| " "; "\t"; "\u0001"; "x"; "\u0000"; ":" |]
                    List.insertAt at (name, value) all)

        { sheet with Fields = changed }

    let private stretch (dice: Luck) (text: string) =
        let at = dice.Below(text.Length + 1)
        struct (at, min (dice.Below 8) (text.Length - at))

    /// The text with one thing done to it.
    let text (dice: Luck) (text: string) : string =
        let struct (at, length) = stretch dice text

        match dice.Below 12 with
        | 0
        | 1
        | 2 -> text.Insert(at, dice.Of pieces)
        | 3
        | 4 -> text.Remove(at, length)
        | 5 -> text.Remove(at, length).Insert(at, dice.Of pieces)
        | 6 when length > 0 ->
            let flipped = char (int text[at] ^^^ (1 <<< dice.Below 8))
            text.Remove(at, 1).Insert(at, string flipped)
        | 7 -> text.Insert(dice.Below(text.Length + 1), text.Substring(at, length))
        | 8 -> text.Insert(at, String.replicate (dice.Between(2, 700)) (dice.Of runs))
        | 9 -> text.Substring(0, at)
        | 10 -> text.Insert(at, String(Array.map char (dice.Bytes(dice.Below 9))))
        | _ -> text.Insert(at, Words.number dice)

    /// The text with one to four things done to it.
    let several (dice: Luck) (message: string) : string =
        let mutable damaged = message

        for _ in 0 .. dice.Below 4 do
            damaged <- text dice damaged

        damaged
