// Flow: the way to a peer as this server knows it: a live connection, or a datagram socket with a
// remote address (RFC 5626 §3.1). Its transport comes from the socket, never from a header.

namespace Sip

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

    /// Whether the flow is a connection, which lives and dies, and not a datagram address.
    let isConnection (flow: Flow) : bool = flow.Connection <> 0L
