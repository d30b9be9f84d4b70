// Outbox: what is to be done outside, gathered while a step goes on, and which flows are alive to do it.
// What a step that threw had asked for is dropped; what had been done before it is not. HOT: the list and
// the bytes are used again for the next input.

namespace Sip.Edge

open System
open System.Collections.Generic
open Sip
open Sip.Wire
open Sip.Routing

/// The effects of one ledger.
[<Sealed>]
type internal Outbox(station: Station) =
    let realm = station.Realm
    let live = LiveFlows()
    let effects = List<Effect>()
    let out = Octets 4096
    let shelf = Shelf()
    let mutable sound = 0
    // Whether all that is gathered was handed out.
    let mutable fetched = false

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

    // No flow, no send: what is meant for a connection that is gone is dropped here. What waits for a
    // connection to be made belongs to whoever waits.
    let send (hop: Hop) (bytes: ReadOnlyMemory<byte>) =
        match hop with
        | Hop.Flow flow when not (isLive flow) -> ()
        | Hop.Flow _ -> effects.Add(Effect.Send(hop, bytes))
        | Hop.Dial there when there.Transport = Dialled.Udp ->
            let remote =
                {
                    Address = there.Address
                    Port = there.Port
                }

            match Realm.datagram realm remote with
            | ValueSome flow -> effects.Add(Effect.Send((station.Flows.Of flow).Hop, bytes))
            | ValueNone -> ()
        | Hop.Dial _ -> effects.Add(Effect.Send(hop, ReadOnlyMemory(bytes.ToArray())))

    let made (source: FlowText) (request: Message) (status: Status) (words: string) headers =
        let start = out.Length
        Reply.write station source request status words headers out
        out.Since start

    // What is too long for a source that may be made up is said in fewer words, or not at all.
    let measured (source: FlowText) (request: Message) (status: Status) (words: string) headers =
        let most = Reflection.allowance request
        let whole = made source request status words headers

        if whole.Length <= most then
            send source.Hop whole
        else
            let less = Reflection.shortened headers
            let brief = made source request status Reflection.phrase less

            if brief.Length <= most then
                send source.Hop brief

    let reply (source: FlowText) (request: Message) (status: Status) (words: string) headers =
        if Reflection.isPossible realm source then
            measured source request status words headers
        else
            send source.Hop (made source request status words headers)

    let refuse (source: FlowText) (request: Message) (refusal: Refusal) =
        if Message.method request <> Method.Ack then
            let status = Refusal.status refusal
            let words = Refusal.words refusal
            note (Note.Refused(source.Flow, Message.callId request, status.Number, words))
            reply source request status words (Refusal.headers refusal)

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

    /// Hands a message that has just arrived over to another shard.
    member _.Hand(shard: int, flow: Flow, bytes: ReadOnlyMemory<byte>) : unit =
        effects.Add(Effect.Hand(shard, flow, bytes))

    /// Tells the other shards, if there are any.
    member _.Tell(what: Told) : unit =
        if station.Sharding.Count > 1 then
            effects.Add(Effect.Tell what)

    /// Where bytes that are to be sent are written.
    member _.Out: Octets = out

    /// The message with the edits made, written where it can be sent from.
    member _.Patched(edits: Edits, message: Message) : ReadOnlyMemory<byte> =
        let start = out.Length
        let length = Patch.length edits message
        Patch.write edits message (out.Room length) |> ignore
        out.Advance length
        out.Since start

    /// Where bytes are kept that are to be sent again.
    member _.Shelf: Shelf = shelf

    /// An operator may want to know.
    member _.Note(what: Note) : unit = note what

    /// The domain name system is to be asked.
    member _.Ask(question: Question) : unit = effects.Add(Effect.Ask question)

    /// Sends bytes that stand in `Out` or on the shelf, unless the flow is gone.
    member _.Send(hop: Hop, bytes: ReadOnlyMemory<byte>) : unit = send hop bytes

    /// A response of our own, not sent.
    member _.Made(source, request, status, words, headers) : ReadOnlyMemory<byte> =
        made source request status words headers

    /// A response of our own in a dialog of somebody else's, not sent.
    member _.MadeIn(dialog, source, request, status, headers) : ReadOnlyMemory<byte> =
        let start = out.Length
        let phrase = Status.phrase status
        Reply.writeIn dialog station source request status phrase headers out
        out.Since start

    /// Answers with a response of our own.
    member _.Reply(source, request, status, words, headers) : unit =
        reply source request status words headers

    /// Answers with the RFC's words and nothing else.
    member _.Say(source, request, status) : unit =
        reply source request status (Status.phrase status) []

    /// Answers once and keeps nothing: the request may be sent again and be refused again.
    member _.Refuse(source, request, refusal) : unit = refuse source request refusal

    /// What was gathered so far is certain to be done.
    member _.Commit() : unit = sound <- effects.Count

    /// Begins anew: what was fetched has been done by now, and what a step that threw had asked for is
    /// dropped.
    member _.Begin() : unit =
        if fetched then
            effects.Clear()
            out.Clear()
            shelf.Turn()
            sound <- 0
            fetched <- false
        else
            effects.RemoveRange(sound, effects.Count - sound)

    /// Whether something certain waits to be done.
    member _.IsWaiting: bool = sound > 0 && not fetched

    /// Everything there is to do, in order: good until the next `Begin`.
    member _.Fetch() : IReadOnlyList<Effect> =
        fetched <- true
        effects
