// Strangers: a server that is open to the internet, and those who come to it without a proof, by every transport, with
// every method, to every place.

module Sip.Properties.World.Strangers

open System
open Sip
open Sip.Edge
open Sip.Registrar
open Sip.Routing
open Sip.Transactions
open Sip.Properties

/// A flow of somebody there.
let flow (transport: Transport) (address: uint32) (port: int) : Flow =
    Ground.flow transport (int64 port) (Address.ofV4 address) port

/// Where Bob is.
let phone = flow Transport.Udp 0xCB007105u 5062

/// A stranger by each transport.
let strangers =
    Ground.transports
    |> List.mapi (fun i transport -> flow transport 0xCB0071F0u (41000 + i))

/// A server of this realm, with the strangers' connections and these bindings.
let ledgerOf (realm: Realm) (bindings: (string * Binding) list) : Ledger =
    let ledger = Ledger(realm, Timing.usual, Policy.standard)

    for stranger in strangers do
        if Flow.isConnection stranger then
            ledger.Take(Ground.at 0L, Input.Opened stranger) |> ignore

    for aor, binding in bindings do
        ledger.Take(Ground.at 0L, Input.Restored(aor, binding)) |> ignore

    ledger

let private bob =
    [
        "bob@example.test", Ground.binding (Uri.ofUser "q" (Host.Name "x.invalid")) phone
    ]

/// Where Bob is bound, and only users may call.
let ledger () = ledgerOf Ground.realm bob

/// Where Bob is bound and may be called by anybody.
let welcoming () =
    ledgerOf
        { Ground.realm with
            Inbound = Inbound.Anybody
        }
        bob

/// What comes of a message.
let take (ledger: Ledger) (time: int64) (from: Flow) (text: string) : Effect list =
    List.ofSeq (ledger.Take(Ground.at time, Input.Arrived(from, ReadOnlyMemory(Text.toBytes text))))

/// A request in the name of Alice, with this To tag and these fields more.
let text method uri (number: int) dest (more: string list) =
    String.Join(
        "\r\n",
        [
            String.concat " " [ method; uri; "SIP/2.0" ]
            "Via: SIP/2.0/UDP 203.0.113.240:41000;branch=z9hG4bK" + string number
            "Max-Forwards: 70"
            "From: <sip:alice@example.test>;tag=i"
            "To: <sip:bob@example.test>" + dest
            "Call-ID: " + string number
            "CSeq: 1 " + method
            "Contact: <sip:evil@203.0.113.240:41000>"
        ]
        @ more
        @ [ "Content-Length: 0"; ""; "" ]
    )

/// The same from somebody who is no user of ours and does not say so.
let foreign (message: string) =
    message.Replace("<sip:alice@example.test>", "<sip:eve@elsewhere.example>")

/// Every method that there is, and many that there are not.
let methods =
    [
        "INVITE"
        "ACK"
        "BYE"
        "CANCEL"
        "OPTIONS"
        "REGISTER"
        "PRACK"
        "SUBSCRIBE"
        "NOTIFY"
        "PUBLISH"
        "INFO"
        "REFER"
        "MESSAGE"
        "UPDATE"
    ]
    @ List.init 200 (fun number -> "NOVEL-" + string number)

/// A Request-URI and the Routes, of every kind that leads somewhere.
let ways =
    [
        "sip:bob@example.test", []
        "sip:bob@example.test;maddr=192.0.2.9", []
        "sip:bob@example.test;alias=AAAA", []
        "sip:bob@example.test;alias=203.0.113.5~5062~1", []
        "sip:+15551234@trunk.example.net", []
        "sip:+15551234@192.0.2.100:5060", []
        "sip:x@203.0.113.77", []
        "sip:x@203.0.113.77;transport=tcp", []
        "sip:x@elsewhere.example", []
        "sip:x@127.0.0.1:9", []
        "sip:x@[::1]:5060", []
        "sip:x@[::ffff:127.0.0.1]:9", []
        "sip:x@0.0.0.0", []
        "sip:q@x.invalid;transport=ws", []
        "sips:bob@example.test", []
        "sip:bob@example.test", [ "Route: <sip:203.0.113.77;lr>" ]
        "sip:bob@example.test", [ "Route: <sip:192.0.2.100:5060;lr>" ]
        "sip:bob@example.test", [ "Route: <sip:elsewhere.example;lr>" ]
        "sip:bob@example.test", [ "Route: <sip:AAAA@edge.example.test:5060;lr;ob>" ]
        "sip:bob@elsewhere.example", [ "Route: <sip:edge.example.test:5060;lr>" ]
    ]

/// An ACK to a configured trunk cannot be challenged and is let through where no connection tells who sends it.
let isExempt method dest (from: Flow) (uri: string, routes: string list) =
    let leadsToTrunk =
        uri.Contains "trunk.example.net"
        || uri.Contains "192.0.2.100"
        || List.exists (fun (route: string) -> route.Contains "192.0.2.100") routes

    method = "ACK" && dest <> "" && from.Transport = Transport.Udp && leadsToTrunk

/// Whether anything goes to anybody but who sent it, or is looked up for that.
let relayed (from: Flow) (effects: Effect list) =
    effects
    |> List.exists (fun effect ->
        match effect with
        | Effect.Send(Hop.Flow there, bytes) ->
            there <> from || not (bytes.Span.StartsWith "SIP/2.0 "B)
        | Effect.Send(Hop.Dial _, _)
        | Effect.Ask _ -> true
        | Effect.Hand _
        | Effect.Tell _
        | Effect.Note _ -> false)

/// The messages to that flow.
let sheetsTo (flow: Flow) (effects: Effect list) =
    Sends.texts effects
    |> List.filter (fun (hop, _) -> hop = Hop.Flow flow)
    |> List.map (snd >> Sheet.read)
