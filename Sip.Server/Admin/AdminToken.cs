using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;

namespace Sip.Server.Admin;

/// <summary>The token of whoever looks after the server, of which only a hash is kept.</summary>
public sealed class AdminToken
{
    /// <summary>Letters that a token has at least: what is made here has 43, for 256 bits.</summary>
    public const int Shortest = 32;

    private readonly byte[] hash;

    /// <summary>The token that is this text.</summary>
    public AdminToken(string text) => hash = SHA256.HashData(Encoding.UTF8.GetBytes(text));

    /// <summary>A new text for a token.</summary>
    public static string Make() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    /// <summary>The text kept in a folder, made where there is none yet; only the owner may read it.</summary>
    public static string Kept(string folder)
    {
        var file = FileIn(folder);
        if (File.Exists(file) && File.ReadAllText(file).Trim() is { Length: >= Shortest } kept) return kept;
        var made = Make();
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var stream = new FileStream(file, options);
        stream.Write(Encoding.ASCII.GetBytes(made + "\n"));
        return made;
    }

    /// <summary>Where a folder keeps it.</summary>
    public static string FileIn(string folder) => Path.Combine(folder, "admin.token");

    /// <summary>Whether a request bears it (RFC 6750 section 2.1); how long that takes tells nothing.</summary>
    public Admitted? Admit(string? authorization) =>
        AuthenticationHeaderValue.TryParse(authorization, out var value)
        && value is { Scheme: "Bearer", Parameter: { } shown }
        && CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(shown)), hash)
            ? new Admitted()
            : null;

    /// <summary>Proof that the token was shown: nothing else makes one, and nothing is answered without.</summary>
    public sealed class Admitted
    {
        internal Admitted()
        {
        }
    }
}
