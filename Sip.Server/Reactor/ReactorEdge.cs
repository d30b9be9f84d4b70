using System.Runtime.InteropServices;
using Sip.Edge;
using Sip.Guarding;
using Sip.Identity;
using Sip.Server.Shell;

namespace Sip.Server.Reactor;

/// <summary>The edge on Linux: a thread a shard, which owns its sockets and never waits for anybody else.</summary>
public sealed class ReactorEdge(
    Setup setup,
    IReadOnlyList<IConductor> conductors,
    Clock clock,
    ReactorSettings settings,
    TimeSpan patience,
    ILogger log) : IEdge
{
    private const long longestHandshake = 60_000;
    private readonly Queue<(TlsContexts Contexts, Instant Since)> retired = new();
    private TlsContexts shownNow = settings.Tls;
    private Shard[] shards = [];
    private List<Subscriber>? early = [];

    /// <summary>Whether this system has what the reactor needs.</summary>
    public static bool IsPossible =>
        OperatingSystem.IsLinux()
        && RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64
        && Libssl.IsThere;

    /// <inheritdoc/>
    public async Task<Counts> CountAsync()
    {
        var all = await AskAsync(shards, shard => new Counts(shard.Table.Count, shard.Conductor.Pending, shard.Conductor.Held, shard.Conductor.Proofs));
        return new Counts(all.Sum(one => one.Connections), all.Sum(one => one.Pending), all.Sum(one => one.Held), all.Sum(one => one.Proofs));
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<(Ban Ban, long Seconds)>> BansAsync() =>
        // Every shard knows all of them.
        (await AskAsync(shards.Take(1), shard => shard.Conductor.Guard.Bans(shard.Now).Select(ban => (ban, (ban.Until.Since(shard.Now) + 999) / 1000)).ToArray())).SingleOrDefault([]);

    /// <inheritdoc/>
    public async Task BanAsync(Address address, int seconds)
    {
        var bans = await AskAsync(shards, shard =>
        {
            var ban = new Ban(Origin.ofAddress(address), Offence.ByHand, shard.Now, shard.Now.After(seconds * 1000L));
            shard.Conductor.Guard.Ban(shard.Now, ban);
            return ban;
        });
        if (bans.Length > 0) settings.Nftables?.Ban(bans[0]);
    }

    /// <inheritdoc/>
    public async Task<bool> PardonAsync(Address address)
    {
        settings.Nftables?.Pardon(address);
        return (await AskAsync(shards, shard => shard.Conductor.Guard.Pardon(address))).Contains(true);
    }

    /// <inheritdoc/>
    public async Task<string> CensusAsync() =>
        Census.text(await AskAsync(shards, shard => Census.ofShard(shard.Conductor.Guard, shard.Conductor.Load, shard.Conductor.Withheld)), (await CountAsync()).ByName());

    /// <inheritdoc/>
    public Task MakeRoomAsync(Room room) => AskAsync(shards, shard =>
    {
        shard.Conductor.Load.Room = room;
        return true;
    });

    /// <inheritdoc/>
    public Task ShowAsync(IReadOnlyList<TlsIdentity> identities) => ReplaceAsync(TlsContexts.Of(setup.Realm, identities, settings.Trusted));

    /// <summary>Handshakes from now on are shaken by these; connections keep theirs.</summary>
    public async Task ReplaceAsync(TlsContexts contexts)
    {
        // A handshake that began before may still choose among the old ones.
        while (retired.TryPeek(out var oldest) && oldest.Since.After(longestHandshake).Milliseconds <= clock.Now.Milliseconds) retired.Dequeue().Contexts.Dispose();
        await AskAsync(shards, shard =>
        {
            shard.Replace(contexts);
            return true;
        });
        retired.Enqueue((shownNow, clock.Now));
        shownNow = contexts;
    }

    /// <inheritdoc/>
    public Task EnrollAsync(Subscriber subscriber)
    {
        if (early is not null)
        {
            early.Add(subscriber);
            return Task.CompletedTask;
        }
        return AskAsync(shards, shard =>
        {
            shard.Conductor.Enroll(shard.Now, subscriber, shard);
            return true;
        });
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<KeyValuePair<string, int>>> OnlineAsync() =>
        // Every shard knows all of them.
        (await AskAsync(shards.Take(1), shard => shard.Conductor.Online(shard.Now))).SingleOrDefault([]);

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancel)
    {
        // Sockets that share a port would let a second server share it too: so ask for it alone first.
        var shared = conductors.Count > 1;
        if (shared)
            foreach (var opening in setup.Openings) Libc.close(Sockets.Open(opening, shared: false));
        shards = [.. conductors.Select((conductor, number) => new Shard(number, setup, conductor, clock, settings, shared, log))];
        foreach (var shard in shards)
            foreach (var subscriber in early!) shard.Conductor.Enroll(shard.Now, subscriber, shard);
        early = null;
        foreach (var shard in shards) shard.Start(shards);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync()
    {
        foreach (var shard in shards) shard.Post(() => shard.Stop(shard.Now.After((long)patience.TotalMilliseconds)));
        return Task.WhenAll(shards.Select(shard => shard.Done));
    }

    private static async Task<T[]> AskAsync<T>(IEnumerable<Shard> those, Func<Shard, T> question)
    {
        var answers = those.Select(shard =>
        {
            var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
            if (shard.Done.IsCompleted) answer.SetResult(question(shard));
            else shard.Post(() => answer.SetResult(question(shard)));
            return answer.Task;
        });
        return await Task.WhenAll(answers);
    }
}
