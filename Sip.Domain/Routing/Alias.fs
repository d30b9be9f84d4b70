// Alias: the parameter that we add to a client's Contact so that requests to it find its flow
// again: `;alias=<sealed flow>`. Browsers cannot name themselves (RFC 7118 §5.3), phones behind a NAT
// name themselves wrongly, and a flow that we sealed ourselves is the only one that we follow.

namespace Sip.Routing

open System
open System.Buffers.Binary
open Sip

/// What an alias turned out to be.
[<RequireQualifiedAccess>]
type Followed =
    | Leads of Flow: Flow
    /// Not ours: forged, damaged, or another server's.
    | Foreign

/// Minting and following aliases.
[<RequireQualifiedAccess>]
module Alias =
    let private purpose = "alias"
    let private length = 32

    /// The name of the URI parameter.
    let parameter = "alias"

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

    /// The alias of a flow: the same flow always has the same.
    let mint (secret: byte[]) (flow: Flow) : string =
        let (ListenerId listener) = flow.Listener
        let content = Array.zeroCreate<byte> length
        content[0] <- code flow.Transport
        BinaryPrimitives.WriteUInt32BigEndian(Span(content, 1, 4), uint32 listener)
        BinaryPrimitives.WriteInt64BigEndian(Span(content, 5, 8), flow.Connection)
        BinaryPrimitives.WriteUInt64BigEndian(Span(content, 13, 8), flow.Remote.Address.High)
        BinaryPrimitives.WriteUInt64BigEndian(Span(content, 21, 8), flow.Remote.Address.Low)
        BinaryPrimitives.WriteUInt16BigEndian(Span(content, 29, 2), uint16 flow.Remote.Port)
        Seal.close secret purpose content

    let private decode (content: byte[]) : Followed =
        match transport content[0] with
        | ValueSome transport when content.Length = length ->
            Followed.Leads
                {
                    Listener =
                        ListenerId(
                            int (BinaryPrimitives.ReadUInt32BigEndian(ReadOnlySpan(content, 1, 4)))
                        )
                    Transport = transport
                    Connection = BinaryPrimitives.ReadInt64BigEndian(ReadOnlySpan(content, 5, 8))
                    Remote =
                        {
                            Address =
                                {
                                    High =
                                        BinaryPrimitives.ReadUInt64BigEndian(
                                            ReadOnlySpan(content, 13, 8)
                                        )
                                    Low =
                                        BinaryPrimitives.ReadUInt64BigEndian(
                                            ReadOnlySpan(content, 21, 8)
                                        )
                                }
                            Port =
                                int (
                                    BinaryPrimitives.ReadUInt16BigEndian(
                                        ReadOnlySpan(content, 29, 2)
                                    )
                                )
                        }
                }
        | ValueSome _
        | ValueNone -> Followed.Foreign

    /// The flow that an alias was minted for.
    let follow (secret: byte[]) (alias: string) : Followed =
        match Seal.tryOpen secret purpose alias with
        | ValueSome content -> decode content
        | ValueNone -> Followed.Foreign
