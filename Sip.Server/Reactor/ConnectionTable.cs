namespace Sip.Server.Reactor;

/// <summary>
/// The connections of a shard by number: generation (35 bits), shard (8), slot (20). A slot counts its
/// generations from 1, so that a number names one connection in the life of the process and never is 0.
/// </summary>
internal sealed class ConnectionTable(int shard)
{
    private const int slotBits = 20, shardBits = 8, slotMask = (1 << slotBits) - 1;
    private readonly Stack<int> free = new();
    private Connection?[] slots = new Connection?[256];
    private long[] generations = new long[256];
    private int used;

    /// <summary>Connections that there are.</summary>
    public int Count { get; private set; }

    /// <summary>Whether no further connection has a place.</summary>
    public bool IsFull => free.Count == 0 && used > slotMask;

    /// <summary>All of them.</summary>
    public IEnumerable<Connection> All => slots.Where(connection => connection is not null)!;

    /// <summary>The shard in which a connection lives.</summary>
    public static int ShardOf(long number) => (int)(number >> slotBits) & ((1 << shardBits) - 1);

    /// <summary>Whether a mark is no connection's number, but counts the sockets that there are from the start.</summary>
    public static bool IsDoor(long mark) => mark < 1 << (slotBits + shardBits);

    /// <summary>The number for the next connection.</summary>
    public long Next()
    {
        if (!free.TryPop(out var slot)) slot = used++;
        if (slot == slots.Length)
        {
            Array.Resize(ref slots, slot * 2);
            Array.Resize(ref generations, slot * 2);
        }
        return (++generations[slot] << (slotBits + shardBits)) | ((long)shard << slotBits) | (uint)slot;
    }

    /// <summary>Puts it in its place.</summary>
    public void Add(Connection connection)
    {
        slots[connection.Number & slotMask] = connection;
        Count++;
    }

    /// <summary>The connection with this number, if it still lives.</summary>
    public Connection? Find(long number)
    {
        var slot = (int)number & slotMask;
        return slot < slots.Length && slots[slot] is { } found && found.Number == number ? found : null;
    }

    /// <summary>Frees its place.</summary>
    public void Remove(Connection connection)
    {
        var slot = (int)connection.Number & slotMask;
        slots[slot] = null;
        free.Push(slot);
        Count--;
    }
}
