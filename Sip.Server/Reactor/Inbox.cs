using System.Collections.Concurrent;

namespace Sip.Server.Reactor;

/// <summary>The way into a shard for every other thread: a queue, and one write to its eventfd for a batch.</summary>
internal sealed unsafe class Inbox : IDisposable
{
    private readonly ConcurrentQueue<Handed> queue = new();
    private int signalled;

    /// <summary>What the shard watches.</summary>
    public int Descriptor { get; } = Libc.eventfd(0, Libc.NonBlock | Libc.CloseOnExec);

    /// <summary>Hands work to the shard.</summary>
    public void Post(Action work) => Post(new Handed(work, 0, null));

    /// <summary>Hands it a message for one of its connections.</summary>
    public void Post(long connection, byte[] message) => Post(new Handed(null, connection, message));

    /// <summary>Whoever rings next writes again; to be called before taking.</summary>
    public void Answer()
    {
        ulong count;
        Libc.read(Descriptor, &count, sizeof(ulong));
        Volatile.Write(ref signalled, 0);
    }

    /// <summary>The next thing that was handed in.</summary>
    public bool TryTake(out Handed handed) => queue.TryDequeue(out handed);

    /// <inheritdoc/>
    public void Dispose() => Libc.close(Descriptor);

    private void Post(Handed handed)
    {
        queue.Enqueue(handed);
        if (Interlocked.Exchange(ref signalled, 1) != 0) return;
        var one = 1UL;
        Libc.write(Descriptor, &one, sizeof(ulong));
    }

    /// <summary>Work, or a message for a connection.</summary>
    internal readonly record struct Handed(Action? Work, long Connection, byte[]? Message);
}
