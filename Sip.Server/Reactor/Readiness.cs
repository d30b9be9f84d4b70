using System.Runtime.InteropServices;

namespace Sip.Server.Reactor;

/// <summary>An epoll set: which descriptors are ready, told by the 64-bit mark that each was given.</summary>
internal sealed unsafe class Readiness : IDisposable
{
    private const int most = 512;
    // struct epoll_event is packed on x64 and nowhere else.
    private static readonly int stride = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;
    private readonly byte* ready = (byte*)NativeMemory.AllocZeroed(most, 16);
    private readonly int set = Libc.epoll_create1(Libc.CloseOnExec);

    /// <summary>Waits until something is ready or the time is up, and returns how many are.</summary>
    public int Wait(int milliseconds)
    {
        var count = Libc.epoll_wait(set, ready, most, milliseconds);
        if (count >= 0 || Libc.Errno == Libc.Interrupted) return Math.Max(count, 0);
        throw new IOException(Libc.Words(Libc.Errno));
    }

    /// <summary>Whether so many are all that can be told at once, so that more may be ready.</summary>
    public static bool IsWhole(int count) => count == most;

    /// <summary>Waits like <see cref="Wait"/>, but to the microsecond; for load generators, whose schedule is finer than a server's.</summary>
    public int WaitFinely(long microseconds)
    {
        var time = stackalloc long[] { microseconds / 1_000_000, microseconds % 1_000_000 * 1000 };
        var count = Libc.epoll_pwait2(set, ready, most, time, null);
        if (count >= 0 || Libc.Errno == Libc.Interrupted) return Math.Max(count, 0);
        throw new IOException(Libc.Words(Libc.Errno));
    }

    /// <summary>Lets things get ready for so long, whatever is ready meanwhile.</summary>
    public static void Rest(long microseconds)
    {
        var time = stackalloc long[] { 0, microseconds * 1000 };
        Libc.nanosleep(time, null);
    }

    /// <summary>What the one at this place is ready for.</summary>
    public uint Events(int place) => *(uint*)(ready + place * stride);

    /// <summary>The mark of the one at this place.</summary>
    public long Mark(int place) => *(long*)(ready + place * stride + stride - 8);

    /// <summary>Watches a descriptor until it is closed.</summary>
    public void Add(int descriptor, uint events, long mark) => Control(Libc.Add, descriptor, events, mark);

    /// <summary>Watches it for something else.</summary>
    public void Change(int descriptor, uint events, long mark) => Control(Libc.Modify, descriptor, events, mark);

    /// <inheritdoc/>
    public void Dispose()
    {
        Libc.close(set);
        NativeMemory.Free(ready);
    }

    private void Control(int operation, int descriptor, uint events, long mark)
    {
        var readiness = stackalloc byte[16];
        *(uint*)readiness = events;
        *(long*)(readiness + stride - 8) = mark;
        if (Libc.epoll_ctl(set, operation, descriptor, readiness) < 0) throw new IOException(Libc.Words(Libc.Errno));
    }
}
