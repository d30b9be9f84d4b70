// Letters: whole messages: requests of every method, answers to what the server has sent, and what follows
// in a transaction or a dialog.

namespace Sip.Fuzz

open System
open Sip.Properties.World

/// Writing messages.
[<RequireQualifiedAccess>]
module Letters =

    let private methods =
        [|
            "INVITE"
            "INVITE"
            "REGISTER"
            "REGISTER"
            "OPTIONS"
            "MESSAGE"
            "BYE"
            "ACK"
            "CANCEL"
            "SUBSCRIBE"
            "NOTIFY"
            "REFER"
            "UPDATE"
            "INFO"
            "PRACK"
            "PUBLISH"
            "NOVEL-1"
            "invite"
        |]

    let private bodies =
        [|
            ""
            ""
            ""
            "v=0\r\no=- 0 0 IN IP4 192.0.2.1\r\n"
            "\u0000\u0001binary\u00ff"
            "INVITE sip:x SIP/2.0\r\n\r\n"
            "--x\r\nContent-Type: a/b\r\n\r\n--x--"
            "\r\n\r\n"
        |]

    let private plain = [| "alice"; "bob"; "carol"; "dave" |]

    let private mark (dice: Luck) = dice.Text("0123456789abcdef", 4, 8)

    /// A request as the phone of this transport writes it.
    let request (dice: Luck) (heard: Heard) (transport: string) : Sheet =
        let method = dice.Of methods
        let user = dice.Of plain

        let uri =
            if dice.Chance 50 then
                $"sip:{dice.Of plain}@example.test"
            else
                Words.uri dice heard

        let uri =
            if method = "REGISTER" && dice.Chance 80 then
                "sip:example.test"
            else
                uri

        let body = dice.Of bodies

        let target =
            if method = "REGISTER" && dice.Chance 80 then
                $"<sip:{user}@example.test>"
            elif dice.Chance 60 then
                $"<{uri}>"
            else
                Words.address dice heard

        {
            Start = String.Concat(method, " ", uri, " SIP/2.0")
            Fields =
                [
                    if dice.Chance 90 then
                        "Via",
                        $"SIP/2.0/{transport} {mark dice}.invalid;branch=z9hG4bK{mark dice};rport"
                    else
                        "Via", Words.via dice heard
                    if dice.Chance 90 then
                        "Max-Forwards", "70"
                    if dice.Chance 90 then
                        "From", $"<sip:{user}@example.test>;tag={mark dice}"
                    else
                        "From", Words.address dice heard + ";tag=1"
                    "To",
                    (if dice.Chance 85 then
                         target
                     else
                         target + ";tag=" + mark dice)
                    "Call-ID", mark dice + "@x.invalid"
                    "CSeq", $"{dice.Below 9} {method}"
                    if method = "REGISTER" || dice.Chance 30 then
                        "Contact", $"<sip:{user}@{mark dice}.invalid;transport=ws>"
                    for _ in 1 .. dice.Below 4 do
                        Words.field dice heard
                    "Content-Length", string body.Length
                ]
            Body = body
        }

    let private statuses =
        [| 100; 180; 183; 199; 200; 202; 302; 401; 407; 408; 430; 486; 503; 603; 999 |]

    /// An answer to a request that the server has sent.
    let answer (dice: Luck) (heard: Heard) (asked: Sheet) : Sheet =
        let more =
            [
                "Contact", Words.address dice heard
                for _ in 1 .. dice.Below 3 do
                    Words.field dice heard
            ]

        Sheet.respond (dice.Of statuses) (mark dice) (if dice.Chance 70 then more else []) asked

    let private instead (name: string) (value: string) (sheet: Sheet) =
        { sheet with
            Fields =
                sheet.Fields
                |> List.map (fun (one, old) -> one, (if one = name then value else old))
        }

    /// What belongs to an earlier request: its CANCEL, its ACK, a request in its dialog, or itself again.
    let after (dice: Luck) (heard: Heard) (earlier: Sheet) : Sheet =
        let number = (Sheet.first "CSeq" earlier).Split(' ')[0]

        let follow (method: string) (uri: string) =
            { instead "CSeq" (String.Concat(number, " ", method)) earlier with
                Start = String.Concat(method, " ", uri, " SIP/2.0")
            }

        match dice.Below 4 with
        | 0 -> follow "CANCEL" (Sheet.target earlier)
        | 1 -> follow "ACK" (Sheet.target earlier)
        | 2 ->
            follow (dice.Of [| "BYE"; "ACK"; "PRACK"; "UPDATE"; "INVITE" |]) (heard.Any dice)
            |> instead "To" (Sheet.first "To" earlier + ";tag=" + mark dice)
            |> instead "Via" (Words.via dice heard)
        | _ -> earlier
