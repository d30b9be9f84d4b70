using Sip.Edge;
using Sip.Guarding;
using Sip.Identity;
using Sip.Routing;
using Sip.Wire;

namespace Sip.Server.Reactor;

/// <summary>What a shard asks what to do about what happened; it is entered by the shard's thread alone and answers by sends.</summary>
public interface IConductor
{
    /// <summary>When it wants to be told that time has passed.</summary>
    Instant Wake { get; }

    /// <summary>Requests that still wait for a final response.</summary>
    int Pending { get; }

    /// <summary>Entities for requests under way or lately answered.</summary>
    int Held { get; }

    /// <summary>Entities that prove something.</summary>
    int Proofs { get; }

    /// <summary>What keeps strangers from using it up.</summary>
    Guard Guard { get; }

    /// <summary>How much is asked of it.</summary>
    Load Load { get; }

    /// <summary>How many requests were kept from peers that asked for fewer.</summary>
    long Withheld { get; }

    /// <summary>A connection can carry messages from now on.</summary>
    void Opened(Instant now, in Flow flow, Shard shard);

    /// <summary>A connection that has just been opened is this user's until that second of Unix time.</summary>
    void Visited(Instant now, in Flow flow, string user, long until, Shard shard);

    /// <summary>One message came; its bytes are the shard's again after the return.</summary>
    void Arrived(Instant now, in Flow flow, ReadOnlyMemory<byte> bytes, Shard shard);

    /// <summary>A message came at another shard, which handed it over; its bytes are the shard's again after the return.</summary>
    void Handed(Instant now, in Flow flow, ReadOnlyMemory<byte> bytes, Shard shard);

    /// <summary>Another shard has told something.</summary>
    void Told(Instant now, Told told, Shard shard);

    /// <summary>The head of a message came whose end cannot be found or shall not be waited for.</summary>
    void Unframed(Instant now, in Flow flow, StreamEvent why, ReadOnlyMemory<byte> head, Shard shard);

    /// <summary>A connection is gone.</summary>
    void Closed(Instant now, in Flow flow, Shard shard);

    /// <summary>The connection that was called for this hop is gone, or did not come about.</summary>
    void Severed(Instant now, Hop hop, Shard shard);

    /// <summary>Time has passed.</summary>
    void Tick(Instant now, Shard shard);

    /// <summary>A user may sign in from now on, or again with another password.</summary>
    void Enroll(Instant now, Subscriber subscriber, Shard shard);

    /// <summary>Who is registered, and with how many contacts.</summary>
    IReadOnlyList<KeyValuePair<string, int>> Online(Instant now);
}
