using System.Diagnostics;

namespace Sip.Tools.Load;

/// <summary>The monotonic clock in microseconds.</summary>
internal static class Time
{
    private static readonly long perMicrosecond = Stopwatch.Frequency / 1_000_000;

    /// <summary>Now.</summary>
    public static long Now => Stopwatch.GetTimestamp() / perMicrosecond;

    /// <summary>So many seconds in microseconds.</summary>
    public static long Seconds(double seconds) => (long)(seconds * 1e6);
}
