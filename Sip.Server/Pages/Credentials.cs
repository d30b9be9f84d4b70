using System.Text.Json.Serialization;
using Sip.Identity;

namespace Sip.Server.Pages;

/// <summary>Hands a web application what a browser's SIP stack needs: `POST /api/credentials`.</summary>
public sealed class Credentials(
    Issuer issuer, TemporaryKey key, string realm, IReadOnlyList<string> webSockets, IReadOnlyList<string> ice, Secret turn, TimeProvider time)
{
    private const int longest = 65536;

    /// <summary>Answers one request.</summary>
    public async Task<IResult> AnswerAsync(HttpContext context)
    {
        if (await BodyAsync(context.Request.Body, context.RequestAborted) is not { } body) return Api.Problem(413, "The body has more than 64 KB: send a user and seconds only.");
        context.Response.Headers.CacheControl = "no-store";
        var now = time.GetUtcNow().ToUnixTimeSeconds();
        switch (IssuerModule.decide(issuer, now, context.Request.Headers.Authorization.ToString(), body))
        {
            case Issuing.Issue { User: var user, Until: var until }:
                return TypedResults.Json(Issue(user, until), ApiJson.Default.Issued);
            case Issuing.Unproven { Words: var words }:
                context.Response.Headers.WWWAuthenticate = "Bearer";
                return Api.Problem(401, words);
            case Issuing.Denied { Words: var words }:
                return Api.Problem(403, words);
            case Issuing.Unclear { Words: var words }:
                return Api.Problem(400, words);
            case var other:
                throw new InvalidOperationException($"no answer to {other}");
        }
    }

    private Issued Issue(string user, long until)
    {
        var login = Temporary.issue(key, realm, user, until);
        return new Issued($"sip:{user}@{realm}", login.Name, login.Password, until, webSockets, [.. ice.Select(url => Ice(url, user, until))]);
    }

    private IceServer Ice(string url, string user, long until)
    {
        if (turn.IsEmpty || !url.StartsWith("turn", StringComparison.OrdinalIgnoreCase)) return new IceServer(url);
        var login = Turn.login(turn, until, user);
        return new IceServer(url, login.Username, login.Credential);
    }

    // One byte more than may be there tells that there is more.
    private static async Task<byte[]?> BodyAsync(Stream stream, CancellationToken cancel)
    {
        var body = new byte[longest + 1];
        var length = await stream.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, cancel);
        return length > longest ? null : body[..length];
    }
}

/// <summary>All that a browser's SIP stack is configured with; `Expires` is Unix time in seconds.</summary>
public sealed record Issued(
    string Uri, string User, string Password, long Expires, IReadOnlyList<string> WebSockets, IReadOnlyList<IceServer> IceServers);
