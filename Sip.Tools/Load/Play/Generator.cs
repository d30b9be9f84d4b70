using Sip.Server.Reactor;
using Sip.Tools.Load.Wire;
using Incoming = Sip.Tools.Load.Wire.Incoming;

namespace Sip.Tools.Load.Play;

/// <summary>Everything that plays, on one thread: a turn hands out what is due, sends, waits and reads.</summary>
internal sealed class Generator : IDisposable
{
    private readonly Callee callee;
    private readonly Readiness pause = new();
    private readonly Action<Timer> happens;
    private long lastTurn;

    /// <summary>Nobody plays yet.</summary>
    public Generator(LoadOptions options, Targets targets, TlsContext? tls, int users)
    {
        Options = options;
        // No other run may have the same identifiers, not even one with the same seed: the server may remember them.
        var run = (uint)HashCode.Combine(options.Seed, Environment.ProcessId, Time.Now);
        Cast = new Cast(options, users, run);
        Links = new Links(targets, tls, Cast.Random, run, Arrived);
        Registrations = new Registrations(Cast, Links, Timers);
        var operations = options.Operation is Scenario.Call or Scenario.Message or Scenario.Options;
        Calls = new Calls(Cast, operations ? Math.Max(options.InFlight, options.Concurrency) : 0);
        var body = Bodies.Sdp(options.Body);
        Caller = new Caller(Cast, Calls, Links, Timers, body);
        callee = new Callee(Cast, Calls, Links, Timers, Caller, body);
        Burdens = new Burdens(Cast, Links, Timers);
        happens = Happens;
        Deadline = Time.Now + Time.Seconds(options.Longest);
    }

    /// <summary>The options of the run.</summary>
    public readonly LoadOptions Options;

    /// <summary>Those who play.</summary>
    public readonly Cast Cast;

    /// <summary>Their links.</summary>
    public readonly Links Links;

    /// <summary>What is to happen.</summary>
    public readonly Timers Timers = new();

    /// <summary>Registrations.</summary>
    public readonly Registrations Registrations;

    /// <summary>Operations.</summary>
    public readonly Calls Calls;

    /// <summary>Who begins them.</summary>
    public readonly Caller Caller;

    /// <summary>Connections that are only a burden.</summary>
    public readonly Burdens Burdens;

    /// <summary>Whether the run is to stop: the user asked for it, or it took too long.</summary>
    public bool IsStopped;

    /// <summary>When it has taken too long, in microseconds.</summary>
    public long Deadline;

    /// <summary>One turn; it waits up to so many microseconds.</summary>
    public void Turn(long microseconds)
    {
        Timers.Advance(happens);
        Links.Flush();
        if (Options.Coalesce > 0 && lastTurn + Options.Coalesce - Time.Now is > 0 and var rest) pause.WaitFinely(rest);
        lastTurn = Time.Now;
        Links.Turn(microseconds);
        IsStopped |= lastTurn > Deadline;
    }

    /// <summary>Plays on until something is so, or so many seconds have passed.</summary>
    public void Until(Func<bool> isSo, double seconds, long microseconds = 1000)
    {
        for (var end = Time.Now + Time.Seconds(seconds); !isSo() && Time.Now < end && !IsStopped;) Turn(microseconds);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Links.Dispose();
        pause.Dispose();
    }

    private void Arrived(Link link, ref Incoming message)
    {
        var callId = message[message.CallId];
        if (message.IsRequest)
        {
            var index = Calls.Find(callId, out var isLive);
            callee.Asked(link, ref message, index, isLive);
        }
        else if (callId[0] == 'r') Registrations.Answered(link, ref message);
        else if (callId[0] == 's') Burdens.Answered++;
        else if (Calls.Find(callId, out var isLive) is >= 0 and var index && isLive) Caller.Answered(link, ref message, index);
        else if (message.Status >= 200) Calls.Tally.Stray++;
    }

    private void Happens(Timer timer)
    {
        if (timer.Due is Due.RepeatRegister or Due.GiveUpRegister) Registrations.Happens(timer);
        else if (timer.Due == Due.Dribble) Burdens.Dribble();
        else if (Calls[timer.Index].Generation != timer.Generation || Calls[timer.Index].Stage == CallerStage.Free) return;
        else if (timer.Due is Due.Answer or Due.RepeatAnswer) callee.Happens(timer);
        else Caller.Happens(timer);
    }
}
