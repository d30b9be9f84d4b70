using Sip.Tools.Load.Machine;
using Sip.Tools.Load.Play;
using Sip.Tools.Load.Wire;

namespace Sip.Tools.Load.Runs;

/// <summary>How a window's findings are told.</summary>
internal static class Findings
{
    /// <summary>Tells a window.</summary>
    public static void Tell(Report report, string operation, Window window, Traffic traffic)
    {
        var (tally, usage) = (window.Tally, window.Usage);
        report.Say($"  {operation}: {window.Rate:F1} a second, {window.Done} in {usage.Seconds:F2} s; begun {tally.Started}, done {tally.Done}, failed {tally.Failed} ({window.FailedShare:F3} %)");
        report.Number("per_second", window.Rate);
        report.Number("completed", window.Done);
        Counters(report, tally, traffic);
        report.Latency("ringing", "INVITE to 180", tally.Ringing);
        report.Latency("answered", "INVITE to 200", tally.Answered);
        report.Latency("ended", "BYE to 200", tally.Ended);
        report.Latency("request", $"{operation.ToUpperInvariant()} to 200", tally.Request);
        report.Latency("lag", "behind schedule", tally.Lag);
        Costs(report, usage, window.Done, window.MessagesIn + window.MessagesOut, operation);
    }

    /// <summary>Tells counters; those of the second line are 0 in a correct run.</summary>
    public static void Counters(Report report, Tally tally, Traffic traffic)
    {
        report.Say($"  timed out {tally.TimedOut}, not started {tally.NotStarted}, repeated {tally.Repeated}, challenged {tally.Challenged}");
        report.Say($"  stray {tally.Stray}, misrouted {tally.Misrouted}, bad Via {tally.BadVia}, bad Request-URI {tally.BadUri}, bad Route {tally.BadRoute}, unreadable {traffic.ParseErrors}, disconnected {traffic.Disconnects}{(traffic.FirstFailure.Length > 0 ? $" (first: {traffic.FirstFailure})" : "")}");
        report.Number("started", tally.Started);
        report.Number("done", tally.Done);
        report.Number("failed", tally.Failed);
        report.Number("timed_out", tally.TimedOut);
        report.Number("not_started", tally.NotStarted);
        report.Number("repeated", tally.Repeated);
        report.Number("challenged", tally.Challenged);
        report.Number("stray", tally.Stray);
        report.Number("misrouted", tally.Misrouted);
        report.Number("bad_via", tally.BadVia);
        report.Number("bad_uri", tally.BadUri);
        report.Number("bad_route", tally.BadRoute);
        report.Number("parse_errors", traffic.ParseErrors);
        report.Number("disconnects", traffic.Disconnects);
        report.Refusals(tally.Refused);
    }

    /// <summary>Tells what it cost.</summary>
    public static void Costs(Report report, Usage usage, long done, long messages, string operation)
    {
        report.Number("seconds", usage.Seconds);
        report.Number("messages", messages);
        report.Number("generator_percent", usage.OwnShare);
        if (usage.Server > 0)
        {
            report.Number("server_percent", usage.ServerShare);
            report.Number("other_percent", usage.OtherShare);
            report.Number("us_per_operation", done == 0 ? double.NaN : usage.Server / done);
            report.Number("us_per_message", messages == 0 ? double.NaN : usage.Server / messages);
            report.Say($"  server {usage.ServerShare:F1} % of a core: {usage.Server / Math.Max(1, done):F2} us a {operation}, {usage.Server / Math.Max(1, messages):F2} us a message ({(double)messages / Math.Max(1, done):F2} messages each)");
            if (!usage.IsSame) report.Say($"  The server's processes have changed: what it used is not known.");
        }
        report.Say($"  generator {usage.OwnShare:F1} % of a core{(usage.Server > 0 ? FormattableString.Invariant($", others {usage.OtherShare:F1} %") : "")}");
        if (usage is { OwnShare: > 85, Seconds: >= 1 }) report.Say($"  The generator itself is near its limit: the rate is not the server's.");
    }

    /// <summary>Tells what became of silent, slow and unreading connections.</summary>
    public static void Burdens(Report report, Generator generator)
    {
        var burdens = generator.Burdens;
        if (burdens.Wanted == 0) return;
        report.Say($"  silent, slow and unreading connections: {burdens.Most} of {burdens.Wanted} open at once, {generator.Links.Traffic.BurdensClosed} closed by the server, none older than {burdens.LongestSilent / 1e6:F1}, {burdens.LongestSlow / 1e6:F1} and {burdens.LongestUnreading / 1e6:F1} s, {burdens.Answered} slow requests answered");
        report.Number("burdens_most", burdens.Most);
        report.Number("silent_seconds", burdens.LongestSilent / 1e6);
        report.Number("slow_seconds", burdens.LongestSlow / 1e6);
        report.Number("unreading_seconds", burdens.LongestUnreading / 1e6);
        report.Number("burdens_open", burdens.Open);
        report.Number("burdens_closed", generator.Links.Traffic.BurdensClosed);
        report.Number("burdens_answered", burdens.Answered);
    }
}
