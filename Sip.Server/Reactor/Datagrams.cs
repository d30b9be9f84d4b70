using System.Runtime.InteropServices;

namespace Sip.Server.Reactor;

/// <summary>The datagram sockets of a shard: up to 32 datagrams a system call, in and out.</summary>
internal sealed unsafe class Datagrams : IDisposable
{
    private const int batch = 32;
    private const int largest = 65535;
    // Not a power of two: equal offsets would compete for the same lines of the cache.
    private const int stride = 65536 + 33 * 64;
    private const int outgoing = 256 << 10;
    private readonly byte[] received = GC.AllocateUninitializedArray<byte>(batch * stride, pinned: true);
    private readonly byte[] sending = GC.AllocateUninitializedArray<byte>(outgoing, pinned: true);
    private readonly Libc.Datagram* incomingHeads = Heads();
    private readonly Libc.Datagram* outgoingHeads = Heads();
    // When the first datagram of a batch came (struct cmsghdr, then struct timespec); the others are not asked.
    private const int stampSize = 64;
    private readonly byte* stamp = (byte*)NativeMemory.AllocZeroed(stampSize);
    private int queued, used, queuedFor = -1;

    /// <summary>Empty batches.</summary>
    public Datagrams()
    {
        for (var i = 0; i < batch; i++)
        {
            incomingHeads[i].Pieces->Base = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(received, i * stride);
            incomingHeads[i].Pieces->Length = largest;
        }
    }

    /// <summary>Takes what waits at a socket, at most a batch, and returns how many datagrams that is.</summary>
    public int Receive(int descriptor)
    {
        for (var i = 0; i < batch; i++) incomingHeads[i].NameLength = SocketAddress.Size;
        incomingHeads[0].Control = stamp;
        incomingHeads[0].ControlLength = stampSize;
        return Libc.recvmmsg(descriptor, incomingHeads, batch, Libc.DontWait, null);
    }

    /// <summary>Milliseconds for which the first of what was received had waited, at this time since 1970 in milliseconds.</summary>
    public long Waited(long now)
    {
        var isStamp = incomingHeads[0].ControlLength >= 32 && *(int*)(stamp + 8) == Libc.SolSocket && *(int*)(stamp + 12) == Libc.Timestamp;
        // The clock of the day may be set meanwhile.
        return isStamp ? Math.Clamp(now - (*(long*)(stamp + 16) * 1000 + *(long*)(stamp + 24) / 1_000_000), 0, 60_000) : 0;
    }

    /// <summary>Whether so many are all that a batch holds, so that more may wait.</summary>
    public static bool IsWhole(int count) => count == batch;

    /// <summary>The datagram at this place of what was received.</summary>
    public ReadOnlyMemory<byte> Bytes(int place) => received.AsMemory(place * stride, (int)incomingHeads[place].Length);

    /// <summary>Where it came from.</summary>
    public Endpoint Source(int place) => SocketAddress.Read(incomingHeads[place].Name);

    /// <summary>Queues a datagram; it leaves with its batch.</summary>
    public void Send(int descriptor, Endpoint to, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > largest) return;
        if (queued == batch || queuedFor != descriptor || used + bytes.Length > outgoing) Flush();
        queuedFor = descriptor;
        bytes.CopyTo(sending.AsSpan(used));
        ref var head = ref outgoingHeads[queued++];
        head.NameLength = (uint)SocketAddress.Write(to, head.Name);
        head.Pieces->Base = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(sending, used);
        head.Pieces->Length = bytes.Length;
        used += bytes.Length;
    }

    /// <summary>Sends the batch. What the system does not take is lost, as on a network.</summary>
    public void Flush()
    {
        for (var done = 0; done < queued;)
        {
            var sent = Libc.sendmmsg(queuedFor, outgoingHeads + done, (uint)(queued - done), Libc.DontWait);
            done += Math.Max(sent, 1);
        }
        queued = used = 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.Free(stamp);
        NativeMemory.Free(incomingHeads);
        NativeMemory.Free(outgoingHeads);
    }

    // Heads, then the piece and the address of each.
    private static Libc.Datagram* Heads()
    {
        var heads = (Libc.Datagram*)NativeMemory.AllocZeroed(batch, (nuint)(sizeof(Libc.Datagram) + sizeof(Libc.Piece) + 32));
        var pieces = (Libc.Piece*)(heads + batch);
        var names = (byte*)(pieces + batch);
        for (var i = 0; i < batch; i++)
        {
            heads[i].Pieces = pieces + i;
            heads[i].PieceCount = 1;
            heads[i].Name = names + i * 32;
        }
        return heads;
    }
}
