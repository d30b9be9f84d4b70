// Verdict: what a message may lead to at the live server, and the judging: it is sent on a line of
// its own, its outcome is awaited, and then the line (or a new one, where framing demands an end)
// must still answer.

namespace Sip.Sockets

open System
open System.Collections.Concurrent
open System.Net
open System.Text.RegularExpressions
open System.Threading.Tasks
open Expecto

/// What may come of a message.
[<RequireQualifiedAccess>]
type Outcome =
    /// The server answers with one of these.
    | Answered of Statuses: int list
    /// It goes on to the phone that it is for, whose answer comes back.
    | Reached
    /// Registered: the 200 lists this contact.
    | Registered of Contact: string
    /// Nothing comes back.
    | Ignored
    /// The server answers with this and closes the stream.
    | Closed of Status: int
    /// The server closes the stream without an answer.
    | Ended

/// A message with its outcomes by transport.
type Verdict =
    {
        Name: string
        Message: byte[]
        /// What a stream needs besides, because the message itself does not end.
        Rest: byte[]
        On: string -> Outcome list
    }

/// A phone that answers whatever reaches it with 499, and keeps what came by Call-ID.
[<Sealed>]
type Catcher(phone: Phone) =
    let caught = ConcurrentDictionary<string, Said>()

    let answer (said: Said) : Task =
        if Said.status said = 0 && Said.method said <> "ACK" then
            caught[Said.one "Call-ID" said] <- said
            phone.Answer(said, 499, "Reached", [], [||])
        else
            Task.CompletedTask

    let rec loop () : Task =
        task {
            match! phone.Line.Await() with
            | ValueSome bytes ->
                do! answer (Said.read bytes)
                return! loop ()
            | ValueNone -> ()
        }

    /// Begins to answer.
    member _.Start() = loop () |> ignore

    /// What came with this Call-ID.
    member _.With(callId: string) : Said =
        match caught.TryGetValue callId with
        | true, said -> said
        | false, _ -> failwith $"nothing with Call-ID {callId} reached the phone"

/// Judging.
[<RequireQualifiedAccess>]
module Verdict =

    let transports = [ "udp"; "tcp"; "ws" ]

    let private callIdLine =
        Regex(@"(?<=\n)(Call-ID|i)([ \t]*:[ \t]*)", RegexOptions.IgnoreCase)

    let private branch = Regex @"branch\s*=\s*z9hG4bK(?=[^\s;,])"

    /// The message under names of its own, so that it is no retransmission of another test's.
    let private renamed (message: byte[]) (mark: string) : byte[] =
        let text = callIdLine.Replace(Said.text message, "$1${2}" + mark + ".", 1)
        Said.bytes (branch.Replace(text, "${0}" + mark, 1))

    let private bodyOf (message: byte[]) : byte[] =
        let text = Said.text message
        message[text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4 ..]

    // §17.1.1.3: the ACK of a refused INVITE carries the INVITE's own names.
    let private acknowledge (line: Line) (message: byte[]) : Task =
        let text = Said.text message

        if text.StartsWith("INVITE ", StringComparison.Ordinal) then
            let renamed = Regex.Replace(text, @"\bINVITE(?=[ \r])", "ACK")
            line.Send(Said.bytes renamed)
        else
            Task.CompletedTask

    let rec private final (line: Line) : Task<Said> =
        task {
            let! bytes = line.Receive()
            let said = Said.read bytes

            if Said.status said = 100 then
                return! final line
            else
                return said
        }

    let private reached (catcher: Catcher) (sent: byte[]) (answer: Said) =
        Expect.equal (Said.status answer) 499 answer.Start
        let came = catcher.With(Said.one "Call-ID" answer)
        let body = bodyOf sent

        let length =
            Said.all "Content-Length" came
            |> List.tryHead
            |> Option.map int
            |> Option.defaultValue body.Length

        Expect.equal came.Body body[.. length - 1] "the body byte for byte"

    let private ended (line: Line) : Task<unit> =
        task {
            let! how = Waiting.upTo "the end of the stream" line.Ended
            Expect.equal how (End.Closed 0) "in order"
        }

    let private judge
        (catcher: Catcher)
        (line: Line)
        (sent: byte[])
        (outcome: Outcome)
        : Task<unit> =
        task {
            match outcome with
            | Outcome.Ignored -> ()
            | Outcome.Answered statuses ->
                let! said = final line
                Expect.contains statuses (Said.status said) said.Start
            | Outcome.Registered contact ->
                let! said = final line
                Expect.equal (Said.status said) 200 said.Start

                Expect.exists
                    (Said.all "Contact" said)
                    (fun value -> value.Contains(contact, StringComparison.Ordinal))
                    $"the 200 lists {contact}"
            | Outcome.Reached ->
                let! said = final line
                reached catcher sent said
                do! acknowledge line sent
            | Outcome.Closed status ->
                let! said = final line
                Expect.equal (Said.status said) status said.Start
                do! ended line
            | Outcome.Ended -> do! ended line
        }

    /// The test of a message on a transport.
    let test (lab: Laboratory) (catcher: Catcher) (verdict: Verdict) (transport: string) : Test =
        testCaseTask $"{verdict.Name}, on {transport}"
        <| fun () ->
            task {
                use! line = Line.connect transport (Laboratory.place lab transport)
                let mark = Guid.NewGuid().ToString("N").Substring(0, 12)
                let message = renamed verdict.Message mark

                let sent =
                    if transport = "tcp" then
                        Array.append message verdict.Rest
                    else
                        message

                do! line.Send sent

                for outcome in verdict.On transport do
                    do! judge catcher line sent outcome

                if line.Ended.IsCompleted then
                    use! next = Line.connect transport (Laboratory.place lab transport)
                    do! Laboratory.stillAnswers lab next
                else
                    do! Laboratory.stillAnswers lab line
            }
