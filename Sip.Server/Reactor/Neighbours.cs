using Sip.Edge;

namespace Sip.Server.Reactor;

/// <summary>
/// The shards that serve together, as one of them sees them. What it leaves for another is found by whoever looks;
/// who sleeps is rung for once a turn, however much was left.
/// </summary>
internal sealed class Neighbours(int number, Shard[] all)
{
    private readonly bool[] owed = new bool[all.Length];

    /// <summary>The inbox of a shard that will be rung for; none where there is no such shard.</summary>
    public Inbox? Of(int shard)
    {
        if (shard >= all.Length) return null;
        owed[shard] = true;
        return all[shard].Inbox;
    }

    /// <summary>Tells every other shard.</summary>
    public void Tell(Told told)
    {
        for (var i = 0; i < all.Length; i++)
            if (i != number) Of(i)!.Tell(told);
    }

    /// <summary>Wakes those for whom something was left.</summary>
    public void Ring()
    {
        for (var i = 0; i < owed.Length; i++)
        {
            if (!owed[i]) continue;
            owed[i] = false;
            all[i].Inbox.Ring();
        }
    }

    /// <summary>Wakes all.</summary>
    public void RingAll() => Array.ForEach(all, shard => shard.Inbox.Ring());

    /// <summary>Whether any shard, this one included, has a request under way.</summary>
    public bool AreBusy => Array.Exists(all, shard => shard.Farewell.IsBusy);
}
