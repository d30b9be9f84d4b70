// Play: what is done next to a session's server: something polite, something damaged, something that answers or
// follows what was said before, something that once led where nothing had led before.

namespace Sip.Fuzz

open System
open System.Collections.Generic
open Sip
open Sip.Properties.World

/// The mind behind a session's steps.
[<Sealed>]
type Play(dice: Luck, session: Session, treasures: List<string>) =

    let said = List<struct (int * Sheet)>()

    let keepAlives =
        [|
            "\r\n"
            "\r\n\r\n"
            "\u0000\u0000\u0000\u0000"
            "\u0000\u0001\u0000\u0000\u0021\u0012\u00a4\u0042abcdefghijkl"
            "\u0000\u0001\u0000\u0004\u0021\u0012\u00a4\u0042abcdefghijkl\u0000\u0022\u0000\u0000"
            "\u0001\u0001\u0000\u0000\u0021\u0012\u00a4\u0042abcdefghijkl"
        |]

    let remember (line: int) (sheet: Sheet) =
        if said.Count > 40 then
            said.RemoveAt 0

        said.Add(struct (line, sheet))

    let word (line: int) =
        Transport.inVia session.Lines[line].Transport

    let letter () : struct (int * string) =
        let line = dice.Below session.Lines.Length

        let struct (line, sheet) =
            match dice.Below 10 with
            | 0
            | 1 when session.Requests.Count > 0 ->
                let struct (line, asked) = session.Requests[dice.Below session.Requests.Count]
                struct (line, Letters.answer dice session.Heard asked)
            | 2
            | 3 when said.Count > 0 ->
                let struct (line, earlier) = said[dice.Below said.Count]
                struct (line, Letters.after dice session.Heard earlier)
            | _ ->
                let sheet = Letters.request dice session.Heard (word line)
                remember line sheet
                struct (line, sheet)

        let sheet =
            if dice.Chance 30 then
                Damage.fields dice session.Heard sheet
            else
                sheet

        let text = Sheet.print sheet

        if dice.Chance 35 then
            struct (line, Damage.several dice text)
        else
            struct (line, text)

    let treasure () : struct (int * string) =
        let text = treasures[dice.Below treasures.Count]
        struct (dice.Below session.Lines.Length, Damage.several dice text)

    // As the transport carries it, in one piece or in several.
    let carried (line: int) (text: string) : Step list =
        let transport = session.Lines[line].Transport
        let plain = Text.toBytes text

        let bytes =
            if not (Transport.isWebSocket transport) then
                plain
            elif dice.Chance 8 then
                Array.append (Frame.strange dice) (Frame.message dice plain)
            else
                Frame.message dice plain

        if transport = Transport.Udp || dice.Chance 80 || bytes.Length < 2 then
            [ Step.Bytes(line, bytes) ]
        else
            let cut = dice.Between(1, bytes.Length - 1)
            [ Step.Bytes(line, bytes[.. cut - 1]); Step.Bytes(line, bytes[cut..]) ]

    /// The text of the last letter, for whoever finds that it led somewhere.
    member val Last = "" with get, set

    /// What to do next.
    member this.Next() : Step list =
        match dice.Below 40 with
        | 0 -> [ Step.Wait(int64 (dice.Of [| 1; 500; 4000; 32_000; 181_000; 400_000 |])) ]
        | 1 -> [ Step.Break(dice.Below session.Lines.Length) ]
        | 2 -> carried (dice.Below session.Lines.Length) (dice.Of keepAlives)
        | 3 when session.IsAsked -> [ Step.Resolve(dice.Below 1_000_000) ]
        | 4 ->
            let shaken = Text.ofBytes (ReadOnlySpan Frame.handshake)
            let line = session.Lines.Length - 1
            [ Step.Break line; Step.Bytes(line, Text.toBytes (Damage.several dice shaken)) ]
        | choice ->
            let struct (line, text) =
                if choice > 30 && treasures.Count > 0 then
                    treasure ()
                else
                    letter ()

            this.Last <- text
            carried line text
