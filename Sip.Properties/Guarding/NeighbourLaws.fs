// NeighbourLaws: overload control between a ledger and its configured peers (RFC 7339): what they ask is obeyed, what we ask
// is said to them, and nobody else takes part.

module Sip.Properties.Guarding.NeighbourLaws

open System
open Expecto
open Sip
open Sip.Edge
open Sip.Registrar
open Sip.Routing
open Sip.Transactions
open Sip.Properties

let private at milliseconds = Instant.FromMilliseconds milliseconds

let private udp (address: uint32) : Flow =
    {
        Listener = ListenerId 0
        Transport = Transport.Udp
        Connection = 0L
        Remote =
            {
                Address = Address.ofV4 address
                Port = 5060
            }
    }

let private trunk = udp 0xC0000264u
let private phone = udp 0xCB007105u
let private caller = udp 0xCB007106u

let private binding: Binding =
    {
        Contact = NameAddr.ofUri (Uri.Sip(Uri.ofUser "q" (Host.Name "x.invalid")))
        CallId = "r"
        CSeq = 1u
        Expires = at 3_600_000L
        Quality = 1000
        Flow = phone
        Path = []
        Instance = ValueNone
        RegId = ValueNone
    }

/// A ledger at which bob is registered, and who may use it.
type private Scene(admittance: Admittance) =
    let ledger =
        Ledger(
            { Ground.realm with
                Admittance = admittance
            },
            Timing.usual,
            Policy.standard
        )

    do ledger.Take(at 0L, Input.Restored("bob@example.test", binding)) |> ignore
    let mutable number = 0

    member _.Ledger = ledger

    member _.Say(now: int64, from: Flow, text: string) : (Hop * string) list =
        ledger.Take(at now, Input.Arrived(from, ReadOnlyMemory(Text.toBytes text)))
        |> Sends.texts

    /// A request with these Via parameters and this To tag.
    member this.Ask
        (now: int64, from: Flow, method: string, uri: string, via: string, dest: string, more)
        =
        number <- number + 1

        this.Say(
            now,
            from,
            String.Join(
                "\r\n",
                [
                    String.concat " " [ method; uri; "SIP/2.0" ]
                    $"Via: SIP/2.0/UDP 203.0.113.6;branch=z9hG4bKn%d{number}%s{via}"
                    "Max-Forwards: 70"
                    "From: <sip:carol@example.test>;tag=i"
                    "To: <sip:bob@example.test>" + dest
                    $"Call-ID: n%d{number}"
                    "CSeq: 1 " + method
                ]
                @ more
                @ [ "Content-Length: 0"; ""; "" ]
            )
        )

let private abroad = "sip:+15551234@192.0.2.100:5060"

let private topVia (text: string) =
    text.Split "\r\n" |> Array.find (fun line -> line.StartsWith "Via:")

let private toFlow flow sent =
    sent |> List.filter (fun (hop, _) -> hop = Hop.Flow flow) |> List.map snd

let private status (text: string) = text.Substring(8, 3)

/// The answer to a request, as its last server would write it.
let private answer (status: string) (edit: string -> string) (request: string) : string =
    let copied =
        request.Split "\r\n"
        |> Array.filter (fun line ->
            [ "Via:"; "From:"; "Call-ID:"; "CSeq:" ] |> List.exists line.StartsWith)
        |> Array.map edit

    let dest = request.Split "\r\n" |> Array.find (fun line -> line.StartsWith "To:")

    String.Join("\r\n", Array.append [| "SIP/2.0 " + status |] copied)
    + "\r\n"
    + dest
    + ";tag=b\r\nContent-Length: 0\r\n\r\n"

let private offer = ";oc;oc-algo=\"loss\""

/// Has the trunk ask for that, by its answer to a first request.
let private ask (scene: Scene) (now: int64) (parameters: string) =
    let first =
        scene.Ask(now, caller, "MESSAGE", abroad, "", "", [])
        |> toFlow trunk
        |> List.exactlyOne

    scene.Say(now, trunk, answer "200 OK" _.Replace(offer, parameters) first)
    |> ignore

let private offers =
    testCase "our Via offers overload control to peers and to nobody else"
    <| fun () ->
        let scene = Scene Admittance.UnsafeOpen

        let towards flow uri =
            scene.Ask(1L, caller, "MESSAGE", uri, "", "", []) |> toFlow flow

        let abroad = towards trunk abroad |> List.exactlyOne |> topVia
        Expect.stringEnds abroad offer "to the trunk"
        let home = towards phone "sip:bob@example.test" |> List.exactlyOne
        Expect.isFalse (home.Contains ";oc") "to a phone"

let private obeys =
    testCase
        "of the requests to a peer that asks for fewer as many stay as it asks: with 503 and without Retry-After, and none that is under way or an emergency while that suffices"
    <| fun () ->
        let marked = [ "Resource-Priority: esnet.0" ]

        for loss in [ 0; 10; 35; 60 ] do
            let scene = Scene Admittance.UnsafeOpen
            ask scene 1L $";oc=%d{loss};oc-algo=\"loss\";oc-validity=60000;oc-seq=7.1"

            let say from dest more =
                scene.Ask(2L, from, "MESSAGE", abroad, "", dest, more)

            let lots =
                [
                    for i in 1..250 do
                        for _ in 1..3 do
                            "new", say caller "" []

                        "under way", say caller ";tag=b" []

                        if i % 10 = 0 then
                            "emergency", say trunk "" marked
                ]

            let isGone (_, sent) =
                toFlow trunk sent
                |> List.exists (fun (text: string) -> text.StartsWith "MESSAGE")

            let stays = lots |> List.filter (isGone >> not)
            let share = float stays.Length / float lots.Length * 100.0
            Expect.isLessThan (abs (share - float loss)) 8.0 "the share"
            Expect.equal scene.Ledger.Withheld (int64 stays.Length) "counted"

            for kind, sent in stays do
                Expect.equal kind "new" "the least urgent"

                for _, text in sent do
                    Expect.equal (status text) "503" "refused"
                    Expect.isFalse (text.Contains "Retry-After") "and not kept away"

let private ends =
    testCase
        "a peer that asks for nothing to come is asked nothing until its time is over or it says so"
    <| fun () ->
        let scene = Scene Admittance.UnsafeOpen

        let goes now =
            not (scene.Ask(now, caller, "MESSAGE", abroad, "", "", []) |> toFlow trunk).IsEmpty

        Expect.isTrue (goes 1L) "before"
        ask scene 1L ";oc=100;oc-algo=\"loss\";oc-validity=1000;oc-seq=7.1"
        Expect.isFalse (goes 2L) "meanwhile"
        Expect.isFalse (goes 1000L) "until the end"
        Expect.isTrue (goes 1001L) "after it"

let private theirs =
    testCase
        "a peer that takes part is told what we ask in its Via, and nothing that a called client wrote there"
    <| fun () ->
        let scene = Scene Admittance.Authenticated

        let sent =
            scene.Ask(
                1L,
                trunk,
                "MESSAGE",
                "sip:bob@example.test",
                ";oc;oc-algo=\"A,loss\"",
                "",
                []
            )

        let asked = toFlow phone sent |> List.exactlyOne
        Expect.isFalse (asked.Contains "oc") "the client sees nothing of it"

        let forged =
            answer
                "200 OK"
                (fun line ->
                    if line.Contains "203.0.113.6" then
                        line + "; oc=100 ;oc-validity=99999;oc-seq=9.9;OC-Algo=\"loss\""
                    else
                        line)
                asked

        let told = scene.Say(2L, phone, forged) |> toFlow trunk |> List.exactlyOne |> topVia

        Expect.stringContains
            told
            ";oc=0;oc-algo=\"loss\";oc-validity=0;oc-seq=1800000000.00100"
            "ours"

        Expect.equal (told.Split(";oc=").Length) 2 "once"
        Expect.isFalse (told.Contains "99999" || told.Contains "9.9") "not theirs"

        let own = scene.Ask(3L, trunk, "OPTIONS", "sip:example.test", offer, "", [])

        Expect.stringContains
            (toFlow trunk own |> List.exactlyOne |> topVia)
            ";oc=0;"
            "our own answers, too"

        let silent = scene.Ask(3L, trunk, "OPTIONS", "sip:example.test", "", "", [])

        Expect.isFalse
            ((toFlow trunk silent |> List.exactlyOne).Contains "oc")
            "who says nothing hears nothing"

        let rate =
            scene.Ask(3L, trunk, "OPTIONS", "sip:example.test", ";oc;oc-algo=\"rate\"", "", [])

        Expect.isFalse
            ((toFlow trunk rate |> List.exactlyOne).Contains "oc")
            "nor who knows no scheme of ours"

let private strangers =
    testCase "what a stranger writes of overload is taken off and counts for nothing"
    <| fun () ->
        let scene = Scene Admittance.UnsafeOpen
        let via = ";oc;oc-algo=\"loss\";oc-validity=1;oc-seq=1.1"
        let asked = scene.Ask(1L, caller, "MESSAGE", "sip:bob@example.test", via, "", [])
        Expect.isFalse ((toFlow phone asked |> List.exactlyOne).Contains "oc") "forwarded"
        let own = scene.Ask(1L, caller, "OPTIONS", "sip:example.test", via, "", [])
        Expect.isFalse ((toFlow caller own |> List.exactlyOne).Contains "oc") "answered"

        // Bob is no peer: what he asks for keeps nothing from him.
        let forged =
            answer
                "200 OK"
                (fun line -> line + ";oc=100;oc-validity=99999;oc-seq=9.9")
                (toFlow phone asked |> List.exactlyOne)

        scene.Say(2L, phone, forged) |> ignore
        let next = scene.Ask(3L, caller, "MESSAGE", "sip:bob@example.test", "", "", [])
        Expect.isNonEmpty (toFlow phone next) "still sent"

let private pressed =
    testCase
        "under load a peer that takes part is asked for fewer, and refused without Retry-After; a stranger is not"
    <| fun () ->
        let scene = Scene Admittance.UnsafeOpen
        let load = scene.Ledger.Load
        scene.Ask(0L, trunk, "OPTIONS", "sip:example.test", offer, "", []) |> ignore

        for i in 0L .. 100L do
            load.Waited(at (i * 5L), 150L<ms>, 0)

        let refused from via now =
            scene.Ask(now, from, "MESSAGE", "sip:bob@example.test", via, "", [])
            |> toFlow from
            |> List.exactlyOne

        let first = refused trunk offer 501L
        Expect.equal (status first) "503" "refused"
        Expect.isFalse (first.Contains "Retry-After") "but not kept away"
        Expect.isTrue ((refused caller "" 501L).Contains "Retry-After") "a client comes back later"

        let told =
            scene.Ask(1002L, trunk, "MESSAGE", "sip:bob@example.test", offer, ";tag=x", [])

        let answered =
            scene.Ask(1003L, trunk, "OPTIONS", "sip:example.test", offer, ";tag=y", [])

        Expect.isNonEmpty told "what is under way is worked on"
        let via = toFlow trunk answered |> List.exactlyOne |> topVia

        Expect.stringContains
            via
            ";oc=95;oc-algo=\"loss\";oc-validity=1000;"
            "as many as were refused"

/// Every law.
let all: Test =
    testList "Neighbours (RFC 7339)" [ offers; obeys; ends; theirs; strangers; pressed ]
