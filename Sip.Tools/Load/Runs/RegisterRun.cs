using Sip.Tools.Load.Machine;
using Sip.Tools.Load.Play;
using Sip.Tools.Load.Wire;

namespace Sip.Tools.Load.Runs;

/// <summary>`sip load register`: connections are opened, users register, stay and perhaps register again; what a connection costs in time and memory.</summary>
internal sealed class RegisterRun(Generator generator, ProcessTree server, Progress progress, Report report)
{
    private readonly LoadOptions options = generator.Options;
    private readonly Links links = generator.Links;
    private readonly Registrations registrations = generator.Registrations;
    private int kept;

    /// <summary>Runs it and returns the exit status.</summary>
    public int Run()
    {
        var entrance = new Entrance(generator, progress);
        entrance.Seat(0, options.Users, options.Caller);
        var empty = Memory();
        Connect(entrance);
        if (options.Hold > 0) generator.Until(() => false, Math.Min(2, options.Warmup), 5000);
        var connected = Memory();
        var isClean = links.Traffic.OpenFailures == 0;
        if (!options.OnlyConnect) isClean &= Register(entrance);
        generator.Burdens.Begin();
        if (options.Hold > 0) isClean &= Hold();
        Findings.Burdens(report, generator);
        if (server.Exists) TellMemory(empty, connected, Memory());
        if (!options.OnlyConnect) entrance.LeaveAll();
        progress.Clear();
        return isClean && links.Traffic.Disconnects + links.Traffic.ParseErrors == 0 ? 0 : 3;
    }

    private long Memory() => server.Exists ? server.Memory() : 0;

    private void Connect(Entrance entrance)
    {
        var usage = new Usage(server);
        // Where many are opened, the first would wait for the last, and a server gives up who says nothing.
        if (options.Greet) links.Opened = link => links.Send(link, generator.Burdens.Question(link, link.Number));
        entrance.OpenAll();
        links.Opened = null;
        usage.End();
        progress.Clear();
        var traffic = links.Traffic;
        report.Say($"register {TransportModule.inVia(options.Caller).ToLowerInvariant()}{(options.Label.Length > 0 ? $" against {options.Label}" : "")}: {options.Users} users over {links.All.Count} links");
        report.Number("users", options.Users);
        report.Number("links", links.All.Count);
        report.Number("link_failures", traffic.OpenFailures);
        if (options.Caller.IsUdp) return;
        report.Say($"  {traffic.Opened / usage.Seconds:F1} connections a second: {traffic.Opened} opened, {traffic.OpenFailures} failed{(traffic.OpenFailures > 0 ? $" (first: {traffic.FirstFailure})" : "")}");
        report.Number("links_per_second", traffic.Opened / usage.Seconds);
        report.Latency("link_opening", "connecting", links.Opening);
        if (usage.Server == 0) return;
        report.Number("us_per_link", usage.Server / Math.Max(1, traffic.Opened));
        report.Say($"  server {usage.Server / Math.Max(1, traffic.Opened):F1} us a connection ({usage.ServerShare:F0} % of a core, generator {usage.OwnShare:F0} %)");
    }

    private bool Register(Entrance entrance)
    {
        var (usage, messages) = (new Usage(server), Messages);
        entrance.RegisterAll(0, options.Users, Purpose.Stay);
        progress.Clear();
        return Tell("first", usage.End(), Messages - messages);
    }

    private bool Hold()
    {
        var again = !double.IsNaN(options.Refresh) && options.Refresh > 0 && !options.OnlyConnect;
        if (again) Refresh(options.Warmup);
        registrations.Restart();
        var (usage, messages) = (new Usage(server), Messages);
        if (again) Refresh(options.Hold);
        else generator.Until(() => KeptAlive(Time.Now), options.Hold, 5000);
        usage.End();
        var isClean = true;
        if (again)
        {
            isClean = Tell("again", usage, Messages - messages);
            generator.Until(() => registrations.Busy == 0, 3);
        }
        else if (server.Exists)
        {
            report.Say($"  idle for {usage.Seconds:F1} s: server {usage.ServerShare:F2} % of a core");
            report.Number("idle_percent", usage.ServerShare);
        }
        progress.Clear();
        report.Say($"  {links.All.Count(link => link.Stage == LinkStage.Open && !link.IsBurden)} links open at the end, {links.Traffic.Pings} pings answered, {links.Traffic.KeepAlives} keep-alives answered to us");
        return isClean;
    }

    private void Refresh(double seconds)
    {
        var (begun, next, rate) = (Time.Now, 0L, options.Refresh);
        var isClosed = double.IsInfinity(rate);
        generator.Until(
            () =>
            {
                for (var i = 0; i < 256 && (isClosed ? registrations.Busy < options.RegistersInFlight : begun + (long)(next * 1e6 / rate) <= Time.Now); i++)
                {
                    var intended = isClosed ? Time.Now : begun + (long)(next * 1e6 / rate);
                    registrations.Begin((int)(next++ % options.Users), Purpose.Stay, intended);
                }
                progress.Show(() => $"holding: {registrations.Tally.Done} registered again, {registrations.Tally.Failed} failed");
                return KeptAlive(Time.Now);
            },
            seconds,
            isClosed ? 1000 : 500);
    }

    private long holding;

    // Keep-alives go out evenly over all links.
    private bool KeptAlive(long now)
    {
        if (holding == 0) holding = now;
        while (options.KeepAlive > 0 && kept < links.All.Count * ((now - holding) / 1e6) / options.KeepAlive) links.KeepAlive(links.All[kept++ % links.All.Count]);
        return false;
    }

    private long Messages => links.Traffic.Sent + links.Traffic.Received;

    private bool Tell(string name, Usage usage, long messages)
    {
        var tally = registrations.Tally;
        report.Say($"  {name}: {tally.Done / usage.Seconds:F1} registrations a second; {tally.Done} done, {tally.Failed} failed");
        report.Begin(name);
        report.Number("per_second", tally.Done / usage.Seconds);
        Findings.Counters(report, tally, links.Traffic);
        report.Latency("request", "REGISTER to 200", tally.Request);
        Findings.Costs(report, usage, tally.Done, messages, "registration");
        report.End();
        return tally.IsClean && tally.Done > 0;
    }

    private void TellMemory(long empty, long connected, long end)
    {
        // Users of datagrams have no connection of their own.
        var each = Math.Max(1, options.Caller.IsUdp ? options.Users : links.Traffic.Opened);
        report.Say($"  server's memory (PSS): {empty / 1e6:F1} MB before, {connected / 1e6:F1} MB connected ({(connected - empty) / each} bytes each), {end / 1e6:F1} MB at the end ({(end - empty) / each} bytes each)");
        report.Number("memory_before", empty);
        report.Number("memory_connected", connected);
        report.Number("memory_end", end);
        report.Number("bytes_per_link", (double)(connected - empty) / each);
        report.Number("bytes_per_registered", (double)(end - empty) / each);
    }
}
