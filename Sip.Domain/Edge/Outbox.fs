// Outbox: what is to be done outside, gathered while a step goes on, and which flows are alive to do it.
// What a step that threw had asked for is dropped; what had been done before it is not.

namespace Sip.Edge

open System
open System.Collections.Generic
open Sip
open Sip.Wire
open Sip.Routing

/// The effects of one ledger.
[<Sealed>]
type internal Outbox(station: Station, out: Octets) =
    let realm = station.Realm
    let live = LiveFlows()
    let effects = List<Effect>()
    let mutable sound = 0

    let isListener (flow: Flow) =
        let (ListenerId index) = flow.Listener

        index < realm.Listeners.Length
        && realm.Listeners[index].Transport = flow.Transport

    // A datagram needs no connection, only the listener that it was named for.
    let isLive (flow: Flow) =
        if Flow.isConnection flow then
            live.Contains flow
        else
            isListener flow

    let note (what: Note) = effects.Add(Effect.Note what)

    // No flow, no send: what is meant for a connection that is gone is dropped here.
    let send (hop: Hop) (bytes: byte[]) =
        match hop with
        | Hop.Flow flow when not (isLive flow) -> ()
        | Hop.Dial(Dialled.Udp, Host.Address address, port) ->
            match Realm.datagram realm { Address = address; Port = port } with
            | ValueSome flow -> effects.Add(Effect.Send(Hop.Flow flow, ReadOnlyMemory bytes))
            | ValueNone -> ()
        | Hop.Flow _
        | Hop.Dial _ -> effects.Add(Effect.Send(hop, ReadOnlyMemory bytes))

    let made (flow: Flow) (request: Message) (status: Status) (words: string) headers =
        out.Clear()
        Reply.write station (station.Flows.Of flow) request status words headers out
        out.Written.ToArray()

    let reply (flow: Flow) (request: Message) (status: Status) (words: string) headers =
        send (Hop.Flow flow) (made flow request status words headers)

    let refuse (flow: Flow) (request: Message) (refusal: Refusal) =
        if Message.method request <> Method.Ack then
            let status = Refusal.status refusal
            let callId = Message.callId request
            note (Note.Refused(flow, callId, status.Number, Refusal.words refusal))
            reply flow request status (Refusal.words refusal) (Refusal.headers refusal)

    /// A connection can carry messages from now on.
    member _.Open(flow: Flow) : unit = live.Add flow

    /// It no longer can.
    member _.Close(flow: Flow) : unit = live.Remove flow

    /// Whether a message can be sent on this flow.
    member _.IsLive(flow: Flow) : bool = isLive flow

    /// The flow that ends there, if one does.
    member _.Ending(there: FarEnd) : Flow voption =
        match there.Transport with
        | Transport.Udp -> Realm.datagram realm there.Remote
        | Transport.Tcp
        | Transport.Tls
        | Transport.Ws
        | Transport.Wss -> live.Ending there

    /// An operator may want to know.
    member _.Note(what: Note) : unit = note what

    /// Sends, unless the flow is gone.
    member _.Send(hop: Hop, bytes: byte[]) : unit = send hop bytes

    /// A response of our own, not sent.
    member _.Made(flow, request, status, words, headers) : byte[] =
        made flow request status words headers

    /// Answers with a response of our own.
    member _.Reply(flow, request, status, words, headers) : unit =
        reply flow request status words headers

    /// Answers with the RFC's words and nothing else.
    member _.Say(flow, request, status) : unit =
        reply flow request status (Status.phrase status) []

    /// Answers once and keeps nothing: the request may be sent again and be refused again.
    member _.Refuse(flow, request, refusal) : unit = refuse flow request refusal

    /// What was gathered so far is certain to be done.
    member _.Commit() : unit = sound <- effects.Count

    /// Drops what a step that threw had asked for.
    member _.Discard() : unit =
        effects.RemoveRange(sound, effects.Count - sound)

    /// Whether something certain waits to be done.
    member _.IsWaiting: bool = sound > 0

    /// Everything there is to do, in order.
    member _.Empty() : Effect[] =
        let all = effects.ToArray()
        effects.Clear()
        sound <- 0
        all
