namespace Sip.Tools.Load.Machine;

/// <summary>What was used between two moments: processor time of the server, of this generator and of others.</summary>
public sealed class Usage(ProcessTree server)
{
    private readonly long from = Time.Now;
    private readonly int members = server.Exists ? server.Count : 0;
    private readonly Spent? spent = server.Exists ? server.Spent() : null;
    private readonly double ownFrom = ProcessTree.Own();
    private readonly double machineFrom = ProcessTree.Machine();

    /// <summary>Seconds that passed.</summary>
    public double Seconds { get; private set; }

    /// <summary>Microseconds that the server used; 0 when nobody said which process it is.</summary>
    public double Server { get; private set; }

    /// <summary>Percent of a core that the server, this generator and all others used.</summary>
    public double ServerShare { get; private set; }
    public double OwnShare { get; private set; }
    public double OtherShare { get; private set; }

    /// <summary>Whether the server's processes are those of the beginning; if not, what it used is not known.</summary>
    public bool IsSame { get; private set; } = true;

    /// <summary>The second moment.</summary>
    public Usage End()
    {
        Seconds = (Time.Now - from) / 1e6;
        if (spent is not null) (Server, IsSame) = (server.Spent().Since(spent), server.Exists && server.Count == members);
        ServerShare = Server / Seconds / 1e4;
        OwnShare = (ProcessTree.Own() - ownFrom) / Seconds / 1e4;
        OtherShare = Math.Max(0, (ProcessTree.Machine() - machineFrom) / Seconds / 1e4 - ServerShare - OwnShare);
        return this;
    }
}
