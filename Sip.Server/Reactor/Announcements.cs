using Sip.Edge;
using Sip.Wire;

namespace Sip.Server.Reactor;

/// <summary>For whom the connection of a balancer is, before its first byte of TLS, HTTP or SIP.</summary>
internal sealed unsafe class Announcements(Shard shard)
{
    /// <summary>Looks at what has come, and takes it away once it is such a header; what follows stays in the socket.</summary>
    public void Read(Connection connection)
    {
        var bytes = stackalloc byte[ProxyHeader.maximum];
        var count = (int)Libc.recv(connection.Descriptor, bytes, ProxyHeader.maximum, Libc.Peek | Libc.DontWait);
        if (count < 0 && Libc.Errno is Libc.Again or Libc.Interrupted) return;
        if (count <= 0)
        {
            shard.Endings.End(connection, "the peer went away");
            return;
        }
        switch (ProxyHeader.read(new ReadOnlySpan<byte>(bytes, count)))
        {
            case Announcement.Client said:
                connection.Remote = said.Client;
                if (shard.Counts(connection)) Begin(connection, bytes, said.Length);
                break;
            case Announcement.Itself said:
                Begin(connection, bytes, said.Length);
                break;
            case { IsAbsent: true }:
                Begin(connection, bytes, 0);
                break;
            case { IsIncomplete: true }:
                // What was looked at is still there: only more than that is news.
                Sockets.AtLeast(connection.Descriptor, count + 1);
                break;
            case Announcement.Malformed said:
                shard.Endings.End(connection, said.Reason);
                break;
            default:
                throw new InvalidOperationException("Unknown announcement");
        }
    }

    private void Begin(Connection connection, byte* bytes, int length)
    {
        if (length > 0) Libc.recv(connection.Descriptor, bytes, length, Libc.DontWait);
        Sockets.AtLeast(connection.Descriptor, 1);
        shard.Begin(connection);
    }
}
