using Sip.Tools.Load.Wire;

namespace Sip.Tools.Load.Play;

/// <summary>The Route header fields that a dialog's Record-Route makes (RFC 3261 section 12.1).</summary>
internal static class RouteSet
{
    /// <summary>The caller's: the other way round. Returns how many routers do not route loosely.</summary>
    public static int Backwards(ref Incoming message, ref Store route)
    {
        Span<Range> parts = stackalloc Range[64];
        route.Set(default);
        var strict = 0;
        for (var line = message.RouteCount - 1; line >= 0; line--)
        {
            var list = message[message.Routes[line]];
            for (var i = Split(list, parts) - 1; i >= 0; i--) strict += Add(ref route, list[parts[i]]);
        }
        return strict;
    }

    /// <summary>The callee's: as it stands there.</summary>
    public static int Forwards(ref Incoming message, ref Store route)
    {
        Span<Range> parts = stackalloc Range[64];
        route.Set(default);
        var strict = 0;
        for (var line = 0; line < message.RouteCount; line++)
        {
            var list = message[message.Routes[line]];
            var count = Split(list, parts);
            for (var i = 0; i < count; i++) strict += Add(ref route, list[parts[i]]);
        }
        return strict;
    }

    private static int Add(ref Store route, ReadOnlySpan<byte> element)
    {
        route.Add("Route: "u8);
        route.Add(element);
        route.Add("\r\n"u8);
        return element.IndexOf(";lr"u8) < 0 ? 1 : 0;
    }

    private static int Split(ReadOnlySpan<byte> list, Span<Range> parts)
    {
        var count = 0;
        for (var at = 0; at < list.Length && count < parts.Length;)
        {
            var length = Values.FirstLength(list[at..]);
            while (at < list.Length && list[at] == ' ') (at, length) = (at + 1, length - 1);
            parts[count++] = at..(at + length);
            at += length + 1;
        }
        return count;
    }
}
