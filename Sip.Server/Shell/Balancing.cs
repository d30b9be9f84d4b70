using Sip.Edge;
using Sip.Wire;

namespace Sip.Server.Shell;

/// <summary>What the handshake of a balancer makes of a connection.</summary>
internal static class Balancing
{
    /// <summary>The step that follows the head of a handshake; the far end becomes the client that it is for, if it names one.</summary>
    public static StreamStep Forwarded(Setup setup, in StreamStep step, ReadOnlySpan<byte> head, ref Endpoint remote)
    {
        switch (setup.Behind(remote, head))
        {
            case Behind.Client said:
                remote = said.Client;
                return step;
            case { IsNobody: true }:
                return step;
            case Behind.Unreadable said:
                return Streams.Refuse(step.Consumed, 400, said.Reason);
            default:
                throw new InvalidOperationException("Unknown word of a balancer");
        }
    }
}
