using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Sip.Server.Shell;

/// <summary>
/// What the service manager is told (sd_notify): that the server is ready, that it stops, and that it still does its
/// work, which is said only after every shard has answered a question.
/// </summary>
public sealed class ServiceNotice : IDisposable
{
    private readonly Socket socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private readonly UnixDomainSocketEndPoint place;

    /// <summary>To the manager that listens at this path, or at this abstract name behind an `@`.</summary>
    public ServiceNotice(string place) => this.place = new UnixDomainSocketEndPoint(place.StartsWith('@') ? "\0" + place[1..] : place);

    /// <summary>To the manager that started this process, if one did and wants to be told.</summary>
    public static ServiceNotice? OfEnvironment() => Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is { Length: > 1 } place ? new ServiceNotice(place) : null;

    /// <summary>How often it wants to hear that there is work done, if it does: twice in the time that it allows.</summary>
    public static TimeSpan? Pace() =>
        long.TryParse(Environment.GetEnvironmentVariable("WATCHDOG_USEC"), NumberStyles.None, CultureInfo.InvariantCulture, out var microseconds) && microseconds >= 2
            ? TimeSpan.FromMicroseconds(microseconds / 2)
            : null;

    /// <summary>Tells it; a manager that is gone is no reason to stop serving.</summary>
    public void Say(string words)
    {
        try
        {
            socket.SendTo(Encoding.ASCII.GetBytes(words), place);
        }
        catch (SocketException)
        {
            // It restarts us if it cares.
        }
    }

    /// <summary>Asks the whole edge for a sign of life, and passes it on.</summary>
    public async Task BeatAsync(IEdge edge)
    {
        await edge.CountAsync();
        Say("WATCHDOG=1");
    }

    /// <summary>Does so again and again until the server stops; a shard that does not answer stops it, too.</summary>
    public async Task WatchAsync(IEdge edge, TimeSpan pace, TimeProvider time, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(pace, time);
        try
        {
            do await BeatAsync(edge);
            while (await timer.WaitForNextTickAsync(stop));
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    /// <inheritdoc/>
    public void Dispose() => socket.Dispose();
}
