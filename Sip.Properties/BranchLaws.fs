// BranchLaws: what the branches and tags that we write tell us again: loops, retransmissions, our own dialogs
// (RFC 3261 §16.6 step 8, RFC 5393 §4.2).

module Sip.Properties.BranchLaws

open System
open Expecto
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Properties.Crossing

let private written (write: Octets -> unit) =
    let out = Octets 64
    write out
    Text.ofBytes out.Written

let private tag (message: Message) =
    written (Branch.tag (Ground.station ()) message)

/// The branch of a request's way to the target of that number.
let private branch (index: int) (message: Message) =
    let station = Ground.station ()
    let mark = Prf.hash station.TransactionKey (ReadOnlySpan "7"B)
    written (Branch.derive station mark index message)

/// Every law.
let all: Test =
    testList
        "Routing"
        [
            Law.holds
                "a request that went in a circle is refused, one that changed is let through"
                Ground.twoFlows
            <| fun (came, leaves) ->
                let before = request "sip:bob@example.test" []

                let onward =
                    (Text.ofBytes (forwarded came leaves before).Bytes)
                        .Replace("INVITE sip:bob@10.1.1.1 ", "INVITE sip:bob@example.test ")

                let circled = read (Text.toBytes onward)

                let spiral =
                    read (
                        Text.toBytes (
                            onward.Replace("sip:bob@example.test SIP", "sip:carol@example.test SIP")
                        )
                    )

                Branch.hasLooped (Ground.station ()) circled
                && not (Branch.hasLooped (Ground.station ()) spiral)

            Law.holds "the same request gets the same tag and the same branch" Ground.oneFlow
            <| fun _ ->
                let one = request "sip:bob@example.test" []
                let two = request "sip:bob@example.test" []
                tag one = tag two && branch 1 one = branch 1 two && branch 1 one <> branch 2 one

            Law.holds
                "a branch begins with the cookie, and those of two targets differ"
                Ground.twoFlows
            <| fun (came, leaves) ->
                let asked = request "sip:bob@example.test" []
                let after = forwarded came leaves asked

                after.Text((Message.topVia after).Value.Branch).StartsWith "z9hG4bK"
                && List.length (List.distinct [ for index in 0..63 -> branch index asked ]) = 64

            // RFC 5393 §4.2.1: a CANCEL has the branch of what it cancels.
            Law.holds "a branch depends on the number of a CSeq, not on its method" Ground.oneFlow
            <| fun _ ->
                let whole = branch 0 (edited id)

                branch 0 (edited _.Replace("INVITE", "CANCEL")) = whole
                && branch 0 (edited _.Replace("CSeq: 1", "CSeq: 2")) <> whole

            Law.holds "our own tag is known again, and no other is" Ground.oneFlow
            <| fun flow ->
                let asked = request "sip:bob@example.test" []
                let answer = answered flow asked
                let tag = answer.Text(Message.toTag answer)
                let target = "To: <sip:bob@example.test>"

                let back (tag: string) =
                    edited _.Replace(target, target + ";tag=" + tag)

                Branch.isTagged (Ground.station ()) (back tag)
                && not (Branch.isTagged (Ground.station ()) (back (tag + "x")))
                && not (Branch.isTagged (Ground.station ()) asked)
        ]
