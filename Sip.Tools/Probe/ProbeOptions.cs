namespace Sip.Tools.Probe;

/// <summary>What `sip probe` may be told.</summary>
public sealed record ProbeOptions
{
    /// <summary>Where to ask.</summary>
    public Place? Place { get; init; }

    /// <summary>Hosts other than this machine that may be asked.</summary>
    public IReadOnlyList<string> AllowedHosts { get; init; } = [];

    /// <summary>Who vouches for its certificate: a PEM file.</summary>
    public string Authority { get; init; } = "";

    /// <summary>The domain of the user; the host of the URL when there is none.</summary>
    public string Domain { get; init; } = "";

    /// <summary>Who registers.</summary>
    public string User { get; init; } = "probe";

    /// <summary>With which password; with none, the challenge is only told.</summary>
    public string Password { get; init; } = "";

    /// <summary>How long an answer is waited for.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>The help.</summary>
    public const string Help =
        """
        sip probe URL [options]

        Tells in words what a SIP server does with a client. URL: ws://host:port/path, wss://..., sip:host:port;transport=udp|tcp|tls
          --allow-host HOST   a server other than this machine may be asked; for whoever answers for it
          --domain DOMAIN     the domain of the user (the URL's host)
          --user NAME         who registers (probe)
          --password WORD     and signs in with this; without it the challenge is only told
          --ca FILE           who vouches for the certificate, in PEM
          --patience SECONDS  how long an answer is waited for (3)
        Ends with 0 when all is as the standards ask, 3 when something is not, 1 when nobody answers, 2 on wrong options.

        """;

    /// <summary>Reads the words behind `sip probe`.</summary>
    public static (ProbeOptions Options, List<string> Problems) Read(IReadOnlyList<string> words)
    {
        var (options, problems) = (new ProbeOptions(), new List<string>());
        for (var i = 0; i < words.Count; i++)
        {
            var word = words[i];
            if (!word.StartsWith("--", StringComparison.Ordinal))
            {
                if (Place.TryRead(word) is { } place && options.Place is null) options = options with { Place = place };
                else problems.Add($"{word}: say one URL, like ws://127.0.0.1:8080/ or sip:127.0.0.1:5060;transport=tcp");
                continue;
            }
            if (++i == words.Count)
            {
                problems.Add($"{word}: its value is missing");
                break;
            }
            var value = words[i];
            switch (word)
            {
                case "--allow-host": options = options with { AllowedHosts = [.. options.AllowedHosts, value] }; break;
                case "--domain": options = options with { Domain = value }; break;
                case "--user": options = options with { User = value }; break;
                case "--password": options = options with { Password = value }; break;
                case "--ca" when File.Exists(value): options = options with { Authority = value }; break;
                case "--ca": problems.Add($"--ca {value}: there is no such file"); break;
                case "--patience" when int.TryParse(value, out var seconds) && seconds is > 0 and <= 60: options = options with { Patience = TimeSpan.FromSeconds(seconds) }; break;
                case "--patience": problems.Add($"--patience {value}: say 1 to 60 seconds"); break;
                default: problems.Add($"{word}: there is no such option"); break;
            }
        }
        if (options.Place is null && problems.Count == 0) problems.Add("say where: ws://127.0.0.1:8080/ or sip:127.0.0.1:5060;transport=tcp");
        return (options, problems);
    }
}
