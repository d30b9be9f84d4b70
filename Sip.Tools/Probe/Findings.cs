namespace Sip.Tools.Probe;

/// <summary>What was found, line by line: good, merely told, or not as a standard asks.</summary>
internal sealed class Findings(TextWriter writer)
{
    /// <summary>How much is not as a standard asks.</summary>
    public int Wrong { get; private set; }

    /// <summary>A heading.</summary>
    public void Head(string words) => writer.WriteLine($"\n{words}");

    /// <summary>As it is asked for.</summary>
    public void Good(string words) => writer.WriteLine($"  +  {words}");

    /// <summary>Neither asked for nor forbidden.</summary>
    public void Tell(string words) => writer.WriteLine($"     {words}");

    /// <summary>Not as it is asked for.</summary>
    public void Bad(string words)
    {
        Wrong++;
        writer.WriteLine($"  -  {words}");
    }

    /// <summary>Good or bad.</summary>
    public void Judge(bool isGood, string good, string bad)
    {
        if (isGood) Good(good);
        else Bad(bad);
    }
}
