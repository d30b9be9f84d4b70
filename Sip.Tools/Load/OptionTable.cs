using System.Globalization;
using System.Text;

namespace Sip.Tools.Load;

/// <summary>One option: its name, what its value looks like (nothing for a switch), what it is for, and how it is set.</summary>
internal sealed record Option(string Name, string Placeholder, string Help, Func<LoadOptions, string, bool> Set);

/// <summary>The options of `sip load`.</summary>
internal static class OptionTable
{
    /// <summary>All of them, in the order of the help.</summary>
    public static readonly Option[] All =
    [
        new("--host", "a name or address", "the server (127.0.0.1)", (o, v) => Say(o.Host = v)),
        new("--allow-host", "a name or address", "a server other than this machine that may be loaded; for whoever answers for it", (o, v) => { o.AllowedHosts.Add(v); return true; }),
        new("--ports", "udp=5060,tcp=5060,tls=5061,ws=8080,wss=8443", "its ports", (o, v) => o.ReadPorts(v)),
        new("--domain", "a domain", "the domain of the users (sip.test)", (o, v) => Say(o.Domain = v)),
        new("--path", "a path", "where its WebSocket is (/)", (o, v) => Say(o.Path = v)),
        new("--ca", "a PEM file", "who vouches for its certificate (the system's authorities)", (o, v) => Say(o.Authority = v)),

        new("--transport", "udp, tcp, tls, ws or wss", "how both sides connect (udp)", (o, v) => Carrier(v, t => o.Caller = o.Callee = t)),
        new("--caller", "udp, tcp, tls, ws or wss", "how callers connect", (o, v) => Carrier(v, t => o.Caller = t)),
        new("--callee", "udp, tcp, tls, ws or wss", "how callees connect", (o, v) => Carrier(v, t => o.Callee = t)),
        new("--pairs", "a number", "callers, and as many callees (100)", (o, v) => Whole(v, 1, 1_000_000, n => o.Pairs = n)),
        new("--users", "a number", "register, storm: users (100)", (o, v) => Whole(v, 1, 2_000_000, n => o.Users = n)),
        new("--first-user", "a number", "the number of the first user (0)", (o, v) => Whole(v, 0, 10_000_000, n => o.FirstUser = n)),
        new("--users-per-link", "a number", "users that share a connection (1)", (o, v) => Whole(v, 1, 1_000_000, n => o.UsersPerLink = n)),
        new("--sockets", "a number", "datagram sockets a side (4)", (o, v) => Whole(v, 1, 1000, n => o.Sockets = n)),

        new("--rate", "a number", "open loop: operations a second, whether answered or not", (o, v) => Number(v, 0.01, 1e6, n => o.Rate = n)),
        new("--concurrency", "a number", "closed loop: operations at a time (32)", (o, v) => Whole(v, 1, 100_000, n => o.Concurrency = n)),
        new("--duration", "seconds", "how long is measured (10)", (o, v) => Number(v, 0.1, 86_400, n => o.Duration = n)),
        new("--warmup", "seconds", "how long is played before (1)", (o, v) => Number(v, 0, 600, n => o.Warmup = n)),
        new("--count", "a number", "stop after so many operations", (o, v) => Whole(v, 1, int.MaxValue, n => o.Count = n)),
        new("--in-flight", "a number", "operations that may wait for an answer in the open loop (20000)", (o, v) => Whole(v, 1, 200_000, n => o.InFlight = n)),
        new("--coalesce", "microseconds", "look at the sockets no more often than that (0)", (o, v) => Whole(v, 0, 5000, n => o.Coalesce = n)),

        new("--ring", "milliseconds", "from 180 to 200 (20)", (o, v) => Whole(v, 0, 10_000, n => o.Ring = n)),
        new("--talk", "milliseconds", "from ACK to BYE (20)", (o, v) => Whole(v, 0, 10_000, n => o.Talk = n)),
        new("--body", "bytes", "SDP is filled up to so many", (o, v) => Whole(v, 0, 60_000, n => o.Body = n)),
        new("--callee-ends", "", "the callee sends BYE", (o, _) => o.CalleeEnds = true),
        new("--timeout", "milliseconds", "an operation without an answer has failed, and so has a call that takes as long to end (8000)", (o, v) => Whole(v, 100, 15_000, n => o.Timeout = n)),

        new("--hold", "seconds", "register: stay so long, and measure memory per connection", (o, v) => Number(v, 0, 86_400, n => o.Hold = n)),
        new("--refresh", "a number or max", "register: while holding, so many REGISTERs a second", (o, v) => v == "max" ? Say(o.Refresh = double.PositiveInfinity) : Number(v, 0, 1e6, n => o.Refresh = n)),
        new("--keep-alive", "seconds", "register: each connection sends CRLF CRLF that often while holding", (o, v) => Number(v, 0.1, 3600, n => o.KeepAlive = n)),
        new("--link-rate", "a number", "connections opened a second (as fast as answers come)", (o, v) => Number(v, 0.1, 1e6, n => o.LinkRate = n)),
        new("--links-in-flight", "a number", "connections being opened at a time (128)", (o, v) => Whole(v, 1, 20_000, n => o.LinksInFlight = n)),
        new("--registers-in-flight", "a number", "REGISTERs at a time (64)", (o, v) => Whole(v, 1, 20_000, n => o.RegistersInFlight = n)),
        new("--expires", "seconds", "what REGISTER asks for (3600)", (o, v) => Whole(v, 1, 86_400, n => o.Expires = n)),
        new("--greet", "", "register: each connection asks by OPTIONS as soon as it is open, and is no silent one then", (o, _) => o.Greet = true),
        new("--only-connect", "", "register: connections only", (o, _) => o.OnlyConnect = true),
        new("--keep", "", "leave the registrations behind", (o, _) => o.Keep = true),
        new("--waves", "a number", "storm: how often every connection breaks (3)", (o, v) => Whole(v, 1, 1000, n => o.Waves = n)),
        new("--pause", "seconds", "storm: quiet before a wave (1)", (o, v) => Number(v, 0, 600, n => o.Pause = n)),

        new("--password", "a password", "sign in with digest, everybody with this one", (o, v) => Say(o.Password = v)),
        new("--algorithm", "first, md5 or sha256", "which challenge is answered (first)", (o, v) => Choice<Answering>(v, a => o.Answering = a)),
        new("--reuse-nonce", "", "answer again with the last nonce, instead of being challenged each time", (o, _) => o.ReuseNonce = true),

        new("--silent", "a number", "as well, connections that never say a word", (o, v) => Whole(v, 0, 100_000, n => o.Silent = n)),
        new("--slow", "a number", "as well, connections that send a byte now and then", (o, v) => Whole(v, 0, 100_000, n => o.Slow = n)),
        new("--slow-pause", "milliseconds", "how long a slow one rests between two bytes (50)", (o, v) => Whole(v, 50, 60_000, n => o.SlowPause = n)),
        new("--unreading", "a number", "as well, connections that ask and never read", (o, v) => Whole(v, 0, 100_000, n => o.Unreading = n)),

        new("--of", "call, message or options", "knee: of what (call)", (o, v) => Choice<Scenario>(v, s => o.Of = s) && o.Of is Scenario.Call or Scenario.Message or Scenario.Options),
        new("--start-rate", "a number", "knee: the first rate (200)", (o, v) => Number(v, 1, 1e6, n => o.StartRate = n)),
        new("--most-rate", "a number", "knee: no rate above this is tried", (o, v) => Number(v, 1, 1e6, n => o.MostRate = n)),
        new("--step", "a factor", "knee: from rate to rate (1.3)", (o, v) => Number(v, 1.02, 4, n => o.Step = n)),
        new("--step-seconds", "seconds", "knee: how long a rate is tried (4)", (o, v) => Number(v, 0.5, 120, n => o.StepSeconds = n)),
        new("--rest", "seconds", "knee: quiet between rates (1)", (o, v) => Number(v, 0, 600, n => o.Rest = n)),
        new("--worst-p99", "milliseconds", "knee: the 99th percentile that is too slow (100)", (o, v) => Number(v, 0.1, 10_000, n => o.WorstP99 = n)),
        new("--worst-share", "percent", "knee: the share of failures that is too much (0.1)", (o, v) => Number(v, 0, 100, n => o.WorstShare = n)),

        new("--server-pid", "a process id", "measure its processor time and memory, and those of its children", (o, v) => Whole(v, 2, int.MaxValue, n => o.ServerPid = n)),
        new("--json", "a file", "write the result there as well", (o, v) => Say(o.Json = v)),
        new("--label", "a word", "the server's name in the result", (o, v) => Say(o.Label = v)),
        new("--quiet", "", "no progress line", (o, _) => o.Quiet = true),
        new("--seed", "a number", "what identifiers and masks are drawn from (1)", (o, v) => Whole(v, 0, int.MaxValue, n => o.Seed = n)),
        new("--longest", "seconds", "give up after that (900)", (o, v) => Number(v, 1, 86_400, n => o.Longest = n)),
    ];

    /// <summary>The options in one line each.</summary>
    public static string Help()
    {
        var text = new StringBuilder(
            "sip load register|call|message|options|storm|knee [options]\n\n" +
            "Plays users against a SIP server and tells how it bears it. --rate sends on schedule and measures latency\n" +
            "from when a request should have left; without it, --concurrency operations run at a time.\n" +
            "Ends with 0 when nothing failed, 3 when something did, 1 when it could not begin, 2 on wrong options.\n\n");
        foreach (var option in All) text.Append("  ").Append((option.Name + " " + Short(option.Placeholder)).PadRight(40)).Append(option.Help).Append('\n');
        return text.ToString();
    }

    private static string Short(string placeholder) => placeholder.Length > 18 ? "..." : placeholder.Replace(' ', '-').ToUpperInvariant();

    private static bool Say(object? _) => true;

    private static bool Whole(string text, int least, int most, Action<int> set)
    {
        if (!int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) || number < least || number > most) return false;
        set(number);
        return true;
    }

    private static bool Number(string text, double least, double most, Action<double> set)
    {
        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) || !(number >= least && number <= most)) return false;
        set(number);
        return true;
    }

    private static bool Choice<T>(string text, Action<T> set) where T : struct, Enum
    {
        if (text.Length == 0 || char.IsDigit(text[0]) || !Enum.TryParse<T>(text, true, out var choice)) return false;
        set(choice);
        return true;
    }

    private static bool Carrier(string text, Action<Transport> set)
    {
        var transport = TransportModule.tryWord(text);
        if (transport.IsNone) return false;
        set(transport.Value);
        return true;
    }
}
