using System.Globalization;

namespace Sip.Tools.Load.Machine;

/// <summary>A process and its children as /proc shows them: the processor time they used and the memory that is theirs.</summary>
public sealed class ProcessTree(int root)
{
    // USER_HZ: the unit of /proc/PID/stat, the same on every Linux that .NET runs on.
    private const double ticksPerSecond = 100;

    /// <summary>Whether there is such a process.</summary>
    public bool Exists => root > 0 && Directory.Exists($"/proc/{root}");

    /// <summary>How many processes there are.</summary>
    public int Count => Members().Count;

    /// <summary>The processor time that all of them have used by now.</summary>
    public Spent Spent() => new(Members());

    /// <summary>Bytes of memory, each page shared out among those who share it (PSS).</summary>
    public long Memory() => Members().Sum(Memory);

    /// <summary>Microseconds of processor time of this process.</summary>
    public static double Own() => Ticks(Environment.ProcessId);

    /// <summary>Microseconds that all processors of the machine were busy.</summary>
    public static double Machine()
    {
        var words = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        // user nice system idle iowait irq softirq steal: what is stolen is not used here.
        return new[] { 1, 2, 3, 6, 7 }.Sum(i => double.Parse(words[i], CultureInfo.InvariantCulture)) * 1e6 / ticksPerSecond;
    }

    private List<int> Members()
    {
        List<int> members = [root];
        var parents = Directory.EnumerateDirectories("/proc")
            .Select(Path.GetFileName)
            .Where(name => int.TryParse(name, out _))
            .Select(name => int.Parse(name!, CultureInfo.InvariantCulture))
            .Select(process => (Process: process, Parent: Parent(process)))
            .Where(pair => pair.Parent > 0)
            .ToLookup(pair => pair.Parent, pair => pair.Process);
        for (var i = 0; i < members.Count; i++) members.AddRange(parents[members[i]]);
        return members;
    }

    private static int Parent(int process) => Fields(process) is { } fields ? int.Parse(fields[1], CultureInfo.InvariantCulture) : 0;

    /// <summary>Microseconds of processor time of a process, its ended threads included, to ten milliseconds.</summary>
    internal static double Ticks(int process) => Fields(process) is { } fields
        ? (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) * 1e6 / ticksPerSecond
        : 0;

    private static long Memory(int process)
    {
        try
        {
            var line = File.ReadLines($"/proc/{process}/smaps_rollup").First(text => text.StartsWith("Pss:", StringComparison.Ordinal));
            return 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    // What follows the name in parentheses: state, parent, ... the 14th and 15th field are user and system time.
    private static string[]? Fields(int process)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{process}/stat");
            return text[(text.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null;
        }
    }
}
