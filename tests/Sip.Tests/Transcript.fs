// Transcript: runs the text files of `transcripts/` against a ledger. They say who is connected how,
// what each sends, and all that each gets: a message that is not written there is a failure. In what
// is got `{name}` stands for any text when first met and for the same text ever after.

module Sip.Tests.Transcript

open System
open System.Collections.Generic
open System.IO
open System.Text.RegularExpressions
open Expecto
open Sip
open Sip.Wire
open Sip.Edge
open Sip.Registrar
open Sip.Routing
open Sip.Transactions
open Sip.Identity

/// One line of a transcript, with the message that stands under it.
[<RequireQualifiedAccess>]
type Step =
    | Connect of Who: string * Transport: string * Address: string
    /// It registered before, with this contact.
    | Registered of Who: string * Contact: string
    | Sends of Who: string * Message: string list
    | Gets of Who: string * Message: string list
    | Leaves of Who: string
    | After of Milliseconds: int64

let private words (line: string) =
    line.Split(' ', StringSplitOptions.RemoveEmptyEntries) |> List.ofArray

let private isIndented (line: string) =
    line.StartsWith("    ", StringComparison.Ordinal)

let rec private steps (lines: string list) : Step list =
    let message rest =
        let block = rest |> List.takeWhile (fun line -> isIndented line || line = "")

        let text =
            block |> List.map (fun line -> if line = "" then "" else line.Substring 4)

        let last = text |> List.findIndexBack (fun line -> line <> "")
        let whole = List.truncate (last + 1) text
        List.skipWhile (fun line -> line = "") whole, List.skip block.Length rest

    match lines with
    | [] -> []
    | line :: rest when line = "" || line.StartsWith '#' -> steps rest
    | line :: rest ->
        match words line with
        | [ who; "is"; "registered"; contact ] -> Step.Registered(who, contact) :: steps rest
        | [ who; "is"; transport; address ] -> Step.Connect(who, transport, address) :: steps rest
        | [ who; "sends" ] ->
            let text, rest = message rest
            Step.Sends(who, text) :: steps rest
        | [ who; "gets" ] ->
            let text, rest = message rest
            Step.Gets(who, text) :: steps rest
        | [ who; "leaves" ] -> Step.Leaves who :: steps rest
        | [ "after"; count; "ms" ] -> Step.After(int64 count) :: steps rest
        | [ "after"; count; "s" ] -> Step.After(1000L * int64 count) :: steps rest
        | _ -> failtest ("no line of a transcript: " + line)

let private listener index transport port : Listener =
    {
        Id = ListenerId index
        Transport = transport
        Bound =
            {
                Address = Address.ofV4 0x7F000001u
                Port = port
            }
        AdvertisedHost = Host.Name "proxy.example.com"
        AdvertisedPort = port
        Admits = Admits.Anybody
    }

let private realm: Realm =
    {
        Domains = [ "example.com" ]
        Listeners =
            [|
                listener 0 Transport.Udp 5060
                listener 1 Transport.Tcp 5060
                listener 2 Transport.Tls 5061
                listener 3 Transport.Ws 80
                listener 4 Transport.Wss 443
            |]
        Peers = []
        Home = ValueNone
        Barred = []
        Metering = Sip.Identity.Metering.usual
        Bearing = Identity.Bearing.Nowhere
        Algorithms = Identity.Algorithm.usual
        Admittance = Admittance.Authenticated
        Inbound = Inbound.Known
        Limits = Limits.usual
        Secret = Array.init 32 byte
        Node = 0u
        Epoch = 1UL
        Born = 1_800_000_000L<s>
    }

let private flow (number: int) (transport: string) (address: string) : Flow =
    let transport = (Transport.tryWord transport).Value
    let colon = address.LastIndexOf ':'

    match Host.tryRead (address.Substring(0, colon)) with
    | ValueSome(Host.Address host) ->
        {
            Listener =
                (Array.find (fun (one: Listener) -> one.Transport = transport) realm.Listeners).Id
            Transport = transport
            Connection = if transport = Transport.Udp then 0L else int64 number
            Remote =
                {
                    Address = host
                    Port = int (address.Substring(colon + 1))
                }
        }
    | ValueSome(Host.Name _)
    | ValueNone -> failtest (address + " is no address")

let private digest = Regex @"^([\w-]+): \{digest (\w+)\}$"
let private hole = Regex @"\{(\w+)\}"

/// A transcript being run.
type private Stage() =
    let ledger = Ledger(realm, Timing.usual, Policy.standard)
    let flows = Dictionary<string, Flow>()
    let boxes = Dictionary<string, Queue<string list>>()
    let known = Dictionary<string, string>()
    let challenges = Dictionary<string, string>()
    let mutable now = 0L

    let put (effects: Effect seq) =
        for effect in effects do
            match effect with
            | Effect.Hand _
            | Effect.Tell _
            | Effect.Ask _
            | Effect.Note _ -> ()
            | Effect.Send(hop, bytes) ->
                let text = Text.ofBytes bytes.Span
                let lines = text.TrimEnd('\r', '\n').Split "\r\n" |> List.ofArray

                match Seq.tryFind (fun (KeyValue(_, flow)) -> hop = Hop.Flow flow) flows with
                | Some(KeyValue(who, _)) -> boxes[who].Enqueue lines
                | None -> failtest ("the server sent to nobody:\n" + text)

    let take (input: Input) =
        put (ledger.Take(Instant.FromMilliseconds now, input))

    let nothingLeft () =
        for KeyValue(who, box) in boxes do
            if box.Count > 0 then
                failtest (who + " also got:\n" + String.Join("\n", box.Peek()))

    let filled (line: string) =
        hole.Replace(line, fun (found: Match) -> known[found.Groups[1].Value])

    let credentials (who: string) (user: string) (start: string) =
        let parts = start.Split ' '

        match Challenge.read challenges[who] with
        | Ok(Demand.Digest challenge) ->
            let login =
                {
                    Username = user
                    Ha1 = Ha1.ofPassword Algorithm.Md5 "example.com" user "secret"
                }

            Digest.answer login parts[0] parts[1] (NonceCount.ofNumber 1u) "0a4f113b" challenge
            |> Credentials.print
        | Ok(Demand.OtherScheme _)
        | Error _ -> failtest (who + " was not challenged")

    let sends (who: string) (message: string list) =
        nothingLeft ()

        let written (line: string) =
            match digest.Match line with
            | found when found.Success ->
                let proof = credentials who found.Groups[2].Value (filled message.Head)
                String.Concat(found.Groups[1].Value, ": ", proof)
            | _ -> filled line

        let text = String.Join("\r\n", List.map written message)
        let text = if text.Contains "\r\n\r\n" then text else text + "\r\n\r\n"
        take (Input.Arrived(flows[who], ReadOnlyMemory(Text.toBytes text)))

    /// Whether a line is what is written, learning what its holes stand for.
    let matches (written: string) (got: string) =
        let names = [ for found in hole.Matches written -> found.Groups[1].Value ]
        let parts = hole.Split written

        let pattern =
            parts
            |> Array.mapi (fun index part ->
                if index % 2 = 0 then
                    Regex.Escape part
                else
                    match known.TryGetValue part with
                    | true, value -> Regex.Escape value
                    | false, _ -> String.Concat("(?<", part, ">[^;,<> \"]+)"))
            |> String.Concat

        let found = Regex.Match(got, String.Concat("^", pattern, "$"))

        if found.Success then
            for name in names do
                if not (known.ContainsKey name) then
                    known[name] <- found.Groups[name].Value

        found.Success

    let gets (who: string) (message: string list) =
        if boxes[who].Count = 0 then
            failtest (String.Concat(who, " got nothing, not\n", String.Join("\n", message)))

        let got = boxes[who].Dequeue()

        for line in got do
            if line.Contains "-Authenticate: " && line.Contains "MD5" then
                challenges[who] <- line.Substring(line.IndexOf ' ' + 1)

        let same = got.Length = message.Length && List.forall2 matches message got

        if not same then
            let lines = String.Join("\n", got)
            failtest (String.Concat(who, " got\n", lines, "\n\nnot\n", String.Join("\n", message)))

    let rec pass (until: int64) =
        let wake = ledger.Wake

        if wake <> Instant.Never && wake.Milliseconds <= until then
            now <- max now wake.Milliseconds
            take Input.Tick
            pass until
        else
            now <- until

    let registered (who: string) (contact: string) =
        let all = Text.toBytes contact
        let whole = Slice.between 0 all.Length

        match UriView.read (ReadOnlySpan all) whole with
        | ValueSome view ->
            let binding: Binding =
                {
                    Contact = NameAddr.ofUri (UriView.toUri (ReadOnlySpan all) view).Value
                    CallId = who
                    CSeq = 1u
                    Expires = Instant.FromMilliseconds 3_600_000L
                    Quality = 1000
                    Flow = flows[who]
                    Path = []
                    Instance = ValueNone
                    RegId = ValueNone
                }

            // Two phones of one user are told apart by a number: bob, bob2.
            let user = who.TrimEnd([| '0' .. '9' |])
            take (Input.Restored(user + "@example.com", binding))
        | ValueNone -> failtest (contact + " is no URI")

    member _.Perform(step: Step) =
        match step with
        | Step.Connect(who, transport, address) ->
            let flow = flow (flows.Count + 1) transport address
            flows[who] <- flow
            boxes[who] <- Queue()
            take (Input.Enrolled(Subscriber.enroll "example.com" who "secret"))

            if Flow.isConnection flow then
                take (Input.Opened flow)
        | Step.Registered(who, contact) -> registered who contact
        | Step.Sends(who, message) -> sends who message
        | Step.Gets(who, message) -> gets who message
        | Step.Leaves who ->
            nothingLeft ()
            take (Input.Closed flows[who])
        | Step.After milliseconds ->
            nothingLeft ()
            pass (now + milliseconds)

    member _.End() = nothingLeft ()

let private run (path: string) =
    let stage = Stage()
    List.iter stage.Perform (steps (List.ofArray (File.ReadAllLines path)))
    stage.End()

/// Every transcript, by the name of its file.
let all =
    let folder = Path.Combine(AppContext.BaseDirectory, "transcripts")

    testList
        "Transcripts"
        [
            for path in Array.sort (Directory.GetFiles(folder, "*.txt")) do
                testCase (Path.GetFileName path |> string) <| fun () -> run path
        ]
