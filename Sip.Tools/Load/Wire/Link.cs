using Sip.Server.Reactor;
using Sip.Wire;

namespace Sip.Tools.Load.Wire;

/// <summary>Where a link is in its life.</summary>
internal enum LinkStage
{
    /// <summary>Not begun, or over.</summary>
    Closed,
    /// <summary>The system is connecting.</summary>
    Connecting,
    /// <summary>Hands are being shaken for TLS.</summary>
    Securing,
    /// <summary>A WebSocket is asked for.</summary>
    Asking,
    /// <summary>SIP goes both ways.</summary>
    Open,
}

/// <summary>One connection of a user agent, or one datagram socket of several.</summary>
internal sealed class Link(int number, Transport transport)
{
    /// <summary>Its place among all links; it stays when the link is opened again.</summary>
    public readonly int Number = number;

    /// <summary>What carries it.</summary>
    public readonly Transport Transport = transport;

    /// <summary>Whether a WebSocket is opened over it; a silent one stops before.</summary>
    public bool IsMute;

    /// <summary>The socket.</summary>
    public int Descriptor = -1;

    /// <summary>The TLS session, 0 when there is none.</summary>
    public nint Session;

    /// <summary>Where it is in its life.</summary>
    public LinkStage Stage;

    /// <summary>What its user agents call themselves in Via and Contact; a browser's is made up (RFC 7118 section 5.3).</summary>
    public byte[] Name = [];

    /// <summary>Whether it is there only to be a burden, so that the server may well close it.</summary>
    public bool IsBurden;

    /// <summary>Whether it asks and never reads the answers.</summary>
    public bool IsDeaf;

    /// <summary>When it was to be opened, in microseconds.</summary>
    public long Begun;

    /// <summary>What was asked for while a WebSocket is being opened.</summary>
    public HandshakeAsk? Ask;

    /// <summary>Fragments of a WebSocket message.</summary>
    public Assembly Fragments = AssemblyModule.none;

    /// <summary>What came of an item that is not whole yet.</summary>
    public Store Kept;

    /// <summary>How far a message in a stream has been searched.</summary>
    public int Scanned;

    /// <summary>What waits to be sent, from the first byte to the last.</summary>
    public byte[]? Waiting;

    /// <summary>Its first byte and the one behind its last.</summary>
    public int WaitingStart, WaitingEnd;

    /// <summary>Whether it stands in the list of those to be flushed.</summary>
    public bool IsTouched;

    /// <summary>What the socket is watched for.</summary>
    public uint Watched;

    /// <summary>The batches of a datagram socket.</summary>
    public Datagrams? Datagrams;

    /// <summary>Whether its transport is WebSocket.</summary>
    public bool IsWebSocket => TransportModule.isWebSocket(Transport);

    /// <summary>Whether its transport is encrypted.</summary>
    public bool IsSecure => TransportModule.isSecure(Transport);
}
