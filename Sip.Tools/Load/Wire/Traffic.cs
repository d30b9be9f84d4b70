namespace Sip.Tools.Load.Wire;

/// <summary>What went over the links of a run.</summary>
internal sealed class Traffic
{
    /// <summary>SIP messages sent and received.</summary>
    public long Sent, Received;

    /// <summary>What came and could not be read.</summary>
    public long ParseErrors;

    /// <summary>Links that were opened, that could not be, and that the server closed.</summary>
    public long Opened, OpenFailures, Disconnects;

    /// <summary>WebSocket pings answered, keep-alives that were answered to us.</summary>
    public long Pings, KeepAlives;

    /// <summary>Links that were only a burden and that the server closed.</summary>
    public long BurdensClosed;

    /// <summary>Why the first link failed.</summary>
    public string FirstFailure = "";

    /// <summary>A link could not be opened.</summary>
    public void OpeningFailed(string reason)
    {
        OpenFailures++;
        if (FirstFailure.Length == 0) FirstFailure = reason;
    }

    /// <summary>The server closed a link.</summary>
    public void Disconnected(string reason)
    {
        Disconnects++;
        if (FirstFailure.Length == 0) FirstFailure = reason;
    }
}
