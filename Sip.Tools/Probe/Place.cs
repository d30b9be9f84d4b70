using System.Globalization;

namespace Sip.Tools.Probe;

/// <summary>Where a server is to be asked, and how: `ws://host:port/path`, `wss://...`, `sip:host:port;transport=tcp`, `sips:host`.</summary>
public sealed record Place(Transport Transport, string Host, int Port, string Path)
{
    /// <summary>Reads it; nothing when it cannot be read.</summary>
    public static Place? TryRead(string text)
    {
        var colon = text.IndexOf(':');
        if (colon <= 0) return null;
        var rest = text[(colon + 1)..];
        return text[..colon].ToLowerInvariant() switch
        {
            "ws" => OfWeb(Transport.Ws, rest),
            "wss" => OfWeb(Transport.Wss, rest),
            "sip" => OfSip(Transport.Udp, rest),
            "sips" => OfSip(Transport.Tls, rest),
            _ => null,
        };
    }

    /// <summary>The place as it is written in Host and in Request-URIs.</summary>
    public string Authority => $"{(Host.Contains(':') ? $"[{Host}]" : Host)}:{Port}";

    private static Place? OfWeb(Transport transport, string rest)
    {
        if (!rest.StartsWith("//", StringComparison.Ordinal)) return null;
        var slash = rest.IndexOf('/', 2);
        return Of(transport, slash < 0 ? rest[2..] : rest[2..slash], slash < 0 ? "/" : rest[slash..]);
    }

    private static Place? OfSip(Transport transport, string rest)
    {
        var words = rest.Split(';');
        foreach (var parameter in words.Skip(1))
        {
            if (!parameter.StartsWith("transport=", StringComparison.OrdinalIgnoreCase)) continue;
            var named = TransportModule.tryWord(parameter["transport=".Length..]);
            if (named.IsNone) return null;
            transport = transport.IsTls && named.Value.IsTcp ? transport : named.Value;
        }
        return Of(transport, words[0][(words[0].LastIndexOf('@') + 1)..], "/");
    }

    private static Place? Of(Transport transport, string authority, string path)
    {
        var colon = authority.LastIndexOf(':');
        var hasPort = colon > authority.LastIndexOf(']');
        var port = TransportModule.defaultPort(transport);
        if (hasPort && (!int.TryParse(authority[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out port) || port is < 1 or > 65535)) return null;
        var host = (hasPort ? authority[..colon] : authority).Trim('[', ']');
        return host.Length == 0 ? null : new Place(transport, host, port, path);
    }
}
