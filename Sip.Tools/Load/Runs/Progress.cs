using System.Globalization;

namespace Sip.Tools.Load.Runs;

/// <summary>One line on the terminal that tells how it goes, twice a second; nothing where nobody looks.</summary>
internal sealed class Progress(bool quiet)
{
    private readonly bool isShown = !quiet && !Console.IsErrorRedirected;
    private readonly long begun = Time.Now;
    private long next;

    /// <summary>Shows this, unless it is too early.</summary>
    public void Show(Func<string> line)
    {
        if (!isShown || Time.Now < next) return;
        next = Time.Now + 500_000;
        Console.Error.Write(string.Create(CultureInfo.InvariantCulture, $"\r{(Time.Now - begun) / 1e6,6:F1} s  {line(),-100}"));
    }

    /// <summary>Takes the line away.</summary>
    public void Clear()
    {
        if (isShown) Console.Error.Write("\r" + new string(' ', 110) + "\r");
    }
}
