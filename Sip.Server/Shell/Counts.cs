namespace Sip.Server.Shell;

/// <summary>
/// How much a running edge holds: connections, requests that wait for a final response, entities for requests
/// under way or lately answered, and entities that prove something (spent nonces, connections of users).
/// </summary>
public sealed record Counts(int Connections, int Pending, int Held, int Proofs)
{
    /// <summary>The same by name.</summary>
    public IReadOnlyDictionary<string, int> ByName() =>
        new SortedDictionary<string, int> { ["connections"] = Connections, ["pending"] = Pending, ["held"] = Held, ["proofs"] = Proofs };
}
