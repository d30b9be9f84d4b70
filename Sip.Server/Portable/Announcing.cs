using System.Buffers;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Sip.Edge;
using Sip.Server.Shell;
using Sip.Wire;

namespace Sip.Server.Portable;

/// <summary>For whom the connection of a balancer is, before its first byte of TLS, HTTP or SIP.</summary>
public static class Announcing
{
    /// <summary>Goes on with a connection as its client's once that is known; one that does not say it in time ends.</summary>
    public static async Task GoOnAsync(PortableEdge edge, ConnectionContext context, ConnectionDelegate next)
    {
        if (context.RemoteEndPoint is IPEndPoint near && edge.Setup.IsBalancer(AddressModule.ofIPAddress(near.Address)))
        {
            using var deadline = new CancellationTokenSource(TimeSpan.FromMilliseconds(Patience.announcement), edge.Clock.Time);
            if (await RefusedAsync(context, deadline.Token) is { } reason)
            {
                edge.Log.HandshakeRefused(near.ToString(), 0, reason);
                context.Abort();
                return;
            }
        }
        await next(context);
    }

    // Why the connection ends, or null once the header, if there is one, is taken away.
    private static async Task<string?> RefusedAsync(ConnectionContext context, CancellationToken cancel)
    {
        try
        {
            while (true)
            {
                var read = await context.Transport.Input.ReadAsync(cancel);
                var bytes = read.Buffer.Slice(0, Math.Min(read.Buffer.Length, ProxyHeader.maximum)).ToArray();
                var said = ProxyHeader.read(bytes);
                var length = said switch
                {
                    Announcement.Client client => client.Length,
                    Announcement.Itself itself => itself.Length,
                    _ => 0,
                };
                context.Transport.Input.AdvanceTo(read.Buffer.GetPosition(length), said.IsIncomplete ? read.Buffer.End : read.Buffer.GetPosition(length));
                if (said is Announcement.Client { Client: var there }) context.RemoteEndPoint = new IPEndPoint(AddressModule.toIPAddress(there.Address), there.Port);
                if (said is Announcement.Malformed malformed) return malformed.Reason;
                if (!said.IsIncomplete) return null;
                if (read.IsCompleted) return "the peer went away";
            }
        }
        catch (OperationCanceledException)
        {
            return "no PROXY header in time";
        }
        catch (IOException broken)
        {
            return broken.Message;
        }
    }
}
