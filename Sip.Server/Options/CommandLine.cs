using Sip.Edge;

namespace Sip.Server.Options;

/// <summary>The command line as configuration keys: `--listen a --listen b` is `Sip:Listen:0` and `Sip:Listen:1`.</summary>
public static class CommandLine
{
    private static readonly (string Option, string Key, Kind Kind)[] known =
    [
        ("--listen", nameof(ServerOptions.Listen), Kind.Several),
        ("--advertise", nameof(ServerOptions.Advertise), Kind.One),
        ("--pages", nameof(ServerOptions.Pages), Kind.One),
        ("--admin", nameof(ServerOptions.Admin), Kind.One),
        ("--admin-token", nameof(ServerOptions.AdminToken), Kind.One),
        ("--domain", nameof(ServerOptions.Domain), Kind.Several),
        ("--user", nameof(ServerOptions.User), Kind.Several),
        ("--peer", nameof(ServerOptions.Peer), Kind.Several),
        ("--upstream", nameof(ServerOptions.Upstream), Kind.Several),
        ("--upstream-path", nameof(ServerOptions.UpstreamPath), Kind.One),
        ("--barred", nameof(ServerOptions.Barred), Kind.Several),
        ("--balancer", nameof(ServerOptions.Balancer), Kind.Several),
        ("--limit", nameof(ServerOptions.Limit), Kind.Several),
        ("--firewall", nameof(ServerOptions.Firewall), Kind.One),
        ("--origin", nameof(ServerOptions.Origin), Kind.Several),
        ("--host-name", nameof(ServerOptions.HostName), Kind.Several),
        ("--path", nameof(ServerOptions.Path), Kind.Several),
        ("--ice", nameof(ServerOptions.Ice), Kind.Several),
        ("--turn-secret", nameof(ServerOptions.TurnSecret), Kind.One),
        ("--api-key", nameof(ServerOptions.ApiKey), Kind.One),
        ("--jwt-issuer", nameof(ServerOptions.JwtIssuer), Kind.One),
        ("--jwt-audience", nameof(ServerOptions.JwtAudience), Kind.One),
        ("--jwt-keys", nameof(ServerOptions.JwtKeys), Kind.One),
        ("--unsafe-bearer", nameof(ServerOptions.UnsafeBearer), Kind.Flag),
        ("--handshake-token", nameof(ServerOptions.HandshakeToken), Kind.Several),
        ("--trunk", nameof(ServerOptions.Trunk), Kind.Several),
        ("--certificate", nameof(ServerOptions.Certificate), Kind.Several),
        ("--key", nameof(ServerOptions.Key), Kind.Several),
        ("--certificate-folder", nameof(ServerOptions.CertificateFolder), Kind.One),
        ("--trust", nameof(ServerOptions.Trust), Kind.One),
        ("--data", nameof(ServerOptions.Data), Kind.One),
        ("--unsafe-no-auth", nameof(ServerOptions.UnsafeNoAuth), Kind.Flag),
        ("--inbound", nameof(ServerOptions.Inbound), Kind.One),
        ("--user-starts", nameof(ServerOptions.UserStarts), Kind.One),
        ("--peer-starts", nameof(ServerOptions.PeerStarts), Kind.One),
        ("--user-calls", nameof(ServerOptions.UserCalls), Kind.One),
        ("--peer-calls", nameof(ServerOptions.PeerCalls), Kind.One),
        ("--digest", nameof(ServerOptions.Digest), Kind.One),
        ("--strict-outbound", nameof(ServerOptions.StrictOutbound), Kind.Flag),
        ("--strict-path", nameof(ServerOptions.StrictPath), Kind.Flag),
        ("--message-bytes", nameof(ServerOptions.MessageBytes), Kind.One),
        ("--queue-bytes", nameof(ServerOptions.QueueBytes), Kind.One),
        ("--memory-limit", nameof(ServerOptions.MemoryLimit), Kind.One),
        ("--shell", nameof(ServerOptions.Shell), Kind.One),
        ("--shards", nameof(ServerOptions.Shards), Kind.One),
        ("--stop-seconds", nameof(ServerOptions.StopSeconds), Kind.One),
    ];

    private enum Kind { One, Several, Flag }

    /// <summary>The keys, and every word that is no option of ours.</summary>
    public static (Dictionary<string, string?> Keys, List<string> Problems) Read(string[] words)
    {
        var keys = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        var problems = new List<string>();
        var counts = new Dictionary<string, int>();
        for (var i = 0; i < words.Length; i++)
        {
            var equals = words[i].IndexOf('=');
            var option = equals < 0 ? words[i] : words[i][..equals];
            var found = Array.Find(known, candidate => candidate.Option == option);
            if (found.Option is null)
            {
                problems.Add($"{option}: there is no such option{Suggestion.words([.. known.Select(k => k.Option)], option)}; there are {string.Join(", ", known.Select(k => k.Option))}");
                continue;
            }
            if (found.Kind == Kind.Flag)
            {
                keys[$"Sip:{found.Key}"] = "true";
                continue;
            }
            if (equals < 0 && i + 1 == words.Length)
            {
                problems.Add($"{option}: its value is missing");
                continue;
            }
            var value = equals < 0 ? words[++i] : words[i][(equals + 1)..];
            var place = counts.GetValueOrDefault(option);
            counts[option] = place + 1;
            if (found.Kind == Kind.One && place > 0)
                problems.Add($"{option}: it stands there twice");
            keys[found.Kind == Kind.One ? $"Sip:{found.Key}" : $"Sip:{found.Key}:{place}"] = value;
        }
        return (keys, problems);
    }

    /// <summary>What is wrong with the names of settings, wherever they come from: an unknown one is never passed over.</summary>
    public static IEnumerable<string> Unknown(IConfigurationSection section)
    {
        string[] names = [.. known.Select(k => k.Key)];
        foreach (var setting in section.GetChildren())
        {
            var found = Array.Find(known, k => k.Key.Equals(setting.Key, StringComparison.OrdinalIgnoreCase));
            if (found.Key is null) yield return $"{setting.Path}: there is no such setting{Suggestion.words(names, setting.Key)}; there are {string.Join(", ", names)}";
            else if (setting.GetChildren().Any(below => found.Kind != Kind.Several || !below.Key.All(char.IsAsciiDigit) || below.GetChildren().Any()))
                yield return $"{setting.Path}: {(found.Kind == Kind.Several ? "it is a list of texts" : "it is one value")}";
        }
    }

    /// <summary>The options in one sentence each, for `--help`.</summary>
    public static string Help() =>
        "Sip: a SIP server for browsers and phones. Without options it serves this machine only.\n\n" +
        string.Join("\n", known.Select(k => "  " + k.Option + (k.Kind == Kind.Flag ? "" : " VALUE") + (k.Kind == Kind.Several ? " ..." : ""))) +
        "\n\nREADME.md in Sip.Server says what each does.\n";
}
