using Sip;

namespace Sip.Server.Shell;

/// <summary>The monotonic clock as the domain's instants.</summary>
public sealed class Clock(TimeProvider time)
{
    private readonly long start = time.GetTimestamp();

    /// <summary>The time that may be replaced by another.</summary>
    public TimeProvider Time => time;

    /// <summary>Milliseconds since the process began, and a minute, so that no instant is the first.</summary>
    public Instant Now => Instant.FromMilliseconds(60_000 + (long)time.GetElapsedTime(start).TotalMilliseconds);

    /// <summary>When the first instant was, in seconds of Unix time.</summary>
    public long Born => time.GetUtcNow().ToUnixTimeSeconds() - Now.Milliseconds / 1000;

    /// <summary>Microseconds since the process began, for what is finer than an instant.</summary>
    public long Microseconds => time.GetElapsedTime(start).Ticks / TimeSpan.TicksPerMicrosecond;
}
