namespace Sip.Server.Reactor;

/// <summary>
/// The deadlines of the shard's connections: a ring of lists that run through the connections themselves,
/// so that setting and clearing one costs no allocation. A deadline is found at most one step late.
/// </summary>
internal sealed class Wheel
{
    private const int stepBits = 6;
    private const int size = 1024;
    private readonly Connection?[] lists = new Connection?[size];
    private long reached;
    private int waiting;

    /// <summary>A ring that turns from this instant on.</summary>
    public Wheel(Instant now) => reached = now.Milliseconds >> stepBits;

    /// <summary>Sets, moves or, for an instant that never comes, clears the deadline of a connection.</summary>
    public void Set(Connection connection, Instant due)
    {
        if (connection.Due == due.Milliseconds) return;
        Clear(connection);
        if (due.Equals(Instant.Never)) return;
        connection.Due = due.Milliseconds;
        Link(connection);
    }

    /// <summary>Clears the deadline of a connection.</summary>
    public void Clear(Connection connection)
    {
        if (connection.Due == long.MaxValue) return;
        if (connection.Earlier is { } earlier) earlier.Later = connection.Later;
        else lists[connection.Place] = connection.Later;
        if (connection.Later is { } later) later.Earlier = connection.Earlier;
        (connection.Earlier, connection.Later, connection.Due) = (null, null, long.MaxValue);
        waiting--;
    }

    /// <summary>When to look again; a step early at most, never late.</summary>
    public Instant Wake
    {
        get
        {
            if (waiting == 0) return Instant.Never;
            for (var step = reached; step < reached + size; step++)
                if (lists[step & (size - 1)] is not null) return Instant.FromMilliseconds((step + 1) << stepBits);
            return Instant.Never;
        }
    }

    /// <summary>Takes out every connection whose deadline has passed.</summary>
    public void Collect(Instant now, List<Connection> passed)
    {
        var current = now.Milliseconds >> stepBits;
        var first = Math.Max(reached, current - size + 1);
        for (var step = first; step <= current && waiting > 0; step++)
        {
            for (var at = lists[step & (size - 1)]; at is not null;)
            {
                var next = at.Later;
                if (at.Due <= now.Milliseconds)
                {
                    Clear(at);
                    passed.Add(at);
                }
                at = next;
            }
        }
        reached = current;
    }

    private void Link(Connection connection)
    {
        connection.Place = (int)(Math.Max(connection.Due >> stepBits, reached) & (size - 1));
        connection.Later = lists[connection.Place];
        if (connection.Later is { } later) later.Earlier = connection;
        lists[connection.Place] = connection;
        waiting++;
    }
}
