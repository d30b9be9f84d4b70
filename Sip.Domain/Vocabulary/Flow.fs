// Flow: the way to a peer as this server knows it: a live connection, or a datagram socket with a
// remote address (RFC 5626 §3.1). Its transport comes from the socket, never from a header.

namespace Sip

open System
open System.Collections.Generic

/// One of the server's listening addresses, by its place in the settings.
[<Struct>]
type ListenerId = ListenerId of Index: int

/// Where a message came from and where an answer to it must go.
/// A datagram flow has connection number 0; any other number is used once in a process's life.
[<Struct>]
type Flow =
    {
        Listener: ListenerId
        Transport: Transport
        Connection: int64
        Remote: Endpoint
    }

/// Asking flows.
[<RequireQualifiedAccess>]
module Flow =

    /// The equality of flows and a hash of the parts that tell them apart, for tables. HOT.
    let comparer: IEqualityComparer<Flow> =
        { new IEqualityComparer<Flow> with
            member _.GetHashCode flow =
                HashCode.Combine(
                    flow.Connection,
                    flow.Remote.Address.High,
                    flow.Remote.Address.Low,
                    flow.Remote.Port
                )

            member _.Equals(one, other) =
                one.Connection = other.Connection
                && one.Remote.Port = other.Remote.Port
                && one.Remote.Address.Low = other.Remote.Address.Low
                && one.Remote.Address.High = other.Remote.Address.High
                && one.Listener = other.Listener
                && one.Transport = other.Transport
        }

    /// Whether the flow is a connection, which lives and dies, and not a datagram address.
    let isConnection (flow: Flow) : bool = flow.Connection <> 0L
