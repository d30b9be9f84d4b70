// EmergencyLaws: while new calls are refused, those that a peer has marked are not (RFC 4412), and a mark of anybody
// else's is worth nothing.

module Sip.Properties.Guarding.EmergencyLaws

open Expecto
open FsCheck.FSharp
open Sip
open Sip.Guarding
open Sip.Routing
open Sip.Edge
open Sip.Properties

let private peer = Visitors.Flow(0xC0000264u, 0L)

/// A ledger at which Bob is registered and answers nothing, where everything has waited so long for long enough.
let private loaded (waited: int64<ms>) =
    let visitors = Visitors.WithBob Bound.usual
    visitors.Opens(0L, Narrow.connected)
    visitors.Waits waited
    visitors

let private call (visitors: Visitors) flow mark =
    visitors.Ask(
        2000L,
        flow,
        "INVITE",
        "alice",
        "sip:bob@example.test",
        mark + "Contact: <sip:a@192.0.2.9>\r\n"
    )

let private reaches (sent: string list) =
    sent |> List.exists (fun text -> text.StartsWith "INVITE ")

let private isRefused (sent: string list) =
    not (reaches sent) && sent |> List.forall _.StartsWith("SIP/2.0 503")

let private marks =
    Gen.map2
        (fun name value -> name + value + "\r\n")
        (Gen.elements
            [
                "Resource-Priority: "
                "resource-priority:"
                "RESOURCE-PRIORITY : "
                "Resource-priority\t:"
            ])
        (Gen.elements [ "esnet.0"; "ets.1, wps.3"; "q735.0" ])

let private believed =
    Law.holds
        "while new calls are refused, one that a peer has marked reaches whom it is for, and the same mark of a stranger's is worth nothing"
        (Gen.zip marks (Gen.choose (100, 999)) |> Arb.fromGen)
    <| fun (mark, waited) ->
        let visitors = loaded (int64 waited * 1L<ms>)

        isRefused (call visitors peer "")
        && reaches (call visitors peer mark)
        && isRefused (call visitors Narrow.udp mark)
        && isRefused (call visitors Narrow.connected mark)
        && isRefused (call visitors peer ("X-" + mark))

/// Every law.
let all: Test = testList "Emergency calls" [ believed ]
