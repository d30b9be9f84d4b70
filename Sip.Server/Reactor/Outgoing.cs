using System.Buffers;
using Sip.Wire;

namespace Sip.Server.Reactor;

/// <summary>
/// What is written on the shard's connections. It gathers until the turn ends, so that a connection costs
/// one system call a turn; what the socket does not take waits, up to a bound.
/// </summary>
internal sealed unsafe class Outgoing(Shard shard, int bound) : IBufferWriter<byte>
{
    // What may wait in all, so that many who do not read cannot take the memory of those who do.
    private const long most = 64 << 20;
    private readonly List<Connection> touched = [];
    private long waitingInAll;
    private Connection? target;

    /// <summary>Writes a message the way the connection carries it.</summary>
    public void Send(Connection connection, ReadOnlySpan<byte> message)
    {
        if (connection.Stage != Stage.Open || connection.IsOverfull) return;
        target = connection;
        Streams.Wrap(connection.State, message, this);
        Bound(connection);
    }

    /// <summary>Writes bytes as they are.</summary>
    public void Write(Connection connection, ReadOnlySpan<byte> bytes)
    {
        if (connection.Stage != Stage.Open || connection.IsOverfull || bytes.IsEmpty) return;
        target = connection;
        bytes.CopyTo(GetSpan(bytes.Length));
        Advance(bytes.Length);
        Bound(connection);
    }

    /// <summary>Has the connection looked at when the turn ends.</summary>
    public void Touch(Connection connection)
    {
        if (connection.IsTouched) return;
        connection.IsTouched = true;
        touched.Add(connection);
    }

    /// <summary>Sends what was written in this turn, and ends what cannot be sent to.</summary>
    public void Flush()
    {
        // Ending one may touch others, which then stand behind it.
        for (var i = 0; i < touched.Count; i++)
        {
            var connection = touched[i];
            connection.IsTouched = false;
            if (connection.Stage is Stage.Open or Stage.Ending) Push(connection);
            if (connection.IsBroken) shard.Endings.End(connection, "the peer went away");
            if (connection.Stage == Stage.Ending) shard.Endings.Finish(connection);
            if (connection.Stage != Stage.Gone) shard.Watch(connection);
        }
        touched.Clear();
    }

    /// <summary>Forgets what waits on a connection.</summary>
    public void Drop(Connection connection)
    {
        if (connection.Waiting is { } waiting) shard.Pool.Return(waiting);
        waitingInAll -= connection.WaitingLength;
        (connection.Waiting, connection.WaitingStart, connection.WaitingEnd) = (null, 0, 0);
    }

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        var connection = target!;
        // Whoever says nothing still gets room: a writer that finds none takes it for a fault.
        sizeHint = Math.Max(sizeHint, 1);
        var size = connection.WaitingLength + sizeHint;
        if (connection.Waiting is not { } waiting)
        {
            connection.Waiting = waiting = shard.Pool.Rent(size);
        }
        else if (connection.WaitingEnd + sizeHint > waiting.Length)
        {
            waiting.AsSpan(connection.WaitingStart, connection.WaitingLength).CopyTo(waiting);
            (connection.WaitingStart, connection.WaitingEnd) = (0, connection.WaitingLength);
            if (size > waiting.Length) connection.Waiting = waiting = shard.Pool.Enlarge(waiting, connection.WaitingEnd, size);
        }
        return waiting.AsSpan(connection.WaitingEnd);
    }

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        GetSpan(sizeHint);
        return target!.Waiting.AsMemory(target.WaitingEnd);
    }

    /// <inheritdoc/>
    public void Advance(int count)
    {
        target!.WaitingEnd += count;
        waitingInAll += count;
    }

    /// <summary>Cuts off a peer that does not take what waits for it; that is dropped at once.</summary>
    public void Abandon(Connection connection)
    {
        (connection.IsOverfull, connection.IsBroken) = (true, true);
        connection.Reason = "it reads too slowly";
        Drop(connection);
        Touch(connection);
    }

    // A reader that is slower than the bounds allow is cut off.
    private void Bound(Connection connection)
    {
        Touch(connection);
        if (connection.WaitingLength <= bound && waitingInAll <= most) return;
        Push(connection);
        if (connection.WaitingLength > bound || (waitingInAll > most && connection.WaitingLength > 0)) Abandon(connection);
    }

    private void Push(Connection connection)
    {
        var before = connection.WaitingLength;
        Move(connection);
        var left = connection.WaitingLength;
        if (left == 0 && BacklogModule.limit(connection.Backlog).Equals(Instant.Never)) return;
        connection.Backlog = BacklogModule.after(shard.Now, before - left, left, connection.Backlog);
        shard.Arm(connection);
    }

    private void Move(Connection connection)
    {
        connection.SendWantsRead = connection.SendWantsWrite = false;
        while (connection.WaitingLength > 0 && !connection.IsBroken)
        {
            Moved moved;
            int count;
            fixed (byte* at = &connection.Waiting![connection.WaitingStart]) moved = Send(connection, at, connection.WaitingLength, out count);
            switch (moved)
            {
                case Moved.Some:
                    connection.WaitingStart += count;
                    waitingInAll -= count;
                    continue;
                case Moved.WantsRead:
                    connection.SendWantsRead = true;
                    return;
                case Moved.WantsWrite:
                    connection.SendWantsWrite = true;
                    return;
                case Moved.End:
                case Moved.Broken:
                    connection.IsBroken = true;
                    break;
                default:
                    throw new InvalidOperationException($"Unknown outcome {moved}");
            }
        }
        Drop(connection);
    }

    private static Moved Send(Connection connection, byte* bytes, int length, out int count)
    {
        if (connection.Session != 0) return TlsSession.Write(connection.Session, bytes, length, out count);
        count = (int)Libc.send(connection.Descriptor, bytes, length, Libc.NoSignal | Libc.DontWait);
        if (count > 0) return Moved.Some;
        return Libc.Errno is Libc.Again or Libc.Interrupted ? Moved.WantsWrite : Moved.Broken;
    }
}
