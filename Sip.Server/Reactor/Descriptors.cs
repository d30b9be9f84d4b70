using Sip.Guarding;

namespace Sip.Server.Reactor;

/// <summary>How many files and sockets this process may have open. The system gives the lowest number that is free, so a number tells how many are.</summary>
internal static unsafe class Descriptors
{
    private const int numberOfFiles = 7;

    /// <summary>From this one on clients are turned away.</summary>
    public static long Most => Ceiling.descriptors(Limit);

    /// <summary>How many clients may not have.</summary>
    public static long Kept => Limit - Most;

    // Asked each time: it may be changed while the server runs.
    private static long Limit
    {
        get
        {
            var limits = stackalloc ulong[2];
            return Libc.getrlimit(numberOfFiles, limits) == 0 ? (long)Math.Min(limits[0], int.MaxValue) : int.MaxValue;
        }
    }
}
