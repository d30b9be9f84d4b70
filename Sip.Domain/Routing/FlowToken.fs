// FlowToken: a flow as text that only we can write: the user part of our Path and Record-Route URIs
// (RFC 5626 §5.1, §5.2) and the alias in a client's Contact. It names the node and the process that
// held the flow, so that a connection number which is used again leads to nobody.

namespace Sip.Routing

open System
open System.Buffers.Binary
open Sip

/// Who mints: this node, this run of its process, and the keys.
type Mint =
    {
        /// The node's number among those that share the keys.
        Node: uint32
        /// A number that no other run of this node's process has.
        Epoch: uint64
        Keys: Keyring
    }

/// Making mints.
[<RequireQualifiedAccess>]
module Mint =

    /// The mint of a realm.
    let ofRealm (realm: Realm) : Mint =
        {
            Node = realm.Node
            Epoch = realm.Epoch
            Keys = Keyring.ofSecret realm.Secret
        }

/// What a token turned out to be.
[<RequireQualifiedAccess; Struct>]
type Traced =
    | Leads of Flow: Flow
    /// Another node holds the flow.
    | Elsewhere of Node: uint32
    /// Ours, but its flow is no more, or its time is over.
    | Dead
    /// Not ours: made up, damaged, or sealed by a key that is no longer accepted.
    | Forged

/// Minting and tracing flow tokens.
[<RequireQualifiedAccess>]
module FlowToken =
    let private purpose = "flow"
    let private length = 49

    let private code (transport: Transport) =
        match transport with
        | Transport.Udp -> 1uy
        | Transport.Tcp -> 2uy
        | Transport.Tls -> 3uy
        | Transport.Ws -> 5uy
        | Transport.Wss -> 6uy

    let private transport (code: byte) =
        match code with
        | 1uy -> ValueSome Transport.Udp
        | 2uy -> ValueSome Transport.Tcp
        | 3uy -> ValueSome Transport.Tls
        | 5uy -> ValueSome Transport.Ws
        | 6uy -> ValueSome Transport.Wss
        | _ -> ValueNone

    /// The token of a flow, good until then: the same arguments always give the same.
    let mint (mint: Mint) (until: Instant) (flow: Flow) : string =
        let (ListenerId listener) = flow.Listener
        let content = Array.zeroCreate<byte> length
        BinaryPrimitives.WriteUInt32BigEndian(Span(content, 0, 4), mint.Node)
        BinaryPrimitives.WriteUInt64BigEndian(Span(content, 4, 8), mint.Epoch)
        BinaryPrimitives.WriteInt64BigEndian(Span(content, 12, 8), flow.Connection)
        content[20] <- code flow.Transport
        BinaryPrimitives.WriteUInt16BigEndian(Span(content, 21, 2), uint16 listener)
        BinaryPrimitives.WriteUInt64BigEndian(Span(content, 23, 8), flow.Remote.Address.High)
        BinaryPrimitives.WriteUInt64BigEndian(Span(content, 31, 8), flow.Remote.Address.Low)
        BinaryPrimitives.WriteUInt16BigEndian(Span(content, 39, 2), uint16 flow.Remote.Port)
        BinaryPrimitives.WriteInt64BigEndian(Span(content, 41, 8), until.Milliseconds)
        Keyring.close mint.Keys purpose content

    let private flowOf (content: byte[]) (transport: Transport) : Flow =
        let long (at: int) =
            BinaryPrimitives.ReadUInt64BigEndian(ReadOnlySpan(content, at, 8))

        let short (at: int) =
            int (BinaryPrimitives.ReadUInt16BigEndian(ReadOnlySpan(content, at, 2)))

        {
            Listener = ListenerId(short 21)
            Transport = transport
            Connection = int64 (long 12)
            Remote =
                {
                    Address = { High = long 23; Low = long 31 }
                    Port = short 39
                }
        }

    // The clock starts anew with the process, so another run's time cannot be compared; and of
    // another run's flows only those outlive it that are no connections.
    let private isOver (mint: Mint) (now: Instant) (content: byte[]) (flow: Flow) =
        let epoch = BinaryPrimitives.ReadUInt64BigEndian(ReadOnlySpan(content, 4, 8))

        let until =
            Instant.FromMilliseconds(
                BinaryPrimitives.ReadInt64BigEndian(ReadOnlySpan(content, 41, 8))
            )

        if epoch = mint.Epoch then
            until <= now
        else
            Flow.isConnection flow

    let private decode (mint: Mint) (now: Instant) (content: byte[]) : Traced =
        let node = BinaryPrimitives.ReadUInt32BigEndian(ReadOnlySpan(content, 0, 4))

        match transport content[20] with
        | ValueSome _ when node <> mint.Node -> Traced.Elsewhere node
        | ValueSome transport ->
            let flow = flowOf content transport

            if isOver mint now content flow then
                Traced.Dead
            else
                Traced.Leads flow
        | ValueNone -> Traced.Forged

    /// What a token stands for by itself, whether or not the flow still lives.
    let trace (mint: Mint) (now: Instant) (token: string) : Traced =
        match Keyring.tryOpen mint.Keys purpose token with
        | ValueSome content when content.Length = length -> decode mint now content
        | ValueSome _
        | ValueNone -> Traced.Forged
