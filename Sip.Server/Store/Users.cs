using System.Collections.Concurrent;
using System.Security.Cryptography;
using Sip.Identity;
using Sip.Server.Shell;

namespace Sip.Server.Store;

/// <summary>Who may sign in: the configured users, those kept in the store, and the first minute's guests.</summary>
public sealed class Users(string realm, UserStore? store)
{
    private static readonly string[] names =
        ["amber", "basil", "cedar", "dahlia", "elm", "fern", "ginger", "hazel", "iris", "juniper", "laurel", "maple", "olive", "poppy", "rowan", "sage"];

    private readonly ConcurrentDictionary<string, Subscriber> known = new();
    private readonly ConcurrentDictionary<string, string> guests = new();
    private int handedOut;

    /// <summary>Enrolls everybody who may sign in from the start.</summary>
    public async Task BeginAsync(IEdge edge, IEnumerable<(string Name, Secret Password)> configured)
    {
        foreach (var (name, password) in configured)
        {
            var subscriber = SubscriberModule.enroll(realm, name, password.Expose());
            store?.Keep(subscriber);
            known[subscriber.User] = subscriber;
        }
        foreach (var kept in store?.All(realm) ?? []) known.TryAdd(kept.User, kept);
        foreach (var subscriber in known.Values) await edge.EnrollAsync(subscriber);
    }

    /// <summary>Whether this is somebody's name and password.</summary>
    public bool Knows(string user, string password) =>
        known.TryGetValue(SubscriberModule.wireName(user), out var subscriber)
        && SubscriberModule.hasPassword(subscriber, user, password);

    /// <summary>How many there are.</summary>
    public int Count => known.Count;

    /// <summary>The guest of that name, or the next free one, with a password of their own.</summary>
    public async Task<(string User, string Password)> GuestAsync(IEdge edge, string? wanted)
    {
        var user = wanted is { Length: > 0 } ? wanted : Next();
        if (guests.TryGetValue(user, out var password)) return (user, password);
        password = guests.GetOrAdd(user, RandomNumberGenerator.GetHexString(24, lowercase: true));
        var subscriber = SubscriberModule.enroll(realm, user, password);
        known[subscriber.User] = subscriber;
        await edge.EnrollAsync(subscriber);
        return (user, password);
    }

    private string Next()
    {
        while (true)
        {
            var place = Interlocked.Increment(ref handedOut) - 1;
            var name = place < names.Length ? names[place] : $"guest{place - names.Length + 1}";
            if (!guests.ContainsKey(name)) return name;
        }
    }
}
