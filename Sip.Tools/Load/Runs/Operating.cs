using Sip.Tools.Load.Machine;
using Sip.Tools.Load.Play;

namespace Sip.Tools.Load.Runs;

/// <summary>What a window found.</summary>
internal sealed record Window(Tally Tally, Usage Usage, long Done, long MessagesIn, long MessagesOut)
{
    /// <summary>Operations that ended well, a second.</summary>
    public double Rate => Done / Usage.Seconds;

    /// <summary>Percent of operations that failed.</summary>
    public double FailedShare => Tally.Started + Tally.NotStarted == 0 ? 0 : 100.0 * Tally.Failed / (Tally.Started + Tally.NotStarted);
}

/// <summary>Calls, messages or options for a while: warm up, measure, let what is under way end.</summary>
internal sealed class Operating
{
    private const int burst = 256;
    private readonly Generator generator;
    private readonly ProcessTree server;
    private readonly Progress progress;
    private readonly Func<string> line;
    private readonly LoadOptions options;
    private readonly Calls calls;
    private bool isClosed;
    private long vacant, launched, begun;
    private double rate;

    /// <summary>The operations that the options name.</summary>
    public Operating(Generator generator, ProcessTree server, Progress progress)
    {
        (this.generator, this.server, this.progress) = (generator, server, progress);
        (options, calls, line) = (generator.Options, generator.Calls, Line);
    }

    /// <summary>Plays at this rate, or in a closed loop when it is 0.</summary>
    public Window Play(double atRate, double warmup, double seconds)
    {
        (rate, isClosed, launched, begun) = (atRate, atRate <= 0, 0, Time.Now);
        vacant = isClosed ? options.Concurrency : 0;
        calls.Ended = () => vacant++;
        Go(options.Count > 0 ? 0 : warmup);
        calls.Measure(true);
        var tally = calls.Tally;
        var traffic = generator.Links.Traffic;
        var (sent, received, done) = (traffic.Sent, traffic.Received, calls.Done);
        var usage = new Usage(server);
        Go(seconds);
        usage.End();
        var window = new Window(tally, usage, calls.Done - done, traffic.Sent - sent, traffic.Received - received);
        calls.Measure(false);
        calls.Ended = null;
        generator.Until(() => calls.Running == 0, options.Timeout / 1e3 + 2);
        return options.Count > 0 ? window with { Done = tally.Done } : window;
    }

    private void Go(double seconds)
    {
        for (var end = Time.Now + Time.Seconds(seconds); Time.Now < end && !generator.IsStopped && !(IsFull() && calls.Running == 0);)
        {
            progress.Show(line);
            generator.Turn(Launch());
        }
    }

    // Begins what is due, and returns the microseconds until the next is.
    private long Launch()
    {
        if (isClosed)
        {
            for (var i = 0; vacant > 0 && i < burst && !IsFull(); i++)
            {
                vacant--;
                generator.Caller.Begin(Time.Now);
            }
        }
        else
        {
            var now = Time.Now;
            for (var i = 0; Due(launched) <= now && i < burst && !IsFull(); i++)
            {
                if (calls.IsMeasuring) calls.Tally.Lag.Add(now - Due(launched));
                generator.Caller.Begin(Due(launched++));
            }
            if (!IsFull()) return Math.Min(1000, Due(launched) - Time.Now);
        }
        return 1000;
    }

    private bool IsFull() => options.Count > 0 && calls.IsMeasuring && calls.Tally.Started >= options.Count;

    private long Due(long number) => begun + (long)(number * 1e6 / rate);

    private string Line()
    {
        var tally = calls.Tally;
        return FormattableString.Invariant(
            $"{(calls.IsMeasuring ? "measuring" : "warming up")}: {tally.Done} done, {calls.Running} under way, {tally.Failed} failed, p50 {tally.First.Percentile(50) / 1e3:F1} ms, p99 {tally.First.Percentile(99) / 1e3:F1} ms");
    }
}
