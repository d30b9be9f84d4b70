// ForwardLaws: what a request gains and loses where it goes on, and the response to it where it comes back
// (RFC 3261 §16.6, §16.7).

module Sip.Properties.ForwardLaws

open System
open Expecto
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Properties.Crossing

/// Every law.
let all: Test =
    testList
        "Routing"
        [
            Law.holds "every forwarded request says its breadth once" Ground.twoFlows
            <| fun (came, leaves) ->
                [ ""; "Max-Breadth: 70\r\n"; "max-breadth:5\r\n"; "Max-Breadth:\r\n" ]
                |> List.forall (fun line ->
                    let asked = edited _.Replace("Contact:", line + "Contact:")
                    texts HeaderName.MaxBreadth (forwarded came leaves asked) = [ "60" ])

            Law.holds "every forwarded request carries exactly one Via more" Ground.twoFlows
            <| fun (came, leaves) ->
                let before = request "sip:bob@example.test" []
                let after = forwarded came leaves before

                List.length (texts HeaderName.Via after) =
                    List.length (texts HeaderName.Via before) + 1

            Law.holds "a request is stamped with the source it came from" Ground.twoFlows
            <| fun (came, leaves) ->
                let after = forwarded came leaves (request "sip:bob@example.test" [])
                let second = texts HeaderName.Via after |> List.item 1

                second.EndsWith(
                    ";keep;received="
                    + Address.print came.Remote.Address
                    + ";rport="
                    + string came.Remote.Port,
                    StringComparison.Ordinal
                )

            Law.holds "a field that no step names leaves byte for byte" Ground.twoFlows
            <| fun (came, leaves) ->
                let after = forwarded came leaves (request "sip:bob@example.test" [])
                (Text.ofBytes after.Bytes).Contains "\r\nX-Kept:  as  it is\r\n"

            Law.holds
                "a response that comes back has one Via less, and it is the client's"
                Ground.twoFlows
            <| fun (came, leaves) ->
                let asked = forwarded came leaves (request "sip:bob@example.test" [])
                let back = returned leaves came (answered leaves asked)
                texts HeaderName.Via back = List.tail (texts HeaderName.Via asked)

            Law.holds
                "a client sees its own Contact in the Request-URI, without our alias"
                Ground.twoFlows
            <| fun (came, leaves) ->
                let contact = "sip:alice@df7jal.invalid;transport=ws"
                let asked = request (contact + ";alias=" + Alias.mint Ground.mint came + ";x=/") []
                let after = forwardedTo Heading.Unaliased leaves came asked

                (Text.ofBytes after.Bytes)
                    .StartsWith("INVITE " + contact + ";x=/ SIP/2.0", StringComparison.Ordinal)

            Law.holds "a request without Max-Forwards leaves with 70" Ground.twoFlows
            <| fun (came, leaves) ->
                let asked = edited _.Replace("Max-Forwards: 70\r\n", "")
                texts HeaderName.MaxForwards (forwarded came leaves asked) = [ "70" ]

            Law.holds "on a stream a request says how long its body is" Ground.twoFlows
            <| fun (came, leaves) ->
                let after = forwarded came leaves (edited (fun text -> text + "v=0\r\n"))

                match leaves.Transport with
                | Transport.Tcp
                | Transport.Tls -> texts HeaderName.ContentLength after = [ "5" ]
                | Transport.Udp
                | Transport.Ws
                | Transport.Wss -> (texts HeaderName.ContentLength after).IsEmpty
        ]
