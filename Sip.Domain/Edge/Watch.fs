// Watch: one subscription of a user to their own registrations (RFC 3680, RFC 6665 §4.2): its dialog, and the
// NOTIFYs that it brings about.

namespace Sip.Edge

open System
open Sip
open Sip.Wire
open Sip.Registrar
open Sip.Routing
open Sip.Transactions

/// The notifier's side of the dialog that a SUBSCRIBE began.
type internal WatchDialog =
    {
        /// What tells it from all others.
        Mark: Mark
        /// The address of record that is watched, as its table and as a URI name it.
        Aor: string
        User: SipUri
        /// From and To of what we send.
        Local: string
        Remote: string
        CallId: string
        /// The subscriber's Contact.
        Target: string
        Routes: string list
        /// The flow that the last SUBSCRIBE came by.
        Flow: Flow
        /// The Event of the subscription, with its parameters.
        Event: string
    }

/// A subscription as it stands.
[<Sealed>]
type internal Watch(dialog: WatchDialog, state: RegSubscription) =
    inherit Reminder()
    member val Dialog = dialog with get, set
    member val State = state with get, set
    /// The CSeq of the last NOTIFY.
    member val Sequence = 0u with get, set
    override this.What = Due.Watch this.Dialog.Mark

/// A NOTIFY on its way.
[<Sealed>]
type internal Notice
    (branch: Mark, watch: Mark, hop: Hop, bytes: ReadOnlyMemory<byte>, state: ClientOther.State) =
    inherit Reminder()
    member _.Branch = branch
    /// The subscription that it belongs to.
    member _.Watch = watch
    member _.Hop = hop
    member _.Bytes = bytes

    member val State = state with get, set
    override _.What = Due.Notice branch

/// Reading a SUBSCRIBE and writing a NOTIFY.
[<RequireQualifiedAccess>]
module internal Watch =

    // Nobody else asks for it, so that no message has it found for them.
    let private isEvent (line: string) =
        let colon = line.IndexOf ':'

        colon > 0
        && (let name = line.Substring(0, colon).Trim()
            Text.sameText name "Event" || Text.sameText name "o")

    /// The Event of a SUBSCRIBE.
    let event (request: Message) : string voption =
        request.Fields.ToArray()
        |> Array.filter (fun field -> field.Name = HeaderName.Other)
        |> Array.tryFind (fun field -> isEvent (request.Text field.Line))
        |> function
            | Some field -> ValueSome(request.Text field.Value)
            | None -> ValueNone

    /// Whether a request asks for registrations (RFC 3680 §4.1).
    let isReg (request: Message) : bool =
        match event request with
        | ValueSome written ->
            let package = written.Split(';')[0]
            Text.sameText (package.Trim()) "reg"
        | ValueNone -> false

    /// What tells the dialog of a SUBSCRIBE from all others: it is the subscriber's to choose.
    let mark (station: Station) (request: Message) : Mark =
        let mutable state = PrfState station.TransactionKey
        state.Part "reg"B
        state.Part(request.Slice(Message.value HeaderName.CallId request))
        state.Part(request.Slice(Message.fromTag request))
        state.Finish()

    let private stateOf (state: RegState) : string =
        match state with
        | RegState.Active expires -> String.Concat("active;expires=", string (int64 expires))
        | RegState.TimedOut -> "terminated;reason=timeout"
        | RegState.NoResource -> "terminated;reason=noresource"

    /// Writes a NOTIFY to the subscriber of a dialog.
    let notify
        (station: Station)
        (dialog: WatchDialog)
        (leaves: Listener)
        (branch: Mark)
        (sequence: uint32)
        (state: RegState)
        (body: byte[])
        (out: Octets)
        : unit =
        let line (name: string) (value: string) =
            out.PutText(String.Concat(name, ": ", value, "\r\n"))

        out.PutText(String.Concat("NOTIFY ", dialog.Target, " SIP/2.0\r\n"))
        out.Put(ReadOnlySpan station.Vias[Station.placeOf leaves])
        Branch.own branch out
        out.PutText "\r\n"

        for route in dialog.Routes do
            line "Route" route

        line "Max-Forwards" "70"
        line "From" dialog.Local
        line "To" dialog.Remote
        line "Call-ID" dialog.CallId
        line "CSeq" (string sequence + " NOTIFY")

        line
            "Contact"
            (NameAddr.print (
                NameAddr.ofUri (
                    Uri.Sip
                        { Realm.routeUri leaves [] with
                            User = dialog.User.User
                        }
                )
            ))

        line "Event" dialog.Event
        line "Subscription-State" (stateOf state)
        line "Content-Type" RegInfo.contentType
        line "Content-Length" (string body.Length)
        out.PutText "\r\n"
        out.Put(ReadOnlySpan body)
