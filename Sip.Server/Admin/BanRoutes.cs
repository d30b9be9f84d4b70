using System.Globalization;
using System.Net;
using Sip.Guarding;
using Sip.Server.Pages;
using Sip.Server.Shell;

namespace Sip.Server.Admin;

/// <summary>Who is banned: to be read, added to and lifted.</summary>
public static class BanRoutes
{
    private const int usual = 600, most = 30 * 24 * 3600;

    /// <summary>What can be asked about bans.</summary>
    public static IReadOnlyList<AdminRoute> Of(IEdge edge) =>
    [
        new("GET", "/api/bans", async (_, _) => TypedResults.Json(new BanList([.. (await edge.BansAsync()).Select(Told)]), AdminJson.Default.BanList)),
        new("POST", "/api/bans", async (_, context) =>
        {
            if (Origin(context) is not { } address) return Problem(400, "Say which address: /api/bans?address=192.0.2.7&seconds=600");
            if (Seconds(context) is not { } seconds) return Problem(400, $"A ban lasts from 1 to {most} seconds.");
            await edge.BanAsync(address, seconds);
            return TypedResults.NoContent();
        }),
        new("DELETE", "/api/bans", async (_, context) =>
        {
            if (Origin(context) is not { } address) return Problem(400, "Say which address: /api/bans?address=192.0.2.7");
            return await edge.PardonAsync(address) ? TypedResults.NoContent() : Problem(404, "That address is not banned.");
        }),
    ];

    private static Address? Origin(HttpContext context) =>
        IPAddress.TryParse(context.Request.Query["address"], out var ip) ? AddressModule.ofIPAddress(ip) : null;

    private static int? Seconds(HttpContext context)
    {
        if (context.Request.Query["seconds"].FirstOrDefault() is not { } text) return usual;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 1 and <= most ? seconds : null;
    }

    private static BanTold Told((Ban Ban, long Seconds) one) =>
        new(AddressModule.print(one.Ban.Origin), OffenceModule.words(one.Ban.Offence), one.Seconds);

    private static IResult Problem(int status, string words) =>
        TypedResults.Json(new Problem(words), ApiJson.Default.Problem, statusCode: status);
}

/// <summary>Who is banned.</summary>
public sealed record BanList(IReadOnlyList<BanTold> Bans);

/// <summary>One ban: the address (of IPv6 the first of its /64), why, and for how many seconds still.</summary>
public sealed record BanTold(string Address, string Reason, long Seconds);
