using Sip.Identity;

namespace Sip.Server.Options;

/// <summary>What of the options is not to be seen; where it came from forgets it.</summary>
public sealed record Secrets(Secret ApiKey, Secret Turn, IReadOnlyList<(string Name, Secret Password)> Users)
{
    /// <summary>Takes the secrets out of the options.</summary>
    public static Secrets Take(ServerOptions options)
    {
        var taken = new Secrets(
            Secret.Of(options.ApiKey),
            Secret.Of(options.TurnSecret),
            [.. options.User.Select(user => user.Split(':', 2)).Where(pair => pair.Length == 2).Select(pair => (pair[0], Secret.Of(pair[1])))]);
        (options.ApiKey, options.TurnSecret) = ("", "");
        options.User.Clear();
        return taken;
    }

    /// <summary>Who may have a temporary login, or null with what is wrong added to the problems.</summary>
    public Issuer? Issuer(ServerOptions options, List<string> problems)
    {
        try
        {
            var read = IssuerModule.configure(ApiKey, options.JwtIssuer, options.JwtAudience, [.. Keys(options.JwtKeys)]);
            if (read is Issuers.Ready { Issuer: var issuer }) return issuer;
            if (read is Issuers.Invalid { Problems: var words }) problems.AddRange(words);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            problems.Add($"--jwt-keys {options.JwtKeys}: say a PEM file or a folder of them: {unreadable.Message}");
        }
        return null;
    }

    // The name of a file without its ending is the kid of its key.
    private static IEnumerable<JwtKeyFile> Keys(string place) =>
        (place.Length == 0 ? [] : Directory.Exists(place) ? Directory.GetFiles(place, "*.pem") : [place])
        .Select(file => new JwtKeyFile(Path.GetFileNameWithoutExtension(file), File.ReadAllText(file)));
}
