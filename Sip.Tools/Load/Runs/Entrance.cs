using Sip.Tools.Load.Play;
using Sip.Tools.Load.Wire;

namespace Sip.Tools.Load.Runs;

/// <summary>How users come and go: links are opened at a pace, users sign in over them, and sign out at the end.</summary>
internal sealed class Entrance(Generator generator, Progress progress)
{
    private const double patience = 300;
    private readonly LoadOptions options = generator.Options;

    /// <summary>Gives users their links: datagram sockets are shared, connections are their own unless told otherwise.</summary>
    public void Seat(int first, int count, Transport transport)
    {
        var links = Enumerable.Range(0, transport.IsUdp ? Math.Min(options.Sockets, count) : (count + options.UsersPerLink - 1) / options.UsersPerLink)
            .Select(_ => generator.Links.Add(transport)).ToArray();
        for (var i = 0; i < count; i++)
            generator.Cast.Users[first + i].Link = transport.IsUdp ? links[i % links.Length] : links[i / options.UsersPerLink];
    }

    /// <summary>Opens every link that is not; true when all are.</summary>
    public bool OpenAll()
    {
        var links = generator.Links;
        var closed = links.All.Where(link => link.Stage == LinkStage.Closed && !link.IsBurden).ToArray();
        var (begun, next) = (Time.Now, 0);
        generator.Until(
            () =>
            {
                while (next < closed.Length && links.Pending < options.LinksInFlight && IsTime(next, options.LinkRate, begun, out var intended)) links.Open(closed[next++], intended);
                progress.Show(() => $"{next - links.Pending} of {closed.Length} connections, {links.Traffic.OpenFailures} failed");
                return next == closed.Length && links.Pending == 0;
            },
            patience);
        return closed.All(link => link.Stage == LinkStage.Open);
    }

    /// <summary>Has users register, or leave, so many at a time, or so many a second.</summary>
    public void RegisterAll(int first, int count, Purpose purpose)
    {
        var registrations = generator.Registrations;
        var (begun, next) = (Time.Now, 0);
        var rate = purpose == Purpose.Stay && options.Scenario == Scenario.Register ? options.Rate : 0;
        generator.Until(
            () =>
            {
                while (next < count && registrations.Busy < options.RegistersInFlight && IsTime(next, rate, begun, out var intended))
                {
                    var user = first + next++;
                    if (generator.Cast.Users[user].Link.Stage == LinkStage.Open && (purpose == Purpose.Stay || generator.Cast.Users[user].IsRegistered)) registrations.Begin(user, purpose, intended);
                }
                progress.Show(() => $"{registrations.Tally.Done} of {count} registered, {registrations.Tally.Failed} failed");
                return next == count && registrations.Busy == 0;
            },
            patience);
    }

    /// <summary>Has all users leave, also when the run was stopped.</summary>
    public void LeaveAll()
    {
        if (options.Keep) return;
        generator.IsStopped = false;
        generator.Deadline = Time.Now + Time.Seconds(60);
        RegisterAll(0, generator.Cast.Users.Length, options.Scenario == Scenario.Storm ? Purpose.LeaveAll : Purpose.Leave);
    }

    // Whether the number that comes next is due at this rate; without a rate it always is, and now.
    private static bool IsTime(int next, double rate, long begun, out long intended)
    {
        var now = Time.Now;
        intended = rate > 0 ? begun + (long)(next * 1e6 / rate) : now;
        return intended <= now;
    }
}
