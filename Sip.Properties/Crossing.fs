// Crossing: one message on its way through: as it comes, as it goes on, and as the response to it comes back.

module Sip.Properties.Crossing

open System
open Expecto
open Sip
open Sip.Wire
open Sip.Routing

/// The message that these bytes are.
let read (bytes: byte[]) =
    match Reading.message Limits.usual (ReadOnlySpan bytes) with
    | Arrival.Message message -> message
    | Arrival.Broken(fault, _) -> failtest $"%A{fault} in\n%s{Text.ofBytes (ReadOnlySpan bytes)}"

/// A request to this URI along these Routes, as text.
let requestText (uri: string) (routes: string list) : string =
    let lines =
        routes |> List.map (fun route -> "Route: " + route + "\r\n") |> String.Concat

    "INVITE "
    + uri
    + " SIP/2.0\r\nVia: SIP/2.0/WS df7jal.invalid;branch=z9hG4bK776;rport;keep\r\n"
    + "Max-Forwards: 70\r\nFrom: <sip:alice@example.test>;tag=1\r\nTo: <sip:bob@example.test>\r\n"
    + "Call-ID: 1@x\r\nCSeq: 1 INVITE\r\n"
    + lines
    + "Contact: <sip:alice@df7jal.invalid;transport=ws>\r\nX-Kept:  as  it is\r\n\r\n"

/// A request to this URI along these Routes.
let request (uri: string) (routes: string list) =
    read (Text.toBytes (requestText uri routes))

/// The same to Bob, once its text has been changed.
let edited (edit: string -> string) =
    read (Text.toBytes (edit (requestText "sip:bob@example.test" [])))

/// A request as it goes on from one flow to another.
let forwardedTo (heading: Heading) (came: Flow) (leaves: Flow) (message: Message) =
    let station = Ground.station ()

    let outgoing =
        {
            Station = station
            Source = station.Flows.Of came
            Request = message
            Way = Routes.strip station message
            Hop = Hop.Flow leaves
            Leaves = Realm.listener Ground.realm leaves.Listener
            Heading = heading
            Path = ReadOnlyMemory.Empty
            Breadth = 60
            Towards = Standing.Client
            Asserted = []
            Transaction = Prf.hash station.TransactionKey (ReadOnlySpan "1"B)
            Index = 0
        }

    let edits = Edits()
    Forward.write edits &outgoing
    read (Patch.toBytes edits message)

/// A Request-URI that is written anew.
let headed (uri: string) =
    Heading.Written(ReadOnlyMemory(Text.toBytes uri))

/// A request as it goes on to Bob's own address.
let forwarded = forwardedTo (headed "sip:bob@10.1.1.1")

/// A response as it goes back.
let returned (came: Flow) (back: Flow) (response: Message) =
    let flows = (Ground.station ()).Flows
    let edits = Edits()
    Return.write (Ground.station ()) edits (flows.Of came) [] (flows.Of back) response
    read (Patch.toBytes edits response)

/// The 200 that a request gets.
let answered (source: Flow) (request: Message) =
    let out = Octets 64
    let source = (Ground.station ()).Flows.Of source
    Reply.write (Ground.station ()) source request Status.ok "OK" [] out
    read (out.Written.ToArray())

/// The values of a field.
let texts name message =
    Message.values name message |> List.map (fun slice -> message.Text slice)
