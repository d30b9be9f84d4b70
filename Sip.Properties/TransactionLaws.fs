// TransactionLaws: what is true of every walk through the four machines, whatever happens in it.

module Sip.Properties.TransactionLaws

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Transactions

/// One thing that happens, some time after the one before.
type private Happening =
    | Receive of int
    | Again
    | Ack
    | CancelIt
    | Break
    | Pass

let private happenings =
    Gen.frequency
        [
            4,
            Gen.elements [ 100; 180; 183; 200; 202; 302; 404; 486; 408; 503; 603 ]
            |> Gen.map Receive
            2, Gen.constant Again
            1, Gen.constant Ack
            1, Gen.constant CancelIt
            1, Gen.constant Break
            4, Gen.constant Pass
        ]

let private walk =
    Gen.zip
        (Gen.elements [ Delivery.Reliable; Delivery.Unreliable ])
        (Gen.listOf (
            Gen.zip (Gen.choose (0, 40000) |> Gen.map (fun n -> int64 n * 1L<ms>)) happenings
        ))

let private walks =
    Arb.fromGenShrink (
        walk,
        fun (d, steps) -> Seq.init (List.length steps) (fun i -> d, List.removeAt i steps)
    )

let private response number =
    {
        Status = (Status.TryOf number).Value
        Bytes = ReadOnlyMemory.Empty
    }

let private begin' = Instant.FromMilliseconds 1000L
let private timing = Timing.usual

/// Every step of a walk; between two happenings the machine is ticked whenever it asked to be.
let private run start take (delivery: Delivery) happenings =
    let rec ticked (now: Instant) (last: Step<'state, 'act>) seen =
        if last.Wake.Milliseconds < now.Milliseconds then
            let at = last.Wake
            let next: Step<'state, 'act> = take delivery at Pass last.State
            ticked now next ((at, last, next) :: seen)
        else
            last, seen

    let one (now: Instant, last, seen) (wait, happening) =
        let now = now.After wait
        let last, seen = ticked now last seen
        let next = take delivery now happening last.State
        now, next, (now, last, next) :: seen

    let now, last, seen = List.fold one (begin', start, []) happenings
    // Then nothing happens any more but ticks, for ten minutes.
    let last, seen = ticked (now.After 600_000L<ms>) last seen
    last, List.rev seen

let private clientInvite delivery now happening state =
    match happening with
    | Receive number -> ClientInvite.Event.Received(response number)
    | CancelIt -> ClientInvite.Event.Cancel
    | Ack -> ClientInvite.Event.CancelAnswered
    | Break -> ClientInvite.Event.Unsendable
    | Again
    | Pass -> ClientInvite.Event.Tick
    |> fun event -> ClientInvite.take timing delivery now event state

let private clientOther delivery now happening state =
    match happening with
    | Receive number -> ClientOther.Event.Received(response number)
    | Break -> ClientOther.Event.Unsendable
    | CancelIt
    | Again
    | Ack
    | Pass -> ClientOther.Event.Tick
    |> fun event -> ClientOther.take timing delivery now event state

let private serverInvite delivery now happening state =
    match happening with
    | Receive number -> ServerInvite.Event.Respond(response number)
    | Again -> ServerInvite.Event.Retransmitted
    | Ack -> ServerInvite.Event.Acknowledged
    | Break -> ServerInvite.Event.Unsendable
    | CancelIt
    | Pass -> ServerInvite.Event.Tick
    |> fun event -> ServerInvite.take timing delivery now event state

let private serverOther delivery now happening state =
    match happening with
    | Receive number -> ServerOther.Event.Respond(response number)
    | Again -> ServerOther.Event.Retransmitted
    | Break -> ServerOther.Event.Unsendable
    | Ack
    | CancelIt
    | Pass -> ServerOther.Event.Tick
    |> fun event -> ServerOther.take timing delivery now event state

let private clientInvites (delivery, happenings) =
    run (ClientInvite.start timing delivery begin') clientInvite delivery happenings

let private clientOthers (delivery, happenings) =
    run (ClientOther.start timing delivery begin') clientOther delivery happenings

let private serverInvites (delivery, happenings) =
    let start: Step<ServerInvite.State, ServerInvite.Act> =
        {
            State = ServerInvite.start
            Acts = []
            Wake = Instant.Never
        }

    run start serverInvite delivery happenings

let private serverOthers (delivery, happenings) =
    run (ServerOther.start timing delivery begin') serverOther delivery happenings

let private acts seen =
    seen |> List.collect (fun (_, _, next: Step<_, _>) -> next.Acts)

let private silent terminated seen =
    seen
    |> List.forall (fun (_, before: Step<_, _>, after: Step<_, _>) ->
        before.State <> terminated || (after.State = terminated && after.Acts = []))

let private isFinal number = number >= 200

/// The times between the resends of a machine that hears nothing.
let private gaps isResend (start: Instant) seen =
    let times =
        seen
        |> List.filter (fun (_, _, next: Step<_, _>) -> List.exists isResend next.Acts)
        |> List.map (fun (at: Instant, _, _) -> at.Milliseconds)

    List.pairwise (start.Milliseconds :: times) |> List.map (fun (a, b) -> b - a)

let all =
    testList
        "Transactions"
        [
            Law.holds "after Terminated, silence" walks
            <| fun walk ->
                silent ClientInvite.State.Terminated (snd (clientInvites walk))
                && silent ClientOther.State.Terminated (snd (clientOthers walk))
                && silent ServerInvite.State.Terminated (snd (serverInvites walk))
                && silent ServerOther.State.Terminated (snd (serverOthers walk))

            Law.holds "a client machine that only sees ticks ends" walks
            <| fun walk ->
                (fst (clientInvites walk)).State = ClientInvite.State.Terminated
                && (fst (clientOthers walk)).State = ClientOther.State.Terminated

            Law.holds "a server machine that has answered, or may never answer, ends" walks
            <| fun (delivery, happenings) ->
                let answered = happenings @ [ 1L<ms>, Receive 486 ]

                (fst (serverInvites (delivery, answered))).State = ServerInvite.State.Terminated
                && (fst (serverOthers (delivery, happenings))).State = ServerOther.State.Terminated

            Law.holds
                "CANCEL goes once over a reliable transport, and never without a provisional response"
                walks
            <| fun (delivery, happenings) ->
                let cancels happenings =
                    acts (snd (clientInvites (delivery, happenings)))
                    |> List.filter (fun act -> act = ClientInvite.Act.SendCancel)
                    |> List.length

                let isProvisional (_, happening) =
                    match happening with
                    | Receive number -> not (isFinal number)
                    | Again
                    | Ack
                    | CancelIt
                    | Break
                    | Pass -> false

                let unheard = List.filter (isProvisional >> not) happenings

                (delivery = Delivery.Unreliable || cancels happenings <= 1)
                && cancels unheard = 0

            Law.holds
                "a final response but 2xx is passed up once, and acknowledged each time it comes"
                walks
            <| fun walk ->
                let _, seen = clientInvites walk

                let passed =
                    acts seen
                    |> List.filter (fun act ->
                        match act with
                        | ClientInvite.Act.Pass response -> response.Status.Number >= 300
                        | ClientInvite.Act.Resend
                        | ClientInvite.Act.Acknowledge _
                        | ClientInvite.Act.SendCancel
                        | ClientInvite.Act.ReportTimeout
                        | ClientInvite.Act.ReportUnsendable -> false)

                passed.Length <= 1

            Law.holds "a non-INVITE is answered upstream once" walks
            <| fun walk ->
                let _, seen = clientOthers walk

                let finals =
                    acts seen
                    |> List.filter (fun act ->
                        match act with
                        | ClientOther.Act.Pass response -> isFinal response.Status.Number
                        | ClientOther.Act.ReportTimeout
                        | ClientOther.Act.ReportUnsendable -> true
                        | ClientOther.Act.Resend -> false)

                finals.Length = 1

            Law.holds "no 408 and no provisional but 100 ever answers a non-INVITE" walks
            <| fun walk ->
                acts (snd (serverOthers walk))
                |> List.forall (fun act ->
                    match act with
                    | ServerOther.Act.Send response ->
                        response.Status.Number = 100
                        || (isFinal response.Status.Number && response.Status.Number <> 408)
                    | ServerOther.Act.OfferTrying -> true)

            testCase "an unanswered INVITE over UDP is sent again after 0.5, 1, 2, 4, 8 and 16 s"
            <| fun () ->
                let _, seen = clientInvites (Delivery.Unreliable, [])
                let times = gaps (fun act -> act = ClientInvite.Act.Resend) begin' seen
                Expect.equal times [ 500L; 1000L; 2000L; 4000L; 8000L; 16000L ] "timer A"
                let at, _, _ = List.last seen
                Expect.equal (at.Since begin') 32000L<ms> "timer B"

            testCase "a CANCEL that nobody hears is sent again over UDP for 64 times T1"
            <| fun () ->
                let happenings = [ 0L<ms>, Receive 180; 0L<ms>, CancelIt ]
                let _, seen = clientInvites (Delivery.Unreliable, happenings)
                let times = gaps (fun act -> act = ClientInvite.Act.SendCancel) begin' seen

                Expect.equal
                    times
                    [ 0L; 500L; 1000L; 2000L; 4000L; 4000L; 4000L; 4000L; 4000L; 4000L; 4000L ]
                    "the CANCEL, then timer E"

            testCase "a CANCEL that is answered is not sent again"
            <| fun () ->
                let happenings = [ 0L<ms>, Receive 180; 0L<ms>, CancelIt; 600L<ms>, Ack ]
                let _, seen = clientInvites (Delivery.Unreliable, happenings)
                let times = gaps (fun act -> act = ClientInvite.Act.SendCancel) begin' seen
                Expect.equal times [ 0L; 500L ] "twice"

            testCase "an unanswered OPTIONS over UDP doubles until T2 and stops at 64 times T1"
            <| fun () ->
                let _, seen = clientOthers (Delivery.Unreliable, [])
                let times = gaps (fun act -> act = ClientOther.Act.Resend) begin' seen

                Expect.equal
                    times
                    [ 500L; 1000L; 2000L; 4000L; 4000L; 4000L; 4000L; 4000L; 4000L; 4000L ]
                    "timer E"

                let at, _, _ = List.last seen
                Expect.equal (at.Since begin') 32000L<ms> "timer F"

            testCase "nothing is sent again on a reliable transport"
            <| fun () ->
                let _, seen = clientInvites (Delivery.Reliable, [])
                Expect.equal (acts seen) [ ClientInvite.Act.ReportTimeout ] "timer B alone"
        ]
