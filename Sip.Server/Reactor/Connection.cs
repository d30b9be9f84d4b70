using Sip.Edge;
using Sip.Routing;
using Sip.Wire;

namespace Sip.Server.Reactor;

/// <summary>Where a connection's socket is in its life.</summary>
internal enum Stage
{
    /// <summary>The system is connecting, or its name is being looked up.</summary>
    Connecting,
    /// <summary>A balancer may say whom it speaks for.</summary>
    Announcing,
    /// <summary>Hands are being shaken for TLS.</summary>
    Securing,
    /// <summary>Bytes go both ways.</summary>
    Open,
    /// <summary>What waits is sent, what comes is dropped.</summary>
    Ending,
    /// <summary>The descriptor is closed.</summary>
    Gone,
}

/// <summary>One TCP, TLS, WS or WSS connection: all that the shard remembers of it. An idle one holds no buffer.</summary>
internal sealed class Connection(long number, Opening opening, StreamState state)
{
    /// <summary>The number that no other connection of this process has; it leads the shard here.</summary>
    public readonly long Number = number;

    /// <summary>What holds for its listener.</summary>
    public readonly Opening Opening = opening;

    /// <summary>What is remembered of the stream.</summary>
    public StreamState State = state;

    /// <summary>The socket; -1 when there is none.</summary>
    public int Descriptor = -1;

    /// <summary>The TLS session of libssl; 0 when there is none.</summary>
    public nint Session;

    /// <summary>Whether TLS is below.</summary>
    public bool IsSecure;

    /// <summary>Where the socket is in its life.</summary>
    public Stage Stage;

    /// <summary>The far end.</summary>
    public Endpoint Remote;

    /// <summary>The way to it, once it carries SIP.</summary>
    public Flow Flow;

    /// <summary>The address that it was counted for when it was accepted; none where this server opened it.</summary>
    public Address? Counted;

    /// <summary>What it is opened for, when this server opened it.</summary>
    public Errand? Errand;

    /// <summary>What came of a message that is not whole yet.</summary>
    public byte[]? Kept;

    /// <summary>Bytes of it.</summary>
    public int KeptLength;

    /// <summary>What waits to be sent.</summary>
    public byte[]? Waiting;

    /// <summary>Its first byte.</summary>
    public int WaitingStart;

    /// <summary>The end of it.</summary>
    public int WaitingEnd;

    /// <summary>By when the peer must have taken what waits.</summary>
    public Backlog Backlog = BacklogModule.none;

    /// <summary>By when connecting or ending must be done.</summary>
    public Instant Limit = Instant.Never;

    /// <summary>What the socket is watched for.</summary>
    public uint Watched;

    /// <summary>Whether it stands in the list of those to be flushed.</summary>
    public bool IsTouched;

    /// <summary>Whether the other side can get nothing from us any more.</summary>
    public bool IsBroken;

    /// <summary>Whether more waited than the bound allows.</summary>
    public bool IsOverfull;

    /// <summary>Whether our side of the socket is shut.</summary>
    public bool IsShut;

    /// <summary>Whether the peer sends no more.</summary>
    public bool IsDeserted;

    /// <summary>Whether sending waits for the socket to become writable.</summary>
    public bool SendWantsWrite;

    /// <summary>Whether reading waits for the socket to become writable (TLS).</summary>
    public bool ReadWantsWrite;

    /// <summary>Whether sending waits for the peer to send something (TLS).</summary>
    public bool SendWantsRead;

    /// <summary>Why it ends.</summary>
    public string Reason = "";

    // The wheel's own.
    internal Connection? Earlier, Later;
    internal long Due = long.MaxValue;
    internal int Place;

    /// <summary>Whether the conductor knows it.</summary>
    public bool IsOpened => Flow.Connection != 0;

    /// <summary>Bytes that wait to be sent.</summary>
    public int WaitingLength => WaitingEnd - WaitingStart;
}

/// <summary>What a connection is opened for: where to, and the messages that wait until it is open.</summary>
internal sealed class Errand(Hop.Dial hop, ListenerId leaves)
{
    /// <summary>Where to.</summary>
    public readonly Hop.Dial Hop = hop;

    /// <summary>The listener that messages on it name.</summary>
    public readonly ListenerId Leaves = leaves;

    /// <summary>What waits until it is open.</summary>
    public readonly List<byte[]> Messages = [];

    /// <summary>Bytes of them.</summary>
    public int Bytes;
}
