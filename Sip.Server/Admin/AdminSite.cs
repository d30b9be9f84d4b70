using System.Text.Json.Serialization;
using Sip.Server.Pages;
using Sip.Server.Shell;

namespace Sip.Server.Admin;

/// <summary>
/// The admin surface: a listener of its own on loopback, where every request bears the token. What shows or changes
/// the state of the server is here and nowhere else.
/// </summary>
public sealed class AdminSite(AdminToken token, IReadOnlyList<AdminRoute> routes)
{
    private const int longestBody = 65536;

    /// <summary>What can be asked about this edge.</summary>
    public static IReadOnlyList<AdminRoute> Routes(IEdge edge, CertificateWatch certificates, Memory memory) =>
    [
        new("GET", "/api/counts", async (_, _) => TypedResults.Json(await edge.CountAsync(), AdminJson.Default.Counts)),
        new("GET", "/api/online", async (_, _) => TypedResults.Json(new Online(Api.Names(await edge.OnlineAsync())), ApiJson.Default.Online)),
        .. BanRoutes.Of(edge),
        MetricsRoute.Of(edge, certificates, memory),
        new("GET", "/api/certificates", (_, _) => Task.FromResult<IResult>(TypedResults.Json(
            [.. certificates.DaysLeft.Select(one => new CertificateDays(one.Key, one.Value))], AdminJson.Default.CertificateDaysArray))),
    ];

    /// <summary>Answers whatever comes by this port, and lets everything else pass.</summary>
    public void Serve(IApplicationBuilder app, int port) => app.Use((context, next) => context.Connection.LocalPort == port ? AnswerAsync(context) : next());

    private async Task AnswerAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        if (token.Admit(context.Request.Headers.Authorization) is not { } admitted)
        {
            // The same for every path: who does not know the token learns nothing of what there is.
            context.Response.Headers.WWWAuthenticate = "Bearer";
            await Problem(401, "Show the admin token.").ExecuteAsync(context);
            return;
        }
        await (await ResultAsync(admitted, context)).ExecuteAsync(context);
    }

    private async Task<IResult> ResultAsync(AdminToken.Admitted admitted, HttpContext context)
    {
        var (method, path) = (context.Request.Method, context.Request.Path.Value ?? "/");
        if (context.Request.ContentLength > longestBody) return Problem(413, "That is more than anybody has to say here.");
        if (method == "GET" && path == "/") return TypedResults.Json([.. routes.Select(route => $"{route.Method} {route.Path}")], AdminJson.Default.StringArray);
        var there = routes.Where(route => route.Path == path).ToArray();
        if (there.Length == 0) return Problem(404, "There is no such thing here: GET / names what there is.");
        return Array.Find(there, route => route.Method == method) is { } asked
            ? await asked.Answer(admitted, context)
            : Problem(405, $"Ask for it with {string.Join(" or ", there.Select(route => route.Method))}.");
    }

    private static IResult Problem(int status, string words) => TypedResults.Json(new Problem(words), ApiJson.Default.Problem, statusCode: status);
}

/// <summary>A certificate that is shown: the name that it bears, and whole days that it is good for.</summary>
public sealed record CertificateDays(string Name, int Days);

/// <summary>The admin surface's objects as JSON, without reflection; nothing nests deep.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, MaxDepth = 16)]
[JsonSerializable(typeof(Counts))]
[JsonSerializable(typeof(BanList))]
[JsonSerializable(typeof(string[]))]
[JsonSerializable(typeof(CertificateDays[]))]
public sealed partial class AdminJson : JsonSerializerContext;
