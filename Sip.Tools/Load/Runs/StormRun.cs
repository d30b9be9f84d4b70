using Sip.Tools.Load.Machine;
using Sip.Tools.Load.Play;
using Sip.Tools.Load.Wire;

namespace Sip.Tools.Load.Runs;

/// <summary>`sip load storm`: everybody is connected and registered; then every connection breaks at once, and everybody comes back.</summary>
internal sealed class StormRun(Generator generator, ProcessTree server, Progress progress, Report report)
{
    private readonly LoadOptions options = generator.Options;
    private readonly Links links = generator.Links;
    private readonly Registrations registrations = generator.Registrations;

    /// <summary>Runs it and returns the exit status.</summary>
    public int Run()
    {
        var entrance = new Entrance(generator, progress);
        entrance.Seat(0, options.Users, options.Caller);
        if (!entrance.OpenAll())
        {
            Console.Error.WriteLine($"Not all connections could be opened: {links.Traffic.FirstFailure}");
            return 1;
        }
        entrance.RegisterAll(0, options.Users, Purpose.Stay);
        var isClean = registrations.Tally.IsClean;
        generator.Burdens.Begin();
        report.Say($"storm {TransportModule.inVia(options.Caller).ToLowerInvariant()}: {links.All.Count} connections, {options.Users} users");
        report.Number("users", options.Users);
        report.Number("links", links.All.Count);
        for (var wave = 1; wave <= options.Waves && !generator.IsStopped; wave++)
        {
            generator.Until(() => false, options.Pause, 5000);
            isClean &= Wave(wave);
        }
        Findings.Burdens(report, generator);
        entrance.LeaveAll();
        progress.Clear();
        return isClean && links.Traffic.OpenFailures + links.Traffic.Disconnects + links.Traffic.ParseErrors == 0 ? 0 : 3;
    }

    private bool Wave(int wave)
    {
        registrations.Restart();
        links.Opening.Clear();
        var messages = links.Traffic.Sent + links.Traffic.Received;
        var usage = new Usage(server);
        var begun = Time.Now;
        var users = generator.Cast.Users.Select((user, index) => (user.Link, index)).ToLookup(pair => pair.Link.Number, pair => pair.index);
        var broken = links.All.Where(link => !link.IsBurden && link.Stage == LinkStage.Open).ToArray();
        foreach (var link in broken) links.Close(link, abruptly: true);
        // Everybody means to be back at once; how long it takes is measured from the break.
        links.Opened = link =>
        {
            foreach (var user in users[link.Number]) registrations.Begin(user, Purpose.Stay, begun);
        };
        var next = 0;
        generator.Until(
            () =>
            {
                while (next < broken.Length && links.Pending < options.LinksInFlight && (options.LinkRate == 0 || begun + next * 1e6 / options.LinkRate <= Time.Now)) links.Open(broken[next++], begun);
                progress.Show(() => $"wave {wave}: {registrations.Tally.Done} of {options.Users} back, {registrations.Tally.Failed} failed");
                return next == broken.Length && links.Pending == 0 && registrations.Busy == 0;
            },
            120);
        links.Opened = null;
        usage.End();
        progress.Clear();
        var tally = registrations.Tally;
        report.Say($"wave {wave}: {tally.Done} of {options.Users} back after {usage.Seconds:F2} s ({tally.Done / usage.Seconds:F0} a second)");
        report.Begin($"wave_{wave}");
        report.Number("back", tally.Done);
        report.Number("per_second", tally.Done / usage.Seconds);
        Findings.Counters(report, tally, links.Traffic);
        report.Latency("link_opening", "connected after", links.Opening);
        report.Latency("request", "registered after", tally.Request);
        Findings.Costs(report, usage, tally.Done, links.Traffic.Sent + links.Traffic.Received - messages, "user who is back");
        report.End();
        return tally.IsClean && tally.Done == options.Users;
    }
}
