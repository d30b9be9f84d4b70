using Sip.Wire;

namespace Sip.Server.Reactor;

/// <summary>How a shard goes down: once no shard has a request under way, or the time is up, it says goodbye to its connections.</summary>
internal sealed class Farewell(Shard shard)
{
    private Instant by = Instant.Never;
    // Until this shard is to stop it counts as busy.
    private volatile bool isBusy = true;

    /// <summary>Whether goodbye is said, so that nothing is left but to close.</summary>
    public bool IsSaid { get; private set; }

    /// <summary>Whether a request is under way that a stopping server waits for.</summary>
    public bool IsBusy => isBusy;

    /// <summary>When it goes down at the latest.</summary>
    public Instant Wake => IsSaid ? Instant.Never : by;

    /// <summary>Goes down from now on, then at the latest.</summary>
    public void Begin(Instant latest) => by = latest;

    /// <summary>Looks whether the time has come.</summary>
    public void Look(Neighbours neighbours)
    {
        if (IsSaid || by.Equals(Instant.Never)) return;
        var was = isBusy;
        isBusy = shard.Conductor.Pending > 0;
        if (was && !isBusy) neighbours.RingAll();
        // A request of one shard may wait for a connection of another.
        if (shard.Now.Milliseconds < by.Milliseconds && neighbours.AreBusy) return;
        IsSaid = true;
        const string reason = "the server is going down";
        foreach (var connection in shard.Table.All.ToArray())
        {
            shard.Do(connection, Streams.Close(shard.Now, 1001, reason, connection.State));
            if (connection.Stage is Stage.Connecting or Stage.Securing) shard.Endings.End(connection, reason);
        }
    }
}
