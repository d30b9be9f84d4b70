using System.Buffers;
using System.Collections.Concurrent;
using Sip.Edge;

namespace Sip.Server.Reactor;

/// <summary>
/// The way into a shard for every other thread. Other shards leave what they have at once and ring once a
/// turn; what a shard leaves is found in the order of leaving. Bytes are copied once, into a pooled buffer.
/// </summary>
internal sealed unsafe class Inbox : IDisposable
{
    // A shard that is so far behind loses messages, as a network would; what it is told it never loses.
    private const int most = 65_536;
    private readonly ConcurrentQueue<Action> work = new();
    private readonly ConcurrentQueue<Left> left = new();
    private int waiting;
    private int rung;

    /// <summary>What the shard watches.</summary>
    public int Descriptor { get; } = Libc.eventfd(0, Libc.NonBlock | Libc.CloseOnExec);

    /// <summary>Whether another shard has left something.</summary>
    public bool HasNews => Volatile.Read(ref waiting) > 0;

    /// <summary>Hands work to the shard.</summary>
    public void Post(Action task)
    {
        work.Enqueue(task);
        Ring();
    }

    /// <summary>Leaves a message to be sent on a connection of the shard.</summary>
    public void Send(in Flow flow, ReadOnlySpan<byte> message) => Leave(Way.Out, flow, message);

    /// <summary>Leaves a message that arrived elsewhere.</summary>
    public void Hand(in Flow flow, ReadOnlySpan<byte> message) => Leave(Way.In, flow, message);

    /// <summary>Leaves what another shard tells.</summary>
    public void Tell(Told told) => Leave(new Left(Way.In, default, null, 0, told));

    /// <summary>Wakes the shard, unless it is about to wake.</summary>
    public void Ring()
    {
        if (Interlocked.Exchange(ref rung, 1) != 0) return;
        var one = 1UL;
        Libc.write(Descriptor, &one, sizeof(ulong));
    }

    /// <summary>Whoever rings next wakes the shard again; to be called before taking.</summary>
    public void Answer()
    {
        ulong count;
        Libc.read(Descriptor, &count, sizeof(ulong));
        Interlocked.Exchange(ref rung, 0);
    }

    /// <summary>The next work that was handed in.</summary>
    public bool TryTake(out Action? task) => work.TryDequeue(out task);

    /// <summary>The next thing that another shard left.</summary>
    public bool TryTake(out Left next)
    {
        if (!left.TryDequeue(out next)) return false;
        Interlocked.Decrement(ref waiting);
        return true;
    }

    /// <summary>Gives the buffer back in which something was left.</summary>
    public static void Return(in Left done)
    {
        if (done.Buffer is { } buffer) ArrayPool<byte>.Shared.Return(buffer);
    }

    /// <inheritdoc/>
    public void Dispose() => Libc.close(Descriptor);

    private void Leave(Way way, in Flow flow, ReadOnlySpan<byte> message)
    {
        if (Volatile.Read(ref waiting) >= most) return;
        var buffer = ArrayPool<byte>.Shared.Rent(message.Length);
        message.CopyTo(buffer);
        Leave(new Left(way, flow, buffer, message.Length, null));
    }

    private void Leave(in Left one)
    {
        Interlocked.Increment(ref waiting);
        left.Enqueue(one);
    }

    /// <summary>Where a message that was left goes.</summary>
    internal enum Way
    {
        /// <summary>To the conductor.</summary>
        In,
        /// <summary>To the connection.</summary>
        Out,
    }

    /// <summary>A message with its flow, or what is told.</summary>
    internal readonly record struct Left(Way Way, Flow Flow, byte[]? Buffer, int Length, Told? Told)
    {
        /// <summary>The message.</summary>
        public ReadOnlyMemory<byte> Bytes => Buffer.AsMemory(0, Length);
    }
}
