// Session: one server's life under steps, in virtual time: bytes go the whole way (streams are framed, messages
// read, decided about and written), and whatever leaves is judged.

namespace Sip.Fuzz

open System
open System.Collections.Generic
open System.Diagnostics
open Sip
open Sip.Wire
open Sip.Edge
open Sip.Registrar
open Sip.Routing
open Sip.Transactions
open Sip.Properties
open Sip.Properties.World

/// A server that steps are done to.
[<Sealed>]
type Session(variant: int) =
    let ledger = Ledger(Scene.realm variant, Timing.usual, Policy.standard)
    let lines = Scene.lines ()
    let faults = List<string>()
    let asked = Queue<Question>()
    let requests = List<struct (int * Sheet)>()

    let seen =
        {
            Lines = HashSet<string>()
            Bodies = HashSet<string>()
        }

    // What is sent again is judged once.
    let judged = HashSet<string>()
    let live = HashSet<int64>()
    let heard = Heard()
    let mutable now = 1_000L
    let mutable connections = 0L
    let mutable ticks = 0L
    let mutable allocated = 0L
    let mutable messages = 0
    let mutable sent = 0

    let rules: StreamRules =
        {
            Serving = Serving.Either
            Limits = Limits.usual
            Handshake = Handshake.anything
        }

    let within (value: string) =
        match value.IndexOf '<', value.IndexOf '>' with
        | start, stop when start >= 0 && stop > start ->
            value.Substring(start + 1, stop - start - 1)
        | _ -> value

    let listen (plain: Plain) =
        for name in [ "record-route"; "contact"; "via"; "path"; "www-authenticate"; "to" ] do
            for value in Plain.values name plain do
                heard.Add value
                heard.Add(within value)
                heard.Add(Sheet.parameter "branch" value)
                heard.Add(Sheet.parameter "tag" value)

                match value.Split("nonce=\"") with
                | [| _; rest |] -> heard.Add(rest.Split('"')[0])
                | _ -> ()

    let remember (flow: Flow) (plain: Plain) =
        if not (plain.Start.StartsWith("SIP/2.0 ", StringComparison.Ordinal)) then
            let line = lines |> Array.tryFindIndex (fun line -> line.Flow = flow)

            if requests.Count > 40 then
                requests.RemoveAt 0

            requests.Add(struct (defaultArg line 0, Plain.toSheet plain))

    let isOpen (hop: Hop) =
        match hop with
        | Hop.Dial _ -> true
        | Hop.Flow flow -> not (Flow.isConnection flow) || live.Contains flow.Connection

    let left (hop: Hop) (bytes: ReadOnlyMemory<byte>) =
        sent <- sent + 1

        if not (isOpen hop) then
            faults.Add "sent on a flow that is gone"

        // A keep-alive, or STUN, is no message.
        if bytes.Length > 0 && bytes.Span[0] > 32uy && judged.Add(Text.ofBytes bytes.Span) then
            let struct (wrong, plain) = Leaving.judge seen bytes

            match wrong with
            | Some words -> faults.Add(words + "\n" + Text.ofBytes bytes.Span)
            | None -> ()

            match hop, plain with
            | Hop.Flow flow, ValueSome plain ->
                listen plain
                remember flow plain
            | Hop.Dial _, ValueSome plain -> listen plain
            | _, ValueNone -> ()

    let measured (work: unit -> 'result) : 'result =
        let before = GC.GetAllocatedBytesForCurrentThread()
        let started = Stopwatch.GetTimestamp()

        try
            work ()
        finally
            ticks <- ticks + Stopwatch.GetTimestamp() - started
            allocated <- allocated + GC.GetAllocatedBytesForCurrentThread() - before

    let take (input: Input) =
        let effects =
            try
                measured (fun () -> ledger.Take(Instant.FromMilliseconds now, input))
            with fault ->
                faults.Add $"{fault}"
                [||]

        for effect in effects do
            match effect with
            | Effect.Send(hop, bytes) -> left hop bytes
            | Effect.Ask question -> asked.Enqueue question
            | Effect.Hand _
            | Effect.Tell _
            | Effect.Note _ -> ()

    let note (text: string) =
        match Plain.read text with
        | ValueNone -> ()
        | ValueSome plain ->
            seen.Lines.UnionWith plain.Lines
            seen.Bodies.Add plain.Body |> ignore

            match Plain.values "content-length" plain with
            | [ length ] ->
                match Int32.TryParse length with
                | true, length when length >= 0 && length < plain.Body.Length ->
                    seen.Bodies.Add(plain.Body.Substring(0, length)) |> ignore
                | _ -> ()
            | _ -> ()

    let arrived (line: Line) (bytes: byte[]) =
        messages <- messages + 1
        note (Text.ofBytes (ReadOnlySpan bytes))
        take (Input.Arrived(line.Flow, ReadOnlyMemory bytes))

    let close (line: Line) =
        if line.IsOpen then
            line.IsOpen <- false
            live.Remove line.Flow.Connection |> ignore
            take (Input.Closed line.Flow)

    let unframed (line: Line) event (bytes: byte[]) =
        note (Text.ofBytes (ReadOnlySpan bytes))
        take (Input.Unframed(line.Flow, event, ReadOnlyMemory bytes))
        close line

    let rec drain (line: Line) =
        let step =
            measured (fun () ->
                Stream.receive rules (Instant.FromMilliseconds now) line.State (Span line.Buffer))

        let item () =
            line.Buffer[step.Offset .. step.Offset + step.Length - 1]

        line.State <- step.State

        match step.Event with
        | StreamEvent.NeedMore -> ()
        | StreamEvent.Message -> arrived line (item ())
        | StreamEvent.Assembled -> arrived line step.Bytes
        | StreamEvent.Write -> ()
        | StreamEvent.Upgraded ->
            line.IsOpen <- true
            take (Input.Opened line.Flow)
        | StreamEvent.Broken
        | StreamEvent.TooLarge -> unframed line step.Event (item ())
        | StreamEvent.CloseAfter -> close line

        line.Buffer <- line.Buffer[step.Consumed ..]

        if step.Event <> StreamEvent.NeedMore && line.IsOpen then
            drain line

    // What one message may have, and a frame's head; more is never kept.
    let most = int Limits.usual.MessageSize + 16384

    let received (line: Line) (bytes: byte[]) =
        line.Buffer <- Array.append line.Buffer bytes

        try
            drain line
        with fault ->
            faults.Add $"{fault}"
            close line

        if line.IsOpen && line.Buffer.Length > most + bytes.Length then
            faults.Add $"{line.Buffer.Length} bytes wait to become a message"

    let connect (line: Line) =
        connections <- connections + 1L
        line.Renew connections
        live.Add connections |> ignore
        line.State <- Stream.accepted rules (Instant.FromMilliseconds now)
        line.Buffer <- [||]

        if Transport.isWebSocket line.Transport then
            line.IsOpen <- true
            received line (Array.copy Frame.handshake)
        else
            line.IsOpen <- true
            take (Input.Opened line.Flow)

        if line.User <> "" then
            take (
                Input.Told(
                    Told.Proven(line.Flow, line.User, Instant.FromMilliseconds(now + 3_600_000L))
                )
            )

    let register (line: Line) =
        if line.User <> "" && variant < 2 then
            take (Input.Restored(line.User + "@example.test", Scene.binding line))

    do
        for line in lines do
            if line.Transport <> Transport.Udp then
                connect line

            register line

    let pass (milliseconds: int64) =
        let until = now + milliseconds

        while ledger.Wake.Milliseconds <= until do
            now <- max now ledger.Wake.Milliseconds
            take Input.Tick

        now <- until

    /// What has been heard from the server.
    member _.Heard = heard

    member _.Lines = lines
    member _.Variant = variant

    /// Requests that the server has sent, with the line that each went to.
    member _.Requests = requests

    /// Whether a question waits to be answered.
    member _.IsAsked = asked.Count > 0

    member _.Ticks = ticks
    member _.Allocated = allocated
    member _.Messages = messages
    member _.Sent = sent

    /// What was wrong so far.
    member _.Faults: string list = List.ofSeq faults

    /// Does a step.
    member _.Do(step: Step) : unit =
        match step with
        | Step.Bytes(line, bytes) when lines[line].Transport = Transport.Udp ->
            arrived lines[line] bytes
        | Step.Bytes(line, bytes) ->
            if not lines[line].IsOpen then
                connect lines[line]

            received lines[line] (Array.copy bytes)
        | Step.Wait milliseconds -> pass milliseconds
        | Step.Break line when lines[line].Transport <> Transport.Udp ->
            close lines[line]
            connect lines[line]
            register lines[line]
        | Step.Break _ -> ()
        | Step.Resolve seed ->
            match asked.TryDequeue() with
            | true, question ->
                let dice = Luck seed
                let life = int64 (dice.Below 100) * 1L<s>
                take (Input.Answered(question, Scene.answer dice question, life))
            | false, _ -> ()

    /// More than an hour goes by, after which nothing may be held any more.
    member _.End() : unit =
        pass 4_000_000L

        if ledger.Held > 0 then
            faults.Add $"{ledger.Held} entities are held for ever"
