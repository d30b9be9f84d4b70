using Sip.Tools.Load.Machine;
using Sip.Tools.Load.Play;

namespace Sip.Tools.Load.Runs;

/// <summary>`sip load call`, `message`, `options`, and `knee`: users sign in, operations are played, users sign out.</summary>
internal static class OperatingRun
{
    /// <summary>Runs it and returns the exit status.</summary>
    public static int Run(Generator generator, ProcessTree server, Progress progress, Report report)
    {
        var options = generator.Options;
        var entrance = new Entrance(generator, progress);
        entrance.Seat(0, options.Pairs, options.Caller);
        if (options.Operation != Scenario.Options) entrance.Seat(options.Pairs, options.Pairs, options.Callee);
        if (!entrance.OpenAll())
        {
            Console.Error.WriteLine($"Not all connections could be opened: {generator.Links.Traffic.FirstFailure}");
            return 1;
        }
        if (options.Operation != Scenario.Options && !SignIn(generator, entrance)) return 1;
        generator.Burdens.Begin();
        var operating = new Operating(generator, server, progress);
        var isClean = options.Scenario == Scenario.Knee ? Knee.Find(generator, operating, progress, report) : Once(generator, operating, progress, report);
        Findings.Burdens(report, generator);
        if (options.Operation != Scenario.Options) entrance.LeaveAll();
        progress.Clear();
        return isClean ? 0 : 3;
    }

    /// <summary>The number of users that play.</summary>
    public static int Users(LoadOptions options) => options.Operation == Scenario.Options ? options.Pairs : 2 * options.Pairs;

    private static bool SignIn(Generator generator, Entrance entrance)
    {
        entrance.RegisterAll(0, generator.Cast.Users.Length, Purpose.Stay);
        var tally = generator.Registrations.Tally;
        if (tally.Done == generator.Cast.Users.Length) return true;
        var status = Array.FindIndex(tally.Refused, count => count > 0);
        Console.Error.WriteLine($"Only {tally.Done} of {generator.Cast.Users.Length} users could register{(status >= 0 ? $"; others got {status}" : "")}{(status is 401 or 407 ? ": give --password" : "")}.");
        entrance.LeaveAll();
        return false;
    }

    private static bool Once(Generator generator, Operating operating, Progress progress, Report report)
    {
        var options = generator.Options;
        var window = operating.Play(options.Rate, options.Warmup, options.Count > 0 ? options.Longest : options.Duration);
        progress.Clear();
        var how = options.Rate > 0 ? FormattableString.Invariant($"open loop, {options.Rate} a second") : $"closed loop, {options.Concurrency} at a time";
        report.Say($"{options.Scenario.ToString().ToLowerInvariant()} {Name(options.Caller)}-{Name(options.Callee)}{(options.Label.Length > 0 ? $" against {options.Label}" : "")}, {how}");
        report.Number("rate", options.Rate);
        report.Number("concurrency", options.Rate > 0 ? 0 : options.Concurrency);
        var traffic = generator.Links.Traffic;
        Findings.Tell(report, options.Scenario.ToString().ToLowerInvariant(), window, traffic);
        return window.Tally.IsClean && traffic.ParseErrors + traffic.Disconnects == 0 && window.Done > 0;
    }

    private static string Name(Transport transport) => TransportModule.inVia(transport).ToLowerInvariant();
}
