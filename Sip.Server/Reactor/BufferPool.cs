using System.Numerics;

namespace Sip.Server.Reactor;

/// <summary>The shard's own store of buffers in powers of two: what a burst took is kept, up to a bound, for the next one.</summary>
internal sealed class BufferPool
{
    private const int smallest = 2048;
    private const long most = 32 << 20;
    private readonly Stack<byte[]>[] idle = new Stack<byte[]>[31];
    private long held;

    /// <summary>A buffer of at least this size.</summary>
    public byte[] Rent(int size)
    {
        var rounded = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(size, smallest));
        if (idle[BitOperations.Log2((uint)rounded)] is not { } same || !same.TryPop(out var buffer))
            return GC.AllocateUninitializedArray<byte>(rounded);
        held -= rounded;
        return buffer;
    }

    /// <summary>Takes a buffer back.</summary>
    public void Return(byte[] buffer)
    {
        if (held + buffer.Length > most) return;
        held += buffer.Length;
        (idle[BitOperations.Log2((uint)buffer.Length)] ??= new Stack<byte[]>()).Push(buffer);
    }

    /// <summary>A larger buffer with the same beginning.</summary>
    public byte[] Enlarge(byte[] buffer, int used, int size)
    {
        var larger = Rent(size);
        buffer.AsSpan(0, used).CopyTo(larger);
        Return(buffer);
        return larger;
    }
}
