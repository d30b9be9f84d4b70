using System.Net;
using Sip.Guarding;
using Sip.Server.Shell;

namespace Sip.Server.Pages;

/// <summary>Who is banned, over HTTP: to be read, added to and lifted; and what is counted.</summary>
public static class Bans
{
    private const int most = 30 * 24 * 3600;

    /// <summary>Puts `/api/bans` and `/metrics` onto the server, for whoever `mayAsk`.</summary>
    public static void Map(WebApplication app, IEdge edge, Func<HttpContext, bool> mayAsk)
    {
        app.MapGet("/api/bans", async (HttpContext context) =>
            mayAsk(context)
                ? TypedResults.Json(new BanList([.. (await edge.BansAsync()).Select(Told)]), ApiJson.Default.BanList)
                : Problem(401, "Sign in to see who is banned."));
        app.MapPost("/api/bans", async (HttpContext context, string? address, int? seconds) =>
        {
            if (!mayAsk(context)) return Problem(401, "Sign in to ban.");
            if (!IPAddress.TryParse(address, out var ip)) return Problem(400, "Say which address: /api/bans?address=192.0.2.7&seconds=600");
            if (seconds is < 1 or > most) return Problem(400, $"A ban lasts from 1 to {most} seconds.");
            await edge.BanAsync(AddressModule.ofIPAddress(ip), seconds ?? 600);
            return TypedResults.NoContent();
        });
        app.MapDelete("/api/bans", async (HttpContext context, string? address) =>
        {
            if (!mayAsk(context)) return Problem(401, "Sign in to lift a ban.");
            if (!IPAddress.TryParse(address, out var ip)) return Problem(400, "Say which address: /api/bans?address=192.0.2.7");
            return await edge.PardonAsync(AddressModule.ofIPAddress(ip)) ? TypedResults.NoContent() : Problem(404, "That address is not banned.");
        });
        app.MapGet("/metrics", async (HttpContext context) =>
            mayAsk(context) ? TypedResults.Text(await edge.CensusAsync(), "text/plain; version=0.0.4") : Problem(401, "Sign in to see what is counted."));
    }

    private static BanTold Told((Ban Ban, long Seconds) one) =>
        new(AddressModule.print(one.Ban.Origin), OffenceModule.words(one.Ban.Offence), one.Seconds);

    private static IResult Problem(int status, string words) =>
        TypedResults.Json(new Problem(words), ApiJson.Default.Problem, statusCode: status);
}

/// <summary>Who is banned.</summary>
public sealed record BanList(IReadOnlyList<BanTold> Bans);

/// <summary>One ban: the address (of IPv6 the first of its /64), why, and for how long still.</summary>
public sealed record BanTold(string Address, string Reason, long Seconds);
