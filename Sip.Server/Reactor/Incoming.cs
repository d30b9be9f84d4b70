using Sip.Edge;
using Sip.Server.Shell;
using Sip.Wire;

namespace Sip.Server.Reactor;

/// <summary>
/// What is read from the shard's connections. All read into one buffer; only a connection on which a message
/// has not come whole keeps a buffer of its own. What the bytes mean is decided by <see cref="Streams"/>.
/// </summary>
internal sealed unsafe class Incoming
{
    private const int recordsOfATurn = 16;
    private readonly Shard shard;
    private readonly int most;
    private readonly byte[] common;
    private readonly List<Connection> unread = [];

    /// <summary>Room for the longest message that any listener takes.</summary>
    public Incoming(Shard shard, IReadOnlyList<Opening> openings)
    {
        this.shard = shard;
        most = Handshake.maximumHead + 14;
        foreach (var opening in openings) most = Math.Max(most, opening.Rules.Limits.MessageSize + 14);
        common = GC.AllocateUninitializedArray<byte>(Math.Max(most, 64 << 10));
    }

    /// <summary>Whether bytes wait that no socket will tell of.</summary>
    public bool HasUnread => unread.Count > 0;

    /// <summary>Reads what waits inside of TLS sessions.</summary>
    public void ReadUnread()
    {
        var count = unread.Count;
        for (var i = 0; i < count; i++) Read(unread[i]);
        unread.RemoveRange(0, count);
    }

    /// <summary>Reads what the socket has; it tells again if that was not all.</summary>
    public void Read(Connection connection)
    {
        connection.ReadWantsWrite = false;
        for (var record = 0; record < recordsOfATurn; record++)
        {
            if (connection.Stage is not (Stage.Open or Stage.Ending)) return;
            var kept = connection.KeptLength;
            var buffer = connection.Kept is null ? common : Room(connection);
            Moved moved;
            int count;
            fixed (byte* at = &buffer[kept]) moved = Receive(connection, at, buffer.Length - kept, out count);
            switch (moved)
            {
                case Moved.Some:
                    shard.Hear();
                    shard.Waited();
                    if (connection.Stage == Stage.Open) Take(connection, buffer, kept + count);
                    break;
                case Moved.WantsRead:
                    return;
                case Moved.WantsWrite:
                    connection.ReadWantsWrite = true;
                    shard.Outgoing.Touch(connection);
                    return;
                case Moved.End:
                case Moved.Broken:
                    (connection.IsDeserted, connection.IsBroken) = (true, connection.IsBroken || moved == Moved.Broken);
                    shard.Endings.End(connection, "the peer went away");
                    shard.Outgoing.Touch(connection);
                    return;
                default:
                    throw new InvalidOperationException($"Unknown outcome {moved}");
            }
            if (connection.Session == 0 || !TlsSession.HasMore(connection.Session)) return;
        }
        unread.Add(connection);
    }

    /// <summary>Forgets what was kept.</summary>
    public void Drop(Connection connection)
    {
        if (connection.Kept is { } kept) shard.Pool.Return(kept);
        (connection.Kept, connection.KeptLength) = (null, 0);
    }

    private static Moved Receive(Connection connection, byte* buffer, int length, out int count)
    {
        if (connection.Session != 0) return TlsSession.Read(connection.Session, buffer, length, out count);
        count = (int)Libc.recv(connection.Descriptor, buffer, length, Libc.DontWait);
        if (count > 0) return Moved.Some;
        if (count == 0) return Moved.End;
        return Libc.Errno is Libc.Again or Libc.Interrupted ? Moved.WantsRead : Moved.Broken;
    }

    private void Take(Connection connection, byte[] buffer, int end)
    {
        var done = 0;
        while (connection.Stage == Stage.Open)
        {
            var step = Streams.Receive(connection.Opening.Rules, shard.Now, connection.State, buffer.AsSpan(done, end - done));
            if (step.Event.IsUpgraded && shard.Setup.IsBalancer(connection.Remote.Address))
            {
                step = Balancing.Forwarded(shard.Setup, step, buffer.AsSpan(done, step.Consumed), ref connection.Remote);
                if (!shard.Counts(connection)) return;
            }
            var visitor = Visitor.Anybody;
            if (step.Event.IsUpgraded) step = Visitors.Judged(shard.Setup, shard.Now, step, buffer.AsSpan(done, step.Consumed), out visitor);
            shard.Do(connection, step);
            if (visitor is Visitor.Proven { User: var user, Until: var until }) shard.Visited(connection, user, until);
            switch (step.Event.Tag)
            {
                case StreamEvent.Tags.NeedMore:
                    Keep(connection, buffer, done + step.Consumed, end);
                    return;
                case StreamEvent.Tags.Message:
                    shard.Arrived(connection, buffer.AsMemory(done + step.Offset, step.Length));
                    break;
                case StreamEvent.Tags.Assembled:
                    shard.Arrived(connection, step.Bytes);
                    break;
                case StreamEvent.Tags.Broken:
                case StreamEvent.Tags.TooLarge:
                    shard.Unframed(connection, step.Event, buffer.AsMemory(done + step.Offset, step.Length));
                    shard.Endings.End(connection, step.Reason);
                    break;
                case StreamEvent.Tags.Write:
                case StreamEvent.Tags.Upgraded:
                case StreamEvent.Tags.CloseAfter:
                    break;
                default:
                    throw new InvalidOperationException($"Unknown event {step.Event}");
            }
            done += step.Consumed;
        }
    }

    private void Keep(Connection connection, byte[] buffer, int start, int end)
    {
        if (connection.Stage != Stage.Open) return;
        var left = end - start;
        if (left == 0)
        {
            Drop(connection);
            return;
        }
        if (connection.Kept is null) connection.Kept = shard.Pool.Rent(left + 1);
        if (start > 0 || buffer != connection.Kept) buffer.AsSpan(start, left).CopyTo(connection.Kept);
        connection.KeptLength = left;
    }

    private byte[] Room(Connection connection)
    {
        var kept = connection.Kept!;
        if (connection.KeptLength < kept.Length) return kept;
        if (connection.KeptLength >= most) throw new InvalidOperationException("A stream asked for more than its longest message.");
        return connection.Kept = shard.Pool.Enlarge(kept, connection.KeptLength, kept.Length * 2);
    }
}
