using Sip.Edge;
using Sip.Wire;

namespace Sip.Server.Shell;

/// <summary>What the token of a handshake makes of a connection.</summary>
internal static class Visitors
{
    /// <summary>The step that follows the head of a handshake: it goes on for whoever may come in, else 401.</summary>
    public static StreamStep Judged(Setup setup, Instant now, in StreamStep step, ReadOnlySpan<byte> head, out Visitor visitor)
    {
        visitor = setup.Visitor(now, head);
        return visitor is Visitor.Refused no ? Streams.Refuse(step.Consumed, 401, no.Reason) : step;
    }
}
