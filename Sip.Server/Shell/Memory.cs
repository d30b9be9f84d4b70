using Sip.Guarding;

namespace Sip.Server.Shell;

/// <summary>
/// How much memory this process uses of what it may, looked at four times a second; and how long its collector has held
/// everybody up.
/// </summary>
public sealed class Memory
{
    private const int between = 250, betweenCollections = 5_000;
    private static long longest;
    private readonly Clock clock;
    private Room room = Room.Ample;
    private Instant collected = Instant.FromMilliseconds(0);

    /// <summary>So many megabytes may be used; 0 for what the system grants.</summary>
    public Memory(int megabytes, Clock clock)
    {
        this.clock = clock;
        Most = megabytes > 0 ? megabytes * 1024L * 1024 : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        _ = new Witness();
    }

    /// <summary>Bytes that may be used.</summary>
    public long Most { get; }

    /// <summary>Bytes that are used: what is alive or not yet collected, and whatever is not the collector's.</summary>
    public static long Used => GC.GetTotalMemory(false) + Math.Max(0, Resident() - GC.GetGCMemoryInfo(GCKind.Any).TotalCommittedBytes);

    /// <summary>The longest pause of the collector.</summary>
    public static TimeSpan LongestPause => TimeSpan.FromTicks(Interlocked.Read(ref longest));

    /// <summary>Tells the edge how much room there is whenever that changes, for as long as the server runs.</summary>
    public async Task WatchAsync(IEdge edge, ILogger log, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(between), clock.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(stop)) await LookAsync(edge, log);
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    private async Task LookAsync(IEdge edge, ILogger log)
    {
        var next = Ceiling.step(Used, Most, room);
        // What is over may only wait to be collected.
        if (!next.IsAmple && clock.Now.Since(collected) > betweenCollections)
        {
            GC.Collect();
            collected = clock.Now;
            next = Ceiling.step(Used, Most, room);
        }
        if (next.Equals(room)) return;
        room = next;
        await edge.MakeRoomAsync(room);
        log.Advice(room.IsAmple ? "there is memory enough again" : $"memory runs out: {Used >> 20} of {Most >> 20} MB are used, and nothing new is begun (--memory-limit)");
    }

    // The system's files cannot be read where no descriptor is left; what is the collector's is known without them.
    private static long Resident()
    {
        try
        {
            return Environment.WorkingSet;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    // Dies with each collection, and sees what it has cost.
    private sealed class Witness
    {
        ~Witness()
        {
            foreach (var pause in GC.GetGCMemoryInfo(GCKind.Any).PauseDurations)
                if (pause.Ticks > Interlocked.Read(ref longest)) Interlocked.Exchange(ref longest, pause.Ticks);
            if (!Environment.HasShutdownStarted) _ = new Witness();
        }
    }
}
