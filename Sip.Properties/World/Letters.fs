// Letters: the messages that a phone writes, and what it needs to remember to write them.

namespace Sip.Properties.World

open System
open System.Collections.Generic
open Sip.Identity

/// A request that a phone has made, and what came of it.
[<Sealed>]
type Asked(request: Sheet, at: int64) =
    member _.Request = request
    member _.At = at
    /// The distinct final responses: status and To tag.
    member val Finals = List<struct (int * string)>()
    member val Rang = false with get, set
    /// The phone has stopped waiting, or has lost its connection.
    member val GivenUp = false with get, set
    member val CancelWanted = false with get, set
    member val CancelSent = false with get, set

/// A request that a phone has got.
[<Sealed>]
type Served(request: Sheet) =
    member _.Request = request
    member val Last = "" with get, set
    member val Final = 0 with get, set
    member val Rang = false with get, set
    member val Acked = false with get, set
    /// The Reason headers of the CANCEL that came, if one came.
    member val Cancel: string list option = None with get, set
    member val CutOff = false with get, set

/// One side of a call.
type Dialog =
    {
        CallId: string
        Local: string
        Remote: string
        LocalTag: string
        Target: string
        Routes: string list
    }

/// Where a phone is, and what it is like.
type Seat =
    {
        Index: int
        User: string
        Device: Device
        SentBy: string
        Contact: string
    }

/// Seats outside of any world.
[<RequireQualifiedAccess>]
module Seat =

    /// The seat of a user who has one device, there, and writes more than it does by itself.
    let alone (link: Link) (sentBy: string) (contact: string) (index: int) (user: string) : Seat =
        {
            Index = index
            User = user
            Device =
                {
                    User = index
                    Link = link
                    Manner = Manner.RingForever
                }
            SentBy = sentBy
            Contact = contact
        }

/// One phone's pen.
[<Sealed>]
type Letters(seat: Seat) =
    let numbers = Dictionary<string, int>()
    let mutable made = 0

    let fresh (prefix: string) =
        made <- made + 1
        String.Concat(prefix, string seat.Index, ".", string made)

    let via (branch: string) =
        let transport =
            match seat.Device.Link with
            | Link.Udp -> "UDP"
            | Link.Tcp -> "TCP"
            | Link.Ws -> "WS"
            | Link.Wss -> "WSS"

        String.Concat("SIP/2.0/", transport, " ", seat.SentBy) + ";branch=" + branch

    let next (callId: string) =
        let number =
            match numbers.TryGetValue callId with
            | true, last -> last + 1
            | false, _ -> 1

        numbers[callId] <- number
        number

    let compose (method: string) (target: string) (callId: string) number from dest routes more =
        {
            Start = String.Concat(method, " ", target, " SIP/2.0")
            Fields =
                [ "Via", via (fresh "z9hG4bK-p"); "Max-Forwards", "70" ]
                @ List.map (fun route -> "Route", route) routes
                @ [
                    "From", from
                    "To", dest
                    "Call-ID", callId
                    "CSeq", String.Concat(string number, " ", method)
                    "Contact", String.Concat("<", seat.Contact, ">")
                ]
                @ more
                @ [ "Content-Length", "0" ]
            Body = ""
        }

    let login =
        {
            Username = seat.User
            Ha1 = Ha1.ofPassword Algorithm.Md5 "example.test" seat.User ("secret of " + seat.User)
        }

    let credentials (request: Sheet) (response: Sheet) =
        Challenged.answer login (Sheet.method request) (Sheet.target request) "cnonce" response

    let recorded (sheet: Sheet) =
        Sheet.all "Record-Route" sheet
        |> List.collect (fun value ->
            value.Split(',', StringSplitOptions.TrimEntries) |> List.ofArray)

    let aor (user: string) =
        String.Concat("sip:", user, "@example.test")

    let bracket (uri: string) = String.Concat("<", uri, ">")

    let me (tag: string) =
        String.Concat(bracket (aor seat.User), ";tag=", tag)

    /// A name that was not there before.
    member _.Fresh(prefix: string) = fresh prefix

    /// What a callee's 2xx must carry.
    member _.Contact = [ "Contact", bracket seat.Contact ]

    /// A REGISTER.
    member _.Register(user: string, callId: string, tag: string, expires: int) =
        compose
            "REGISTER"
            "sip:example.test"
            callId
            (next callId)
            (me "r")
            (String.Concat(bracket (aor user), tag))
            []
            [ "Expires", string expires ]

    /// A request to a user, outside of any call.
    member _.To(method: string, user: string, callId: string) =
        compose method (aor user) callId (next callId) (me (fresh "t")) (bracket (aor user)) [] []

    /// A request within a call.
    member _.Within(dialog: Dialog, method: string) =
        compose
            method
            dialog.Target
            dialog.CallId
            (next (dialog.CallId + dialog.LocalTag))
            dialog.Local
            dialog.Remote
            dialog.Routes
            []

    /// The ACK of a 2xx.
    member _.Ack(dialog: Dialog, number: int) =
        compose "ACK" dialog.Target dialog.CallId number dialog.Local dialog.Remote dialog.Routes []

    /// The request once more, with the credentials that a response asks for, if it asks us.
    member _.Again(request: Sheet, response: Sheet) : Sheet option =
        credentials request response
        |> Option.map (fun proof ->
            let number = next (Sheet.first "Call-ID" request)

            let fields =
                request.Fields
                |> List.filter (fun (n, _) -> n <> fst proof && n <> "Content-Length")
                |> List.map (fun (n, v) ->
                    match n with
                    | "Via" -> n, via (fresh "z9hG4bK-p")
                    | "CSeq" -> n, String.Concat(string number, " ", Sheet.method request)
                    | _ -> n, v)

            { request with
                Fields = fields @ [ proof; "Content-Length", "0" ]
            })

    /// The caller's side of the call that a 2xx begins.
    member _.Calling(response: Sheet) : Dialog =
        let call = Sheet.first "Call-ID" response + Sheet.tag "From" response
        numbers.TryAdd(call, Sheet.number response) |> ignore

        {
            CallId = Sheet.first "Call-ID" response
            Local = Sheet.first "From" response
            Remote = Sheet.first "To" response
            LocalTag = Sheet.tag "From" response
            Target = Sheet.uri (Sheet.first "Contact" response)
            Routes = List.rev (recorded response)
        }

    /// The callee's side of the call that an INVITE begins.
    member _.Called(request: Sheet, tag: string) : Dialog =
        {
            CallId = Sheet.first "Call-ID" request
            Local = String.Concat(Sheet.first "To" request, ";tag=", tag)
            Remote = Sheet.first "From" request
            LocalTag = tag
            Target = Sheet.uri (Sheet.first "Contact" request)
            Routes = recorded request
        }
