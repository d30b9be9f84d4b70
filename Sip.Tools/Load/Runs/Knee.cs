using Sip.Tools.Load.Play;

namespace Sip.Tools.Load.Runs;

/// <summary>The highest rate that a server bears: raised step by step until it fails, then halved in; measured again at half of it.</summary>
internal static class Knee
{
    private const int tries = 3;
    private const int refinements = 4;

    /// <summary>Searches; true when a rate was found and the run at half of it was clean.</summary>
    public static bool Find(Generator generator, Operating operating, Progress progress, Report report)
    {
        var options = generator.Options;
        double borne = 0, failed = 0;
        report.Say($"knee of {options.Of.ToString().ToLowerInvariant()}s");
        for (var (rate, refined) = (options.StartRate, 0); !generator.IsStopped && rate >= 1 && refined <= refinements;)
        {
            if (Bears(generator, operating, progress, report, rate)) borne = rate;
            else failed = rate;
            if (borne >= options.MostRate) break;
            if (failed == 0) rate = Math.Min(rate * options.Step, options.MostRate);
            else if (borne == 0) (rate, failed) = (rate / 2, 0);
            else if ((failed - borne) / borne < 0.03) break;
            else (rate, refined) = ((borne + failed) / 2, refined + 1);
        }
        report.Number("knee", borne);
        if (borne == 0) return false;
        var half = operating.Play(borne / 2, options.Warmup, options.Duration);
        progress.Clear();
        report.Say($"knee {borne:F0} a second; at half of it, {borne / 2:F0} a second:");
        report.Begin("half");
        report.Number("rate", borne / 2);
        Findings.Tell(report, options.Of.ToString().ToLowerInvariant(), half, generator.Links.Traffic);
        report.End();
        return half.Tally.IsClean;
    }

    // A busy machine makes a rate fail that the server bears, so it is tried more than once.
    private static bool Bears(Generator generator, Operating operating, Progress progress, Report report, double rate)
    {
        var options = generator.Options;
        for (var i = 0; i < tries && !generator.IsStopped; i++)
        {
            var window = operating.Play(rate, Math.Min(1, options.Warmup), options.StepSeconds);
            var p99 = window.Tally.First.Percentile(99) / 1e3;
            var isBorne = window.FailedShare <= options.WorstShare && p99 <= options.WorstP99 && window.Rate >= 0.97 * rate;
            progress.Clear();
            report.Say($"  {rate,8:F0} a second: {window.Rate:F0} done, p99 {p99:F1} ms, {window.FailedShare:F2} % failed, server {window.Usage.ServerShare:F0} %, generator {window.Usage.OwnShare:F0} %{(isBorne ? "" : ": too much")}");
            generator.Until(() => false, options.Rest);
            if (isBorne) return true;
        }
        return false;
    }
}
