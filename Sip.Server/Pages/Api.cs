using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Serialization;
using Sip.Server.Shell;
using Sip.Server.Store;

namespace Sip.Server.Pages;

/// <summary>What the phone page, and who watches over the server's health, may ask over HTTP.</summary>
public static class Api
{
    private const string policy =
        "default-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    /// <summary>Puts the pages, `/api` and `/health` onto the server.</summary>
    public static void Map(WebApplication app, IEdge edge, Users users, Settings settings, Health health)
    {
        app.Use((context, next) =>
        {
            context.Response.Headers.ContentSecurityPolicy = policy;
            context.Response.Headers.XContentTypeOptions = "nosniff";
            context.Response.Headers["Referrer-Policy"] = "no-referrer";
            return next();
        });
        app.UseDefaultFiles();
        app.UseStaticFiles();
        app.MapGet("/api/settings", () => TypedResults.Json(settings, ApiJson.Default.Settings));
        app.MapPost("/api/guest", async (string? user) =>
        {
            if (!settings.Guests) return Problem(403, "This server takes no guests: sign in with a user that it knows.");
            if (user is not null && !IsPlain(user)) return Problem(400, "A guest's name has 1 to 32 letters and digits.");
            var (name, password) = await users.GuestAsync(edge, user);
            return TypedResults.Json(new Guest(name, password), ApiJson.Default.Guest);
        });
        app.MapGet("/api/online", async (HttpContext context) =>
        {
            if (!settings.Guests && !IsKnown(users, context.Request.Headers.Authorization)) return Problem(401, "Sign in to see who is online.");
            return TypedResults.Json(new Online(Names(await edge.OnlineAsync())), ApiJson.Default.Online);
        });
        app.MapGet("/health/live", () => TypedResults.Text("live\n"));
        app.MapGet("/health/ready", async () =>
        {
            var silent = await health.SilentAsync();
            var warnings = string.Concat(health.Expiring().Select(words => $"warning: {words}\n"));
            return silent.Count == 0
                ? TypedResults.Text("ready\n" + warnings)
                : (IResult)TypedResults.Text($"not ready: no answer from {string.Join(", ", silent)}\n{warnings}", statusCode: 503);
        });
    }

    /// <summary>Who is registered, as the page is told.</summary>
    public static IReadOnlyList<OnlineUser> Names(IEnumerable<KeyValuePair<string, int>> online) =>
        [.. online.Select(entry => new OnlineUser(entry.Key.Split('@')[0], entry.Value))];

    private static bool IsPlain(string name) => name.Length is > 0 and <= 32 && name.All(char.IsAsciiLetterOrDigit);

    private static bool IsKnown(Users users, string? authorization)
    {
        if (!AuthenticationHeaderValue.TryParse(authorization, out var value) || value.Scheme != "Basic") return false;
        var bytes = new byte[(value.Parameter?.Length ?? 0) + 3];
        if (!Convert.TryFromBase64String(value.Parameter ?? "", bytes, out var length)) return false;
        var pair = Encoding.UTF8.GetString(bytes, 0, length).Split(':', 2);
        return pair.Length == 2 && users.Knows(pair[0], pair[1]);
    }

    private static IResult Problem(int status, string words) =>
        TypedResults.Json(new Problem(words), ApiJson.Default.Problem, statusCode: status);
}

/// <summary>What the page is told first.</summary>
public sealed record Settings(string Domain, IReadOnlyList<string> WebSockets, bool Guests, IReadOnlyList<IceServer> IceServers);

/// <summary>One ICE server.</summary>
public sealed record IceServer(string Urls);

/// <summary>A guest's credentials.</summary>
public sealed record Guest(string User, string Password);

/// <summary>Who is registered.</summary>
public sealed record Online(IReadOnlyList<OnlineUser> Users);

/// <summary>One user who is registered.</summary>
public sealed record OnlineUser(string User, int Contacts);

/// <summary>Why there is no other answer, in words.</summary>
public sealed record Problem(string Error);

/// <summary>The API's objects as JSON, without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Settings))]
[JsonSerializable(typeof(Guest))]
[JsonSerializable(typeof(Online))]
[JsonSerializable(typeof(Problem))]
public sealed partial class ApiJson : JsonSerializerContext;
