namespace Sip.Tools.Load.Play;

/// <summary>What became of the operations of a window. The counters of the second group are 0 in a correct run.</summary>
internal sealed class Tally
{
    /// <summary>Operations begun, finished well, challenged; messages sent or received again.</summary>
    public long Started, Done, Challenged, Repeated;

    /// <summary>Operations without an answer in time, and those that could not begin because too many were waiting.</summary>
    public long TimedOut, NotStarted;

    /// <summary>Messages that belong to nothing, or that came on another link than their user's.</summary>
    public long Stray, Misrouted;

    /// <summary>Responses whose only Via is not ours, requests whose URI is not our Contact, Record-Routes that do not route loosely.</summary>
    public long BadVia, BadUri, BadRoute;

    /// <summary>Operations that ended with this status; 0 stands for a response without what it needs.</summary>
    public readonly long[] Refused = new long[700];

    /// <summary>From the INVITE to 180 and to 200, from BYE to 200, from any other request to 200.</summary>
    public readonly Histogram Ringing = new(), Answered = new(), Ended = new(), Request = new();

    /// <summary>How much later than on schedule operations began.</summary>
    public readonly Histogram Lag = new();

    /// <summary>Operations that failed.</summary>
    public long Failed => TimedOut + NotStarted + Refused.Sum();

    /// <summary>The latency that matters most: to 180 of a call, to the answer of anything else.</summary>
    public Histogram First => Ringing.Count > 0 ? Ringing : Request;

    /// <summary>Whether every counter that must be 0 is.</summary>
    public bool IsClean => Failed + Stray + Misrouted + BadVia + BadUri + BadRoute == 0;
}
