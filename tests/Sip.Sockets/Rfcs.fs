// Rfcs: the messages of RFC 4475 and RFC 5118, byte for byte as the RFCs' authors made them, and what
// each leads to at the live server. Read from a folder beside the project, or where SIP_CONFORMANCE
// points; a clone without it says in one line what it left out, and has Rules.fs for the same rules.

module Sip.Sockets.Rfcs

open System
open System.IO
open Expecto

let private one outcome = fun (_: string) -> [ outcome ]
let private answered status = one (Outcome.Answered [ status ])

let private unlessTcp (others: Outcome) (tcp: Outcome list) =
    fun transport -> if transport = "tcp" then tcp else [ others ]

let private spaces (count: int) = Array.create count ' 'B

/// What a row does not name is `Reached`.
let private rows: Map<string, (string -> Outcome list) * byte[]> =
    Map
        [
            // The Request-URI is no user's; the method is forwarded where it is.
            "intmeth", (answered 404, [||])
            "esc01", (answered 404, [||])
            "semiuri", (answered 404, [||])
            "escnull", (one (Outcome.Registered "<sip:%00%00@host5.example.com>"), [||])
            "esc02", (answered 501, [||])
            "dblreq",
            (unlessTcp
                (Outcome.Answered [ 200 ])
                [
                    Outcome.Answered [ 200 ]
                    Outcome.Answered [ 404 ]
                    // The archive's file has bytes behind the second message that begin no third.
                    Outcome.Ended
                ],
             [||])
            // Its Route names a neighbour that is no peer of this server.
            "mpart01", (answered 403, [||])
            "unreason", (one Outcome.Ignored, [||])
            "noreason", (one Outcome.Ignored, [||])
            "badaspec", (answered 400, [||])
            "regbadct", (answered 400, [||])
            "badinv01", (answered 400, [||])
            // A stream waits for the other bytes; once they are there, the message is whole.
            "clerr", (unlessTcp (Outcome.Answered [ 400 ]) [ Outcome.Reached ], spaces 9845)
            "ncl", (unlessTcp (Outcome.Answered [ 400 ]) [ Outcome.Closed 400 ], [||])
            "scalar02", (answered 400, [||])
            "scalarlg", (one Outcome.Ignored, [||])
            "quotbal", (answered 400, [||])
            "ltgtruri", (answered 400, [||])
            "lwsruri", (answered 400, [||])
            "lwsstart", (answered 400, [||])
            "trws", (answered 400, [||])
            "escruri", (answered 400, [||])
            "baddn", (answered 400, "\r\n"B)
            "badvers", (answered 505, [||])
            "mismatch01", (answered 400, [||])
            "mismatch02", (one (Outcome.Answered [ 400; 501 ]), [||])
            "bigcode", (one Outcome.Ignored, [||])
            "insuf", (answered 400, [||])
            "unkscm", (answered 416, [||])
            "novelsc", (answered 416, [||])
            "unksm2", (one (Outcome.Answered [ 400; 404 ]), [||])
            "bext01", (answered 420, [||])
            "regaut01", (answered 200, [||])
            "multi01", (answered 400, [||])
            "mcl01", (unlessTcp (Outcome.Answered [ 400 ]) [ Outcome.Closed 400 ], [||])
            "bcast", (one Outcome.Ignored, [||])
            "zeromf", (answered 483, [||])
            "cparam01", (one (Outcome.Registered "<sip:+19725552222@gw1.example.net>;"), [||])
            "cparam02",
            (one (Outcome.Registered "<sip:+19725552222@gw1.example.net;unknownparam>"), [||])
            "inv2543", (unlessTcp Outcome.Reached [ Outcome.Closed 400 ], [||])
            "regescrt",
            (one (Outcome.Registered "<sip:user@example.com?Route=%3Csip:sip.example.com%3E>"), [||])
            "ipv6-bad", (answered 400, [||])
            "port-ambiguous", (one (Outcome.Registered "<sip:caller@[2001:db8::1]>"), [||])
            "port-unambiguous", (one (Outcome.Registered "<sip:caller@[2001:db8::1]>"), [||])
            // To the server itself, which is in no dialog.
            "via-received-param-no-delim", (answered 200, [||])
            "via-received-param-with-delim", (answered 481, [||])
            "ipv6-good", (one (Outcome.Registered "<sip:caller@[2001:db8::1]>"), [||])
        ]

let private verdict (path: string) : Verdict =
    let name =
        Path.GetFileNameWithoutExtension path |> Option.ofObj |> Option.defaultValue ""

    let on, rest =
        Map.tryFind name rows |> Option.defaultValue (one Outcome.Reached, [||])

    {
        Name = name
        Message = File.ReadAllBytes path
        Rest = rest
        On = on
    }

/// The verdicts on an RFC's messages.
let private files (root: string) (under: string) (pattern: string) : Verdict list =
    Directory.GetFiles(Path.Combine(root, under), pattern)
    |> Array.filter (fun path -> not (path.EndsWith("test.dat", StringComparison.Ordinal)))
    |> Array.sort
    |> Array.map verdict
    |> List.ofArray

/// The tests, made from each verdict by the laboratory.
let all (judge: Verdict -> Test list) : Test =
    match Sip.Properties.Conformance.folder with
    | Some root ->
        testList
            "RFC messages"
            [
                testList "RFC 4475" (List.collect judge (files root "rfc4475/dat" "*.dat"))
                testList "RFC 5118" (List.collect judge (files root "rfc5118/wire" "*"))
            ]
    | None ->
        stdout.WriteLine
            "Left out: the messages of RFC 4475 and 5118 (set SIP_CONFORMANCE to their folder)"

        testList "RFC messages" []
