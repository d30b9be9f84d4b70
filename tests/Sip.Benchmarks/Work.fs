// Work: the pieces of the way of a message, each as one thing to do again and again.

module Sip.Benchmarks.Work

open System
open Sip
open Sip.Wire
open Sip.Routing

let private uri text = (UriView.ofText text).Value
let private invite = Samples.read Samples.invite
let private bye = Samples.read Samples.bye

let private routes (request: Message) =
    Message.values HeaderName.Route request
    |> List.map (fun slice -> request.Text slice)

let private way (request: Message) =
    match request.Start with
    | StartLine.Request(_, _, view) ->
        Routes.strip Samples.realm (UriView.toUri request.Bytes view).Value (routes request)
    | StartLine.Response _ -> invalidOp "a response"

let private forward (request: Message) =
    Forward.bytes
        {
            Realm = Samples.realm
            Source = Samples.caller
            Request = request
            Way = way request
            Hop = Hop.Flow Samples.callee
            Leaves = Samples.realm.Listeners[1]
            Uri = uri "sip:bob@y.invalid;transport=ws"
            Branch = Branch.derive Samples.realm.Secret [| 1uy; 2uy |] 0 request
        }

let private answer =
    Reply.make
        Samples.realm.Secret
        Samples.caller.Remote
        (Samples.read (forward invite))
        Status.ok
        "OK"
        [ "Contact", "<sip:bob@y.invalid;transport=ws>" ]

let private response = Samples.read answer

/// Every piece by its name.
let pieces: (string * (unit -> unit)) list =
    [
        "read INVITE", (fun () -> Samples.read Samples.invite |> ignore)
        "read 200", (fun () -> Samples.read answer |> ignore)
        "admit", (fun () -> Admission.check Samples.realm invite |> ignore)
        "decide INVITE", (fun () -> Target.choose Samples.realm (way invite) |> ignore)
        "decide BYE", (fun () -> Target.choose Samples.realm (way bye) |> ignore)
        "forward INVITE", (fun () -> forward invite |> ignore)
        "forward BYE", (fun () -> forward bye |> ignore)
        "return 200",
        (fun () -> Return.bytes Samples.realm Samples.callee Samples.caller response |> ignore)
        "reply 100",
        (fun () ->
            Reply.make Samples.realm.Secret Samples.caller.Remote invite Status.trying "Trying" []
            |> ignore)
    ]
