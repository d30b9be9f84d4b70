using System.Globalization;

namespace Sip.Tools.Load;

/// <summary>What a run does.</summary>
public enum Scenario { Register, Call, Message, Options, Storm, Knee }

/// <summary>Which challenge a client answers.</summary>
public enum Answering { First, Md5, Sha256 }

/// <summary>Everything that `sip load` may be told; <see cref="OptionTable"/> says how.</summary>
public sealed class LoadOptions
{
    /// <summary>What the run does; of a search for the knee, what is searched.</summary>
    public Scenario Scenario { get; set; }
    public Scenario Of { get; set; } = Scenario.Call;

    /// <summary>Whom it is aimed at.</summary>
    public string Host { get; set; } = "127.0.0.1";
    public Dictionary<string, int> Ports { get; } = new() { ["udp"] = 5060, ["tcp"] = 5060, ["tls"] = 5061, ["ws"] = 8080, ["wss"] = 8443 };
    public List<string> AllowedHosts { get; } = [];
    public string Domain { get; set; } = "sip.test";
    public string Path { get; set; } = "/";
    public string Authority { get; set; } = "";

    /// <summary>Who plays.</summary>
    public Transport Caller { get; set; } = Transport.Udp;
    public Transport Callee { get; set; } = Transport.Udp;
    public int Pairs { get; set; } = 100;
    public int Users { get; set; } = 100;
    public int FirstUser { get; set; }
    public int UsersPerLink { get; set; } = 1;
    public int Sockets { get; set; } = 4;

    /// <summary>How hard.</summary>
    public double Rate { get; set; }
    public int Concurrency { get; set; } = 32;
    public double Duration { get; set; } = 10;
    public double Warmup { get; set; } = 1;
    public long Count { get; set; }
    public int InFlight { get; set; } = 20_000;
    public int Coalesce { get; set; }

    /// <summary>What a call is like.</summary>
    public int Ring { get; set; } = 20;
    public int Talk { get; set; } = 20;
    public int Body { get; set; }
    public bool CalleeEnds { get; set; }
    public int Timeout { get; set; } = 8000;

    /// <summary>What registering is like.</summary>
    public double Hold { get; set; }
    public double Refresh { get; set; } = double.NaN;
    public double KeepAlive { get; set; }
    public double LinkRate { get; set; }
    public int LinksInFlight { get; set; } = 128;
    public int RegistersInFlight { get; set; } = 64;
    public int Expires { get; set; } = 3600;
    public bool OnlyConnect { get; set; }
    public bool Greet { get; set; }
    public bool Keep { get; set; }
    public int Waves { get; set; } = 3;
    public double Pause { get; set; } = 1;

    /// <summary>Who may sign in.</summary>
    public string? Password { get; set; }
    public Answering Answering { get; set; }
    public bool ReuseNonce { get; set; }

    /// <summary>What burdens the server besides.</summary>
    public int Silent { get; set; }
    public int Slow { get; set; }
    public int SlowPause { get; set; } = 50;
    public int Unreading { get; set; }

    /// <summary>How the knee is searched.</summary>
    public double StartRate { get; set; } = 200;
    public double MostRate { get; set; } = 1e6;
    public double Step { get; set; } = 1.3;
    public double StepSeconds { get; set; } = 4;
    public double Rest { get; set; } = 1;
    public double WorstP99 { get; set; } = 100;
    public double WorstShare { get; set; } = 0.1;

    /// <summary>What is told.</summary>
    public int ServerPid { get; set; }
    public string Json { get; set; } = "";
    public string Label { get; set; } = "";
    public bool Quiet { get; set; }
    public int Seed { get; set; } = 1;
    public double Longest { get; set; } = 900;

    /// <summary>The operation of the run.</summary>
    public Scenario Operation => Scenario == Scenario.Knee ? Of : Scenario;

    /// <summary>Reads the words behind `sip load`; what cannot be read is told all at once.</summary>
    public static (LoadOptions Options, List<string> Problems) Read(ReadOnlySpan<string> words)
    {
        var options = new LoadOptions();
        List<string> problems = [];
        if (words.IsEmpty || !Enum.TryParse<Scenario>(words[0], true, out var scenario) || char.IsDigit(words[0][0]))
        {
            problems.Add("say what to do: register, call, message, options, storm or knee");
            return (options, problems);
        }
        options.Scenario = scenario;
        for (var i = 1; i < words.Length; i++)
        {
            var word = words[i];
            var equals = word.IndexOf('=');
            var name = equals > 0 ? word[..equals] : word;
            if (Array.Find(OptionTable.All, candidate => candidate.Name == name) is not { } option)
            {
                problems.Add($"{word}: there is no such option");
                continue;
            }
            var value = option.Placeholder.Length == 0 ? "" : equals > 0 ? word[(equals + 1)..] : i + 1 < words.Length ? words[++i] : null;
            if (value is null) problems.Add($"{name}: its value is missing");
            else if (!option.Set(options, value)) problems.Add($"{name} {value}: say {option.Placeholder}");
        }
        if (options.Operation is Scenario.Storm && options.Caller.IsUdp) problems.Add("storm: connections break, datagrams do not: give --transport ws, wss, tcp or tls");
        return (options, problems);
    }

    /// <summary>Reads `udp=5060,ws=8080` into the ports.</summary>
    public bool ReadPorts(string text)
    {
        foreach (var part in text.Split(','))
        {
            var pair = part.Split('=');
            if (pair.Length != 2 || !Ports.ContainsKey(pair[0]) || !int.TryParse(pair[1], CultureInfo.InvariantCulture, out var port) || port is < 1 or > 65535) return false;
            Ports[pair[0]] = port;
        }
        return true;
    }
}
