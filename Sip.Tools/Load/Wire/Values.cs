namespace Sip.Tools.Load.Wire;

/// <summary>What stands inside of header values: parameters, URIs and the parts of a list.</summary>
internal static class Values
{
    /// <summary>The length of the first element of a comma-separated list; commas in brackets or quotes do not separate.</summary>
    public static int FirstLength(ReadOnlySpan<byte> list)
    {
        var (quoted, bracketed) = (false, false);
        for (var i = 0; i < list.Length; i++)
        {
            switch (list[i])
            {
                case (byte)'\\' when quoted: i++; break;
                case (byte)'"': quoted = !quoted; break;
                case (byte)'<' when !quoted: bracketed = true; break;
                case (byte)'>' when !quoted: bracketed = false; break;
                case (byte)',' when !quoted && !bracketed: return i;
                default: break;
            }
        }
        return list.Length;
    }

    /// <summary>The URI of a Contact; empty where there is none.</summary>
    public static ReadOnlySpan<byte> Uri(ReadOnlySpan<byte> value)
    {
        var first = value[..FirstLength(value)];
        var open = first.IndexOf((byte)'<');
        if (open >= 0)
        {
            var close = first[open..].IndexOf((byte)'>');
            return close < 0 ? default : first.Slice(open + 1, close - 1);
        }
        var semicolon = first.IndexOf((byte)';');
        return (semicolon < 0 ? first : first[..semicolon]).Trim((byte)' ');
    }

    /// <summary>Whether a From or To has a tag.</summary>
    public static bool HasTag(ReadOnlySpan<byte> value)
    {
        var close = value.LastIndexOf((byte)'>');
        return value[(close + 1)..].IndexOf(";tag="u8) >= 0;
    }

    /// <summary>The value of a parameter of a challenge, without its quotes; empty where there is none.</summary>
    public static ReadOnlySpan<byte> Parameter(ReadOnlySpan<byte> challenge, ReadOnlySpan<byte> name)
    {
        for (var rest = challenge[Math.Max(0, challenge.IndexOf((byte)' '))..]; !rest.IsEmpty;)
        {
            var length = FirstLength(rest);
            var element = rest[..length].Trim((byte)' ');
            var equals = element.IndexOf((byte)'=');
            if (equals == name.Length && Text.same(element[..equals], name)) return element[(equals + 1)..].Trim((byte)'"');
            rest = length == rest.Length ? default : rest[(length + 1)..];
        }
        return default;
    }
}
