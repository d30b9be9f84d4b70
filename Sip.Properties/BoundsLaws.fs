// BoundsLaws: what a ledger holds at most. What only waits for its end gives way, the longest waiting
// first; 503 is for when requests that are really under way fill the table. The ledger is held against
// a slow twin: two plain lists.

module Sip.Properties.BoundsLaws

open System
open Expecto
open FsCheck.FSharp
open Sip
open Sip.Routing
open Sip.Registrar
open Sip.Transactions
open Sip.Edge

let private bounds: Bounds =
    { Bounds.usual with
        PerFlow = 4<exchange>
        Total = 6<exchange>
        Ended = 3<exchange>
    }

/// What is done to the ledger.
type private Deed =
    | Ask of caller: int * isInvite: bool
    /// The callee answers the one that has waited longest for it.
    | Answer
    /// The request so many before the last is sent again.
    | Again of back: int

/// What became of a script.
type private Outcome =
    | Refused
    | GaveWay
    | Kept

let private deeds =
    Gen.frequency
        [
            4,
            Gen.map2
                (fun caller isInvite -> Ask(caller, isInvite))
                (Gen.choose (0, 1))
                (Gen.elements [ true; false ])
            3, Gen.constant Answer
            2, Gen.map Again (Gen.choose (0, 11))
        ]
    |> Gen.listOf
    |> Gen.scaleSize (fun size -> 3 * size)
    |> fun scripts ->
        Arb.fromGenShrink (
            scripts,
            fun script -> Seq.init script.Length (fun at -> List.removeAt at script)
        )

/// A request by its number, and who asks.
type private Asked =
    {
        Number: int
        Caller: int
        IsInvite: bool
    }

/// What the twin holds: the oldest last in both.
type private Twin =
    {
        Pending: Asked list
        Ended: Asked list
    }

let private without (asked: Asked) (list: Asked list) =
    list |> List.filter (fun other -> other.Number <> asked.Number)

let private oldest (list: Asked list) = List.tryLast list

/// The twin with room for one more of that caller, if there is any.
let private roomFor (caller: int) (twin: Twin) : Twin option =
    let own = List.filter (fun (asked: Asked) -> asked.Caller = caller)
    let share = (own twin.Pending).Length + (own twin.Ended).Length
    let total = twin.Pending.Length + twin.Ended.Length

    let giving candidates =
        oldest candidates
        |> Option.map (fun asked ->
            { twin with
                Ended = without asked twin.Ended
            })

    if share >= int bounds.PerFlow then giving (own twin.Ended)
    elif total >= int bounds.Total then giving twin.Ended
    else Some twin

let private udp (port: int) : Flow =
    {
        Listener = ListenerId 0
        Transport = Transport.Udp
        Connection = 0L
        Remote =
            {
                Address = Address.ofV4 0x7F000001u
                Port = port
            }
    }

let private bob = udp 40002

let private text (asked: Asked) =
    let method = if asked.IsInvite then "INVITE" else "MESSAGE"

    String.Join(
        "\r\n",
        [
            method + " sip:bob@example.test SIP/2.0"
            $"Via: SIP/2.0/UDP 127.0.0.1:%d{40010 + asked.Caller};rport;branch=z9hG4bK%d{asked.Number}"
            "Max-Forwards: 70"
            "From: <sip:alice@example.test>;tag=a"
            "To: <sip:bob@example.test>"
            $"Call-ID: %d{asked.Number}"
            "CSeq: 1 " + method
            "Contact: <sip:alice@127.0.0.1>"
            "Content-Length: 0"
            ""
            ""
        ]
    )

let private ok (request: string) =
    let copied =
        request.Split "\r\n"
        |> Array.filter (fun line ->
            line.StartsWith "Via:"
            || line.StartsWith "From:"
            || line.StartsWith "Call-ID:"
            || line.StartsWith "CSeq:")

    String.Join("\r\n", Array.append [| "SIP/2.0 200 OK" |] copied)
    + "\r\nTo: <sip:bob@example.test>;tag=b\r\nContact: <sip:bob@127.0.0.1:40002>\r\nContent-Length: 0\r\n\r\n"

/// A ledger with these bounds at which Bob is registered.
type private Bench() =
    let realm =
        { Ground.realm with
            Admittance = Admittance.UnsafeOpen
        }

    let ledger = Ledger(realm, Timing.usual, Policy.standard, bounds, Sharding.alone)

    /// What a message leads to, by the flow that it goes to.
    let take (from: Flow) (message: string) : (Flow * string) list =
        let input = Input.Arrived(from, ReadOnlyMemory(Text.toBytes message))

        [
            for hop, text in Sends.texts (ledger.Take(Instant.FromMilliseconds 1000L, input)) do
                match hop with
                | Hop.Flow flow -> flow, text
                | Hop.Dial _ -> ()
        ]

    do
        let register =
            "REGISTER sip:example.test SIP/2.0\r\n"
            + "Via: SIP/2.0/UDP 127.0.0.1:40002;rport;branch=z9hG4bKr\r\nMax-Forwards: 70\r\n"
            + "From: <sip:bob@example.test>;tag=r\r\nTo: <sip:bob@example.test>\r\nCall-ID: r\r\n"
            + "CSeq: 1 REGISTER\r\nContact: <sip:bob@127.0.0.1:40002>\r\nContent-Length: 0\r\n\r\n"

        take bob register |> ignore

    /// What reaches Bob, and whether the caller is refused with 503.
    member _.Ask(asked: Asked) : string list * bool =
        let sent = take (udp (40010 + asked.Caller)) (text asked)

        let toBob = sent |> List.filter (fun (flow, _) -> flow = bob) |> List.map snd
        toBob, sent |> List.exists (fun (_, message) -> message.StartsWith "SIP/2.0 503")

    /// Bob answers a request.
    member _.Answer(request: string) : unit = take bob (ok request) |> ignore

    /// How many entities the ledger holds.
    member _.Held: int = ledger.Held

/// Runs a script on both; what became of it, none where they differ.
let private run (script: Deed list) : Outcome voption =
    let bench = Bench()
    let mutable twin = { Pending = []; Ended = [] }
    let mutable known: Asked list = []
    let mutable outcome = Kept
    let mutable atBob: Map<int, string> = Map.empty
    let mutable same = true

    let ask (asked: Asked) =
        let toBob, isRefused = bench.Ask asked

        match roomFor asked.Caller twin with
        | Some room ->
            if room.Ended.Length < twin.Ended.Length && outcome = Kept then
                outcome <- GaveWay

            twin <-
                { room with
                    Pending = asked :: room.Pending
                }

            same <- same && toBob.Length = 1 && not isRefused
            atBob <- toBob |> List.fold (fun sent one -> Map.add asked.Number one sent) atBob
        | None ->
            outcome <- Refused
            same <- same && toBob.IsEmpty && isRefused

    for deed in script do
        match deed with
        | Ask(caller, isInvite) ->
            let asked =
                {
                    Number = known.Length
                    Caller = caller
                    IsInvite = isInvite
                }

            known <- asked :: known
            ask asked
        | Answer ->
            match oldest twin.Pending with
            | Some asked when same ->
                bench.Answer atBob[asked.Number]

                twin <-
                    {
                        Pending = without asked twin.Pending
                        Ended = List.truncate (int bounds.Ended) (asked :: twin.Ended)
                    }
            | Some _
            | None -> ()
        | Again back when back < known.Length ->
            let asked = known[back]

            if List.contains asked twin.Pending || List.contains asked twin.Ended then
                let toBob, isRefused = bench.Ask asked
                same <- same && toBob.IsEmpty && not isRefused
            else
                ask asked
        | Again _ -> ()

    if same then ValueSome outcome else ValueNone

let all =
    testList
        "Bounds"
        [
            Law.holdsMeeting
                [ Refused; GaveWay; Kept ]
                "a new request is refused only where pending ones fill the table, and of those that only wait for their end the longest waiting is the first to be forgotten"
                deeds
                run

            testCase "a ledger that carries for ever holds no more for it"
            <| fun () ->
                let bench = Bench()

                let carry number =
                    let toBob, _ =
                        bench.Ask
                            {
                                Number = number
                                Caller = number % 2
                                IsInvite = number % 3 = 0
                            }

                    bench.Answer(List.exactlyOne toBob)

                List.iter carry [ 1..20 ]
                let held = bench.Held
                List.iter carry [ 21..200 ]
                Expect.equal bench.Held held "entities"
        ]
