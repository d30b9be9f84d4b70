using System.Globalization;

namespace Sip.Tools.Load.Machine;

/// <summary>
/// The processor time that processes have used at a moment, twice: the scheduler's account of each thread, which is
/// exact but ends with the thread, and the process's ticks, which are coarse but complete.
/// </summary>
public sealed class Spent
{
    private const double coarse = 20_000;
    private readonly Dictionary<string, double> threads = [];
    private readonly double ticks;

    /// <summary>Takes the account of these processes.</summary>
    public Spent(IEnumerable<int> processes)
    {
        foreach (var process in processes)
        {
            ticks += ProcessTree.Ticks(process);
            foreach (var thread in Threads(process)) Read(thread);
        }
    }

    /// <summary>Microseconds that were used since: to the nanosecond unless threads ended meanwhile.</summary>
    public double Since(Spent earlier)
    {
        var exact = threads.Sum(thread => thread.Value - earlier.threads.GetValueOrDefault(thread.Key));
        return Math.Abs(exact - (ticks - earlier.ticks)) <= coarse ? exact : ticks - earlier.ticks;
    }

    private static IEnumerable<string> Threads(int process)
    {
        try
        {
            return Directory.GetDirectories($"/proc/{process}/task");
        }
        catch (IOException)
        {
            return [];
        }
    }

    private void Read(string thread)
    {
        try
        {
            threads[thread] = double.Parse(File.ReadAllText($"{thread}/schedstat").Split(' ')[0], CultureInfo.InvariantCulture) / 1000;
        }
        catch (IOException)
        {
            // It ended while it was read; the ticks will tell.
        }
    }
}
