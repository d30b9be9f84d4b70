using System.Runtime.CompilerServices;
using Sip.Wire;

namespace Sip.Tools.Load.Wire;

/// <summary>A few slices without an array.</summary>
[InlineArray(Few.Most)]
internal struct Few
{
    /// <summary>How many there can be.</summary>
    public const int Most = 16;
    private Slice first;
}

/// <summary>
/// A message as a user agent reads it: the header fields that it needs, found by one walk over the lines
/// that shares nothing with the reader of the server under test. Nothing is copied or allocated.
/// </summary>
internal ref struct Incoming
{
    /// <summary>The whole message.</summary>
    public ReadOnlySpan<byte> All;

    /// <summary>The status, 0 for a request.</summary>
    public int Status;

    /// <summary>A request's method and URI.</summary>
    public Slice Method, Uri;

    /// <summary>Values of header fields that stand there once; a length of 0 where one is absent.</summary>
    public Slice From, To, CallId, CSeq, CSeqMethod, Contact;

    /// <summary>The number of CSeq.</summary>
    public uint Sequence;

    /// <summary>The values of header lines that may stand there several times.</summary>
    public Few Vias, Routes, Challenges;

    /// <summary>How many of each.</summary>
    public int ViaCount, RouteCount, ChallengeCount;

    /// <summary>Whether the challenges come from a proxy.</summary>
    public bool FromProxy;

    /// <summary>Whether it is a request.</summary>
    public readonly bool IsRequest => Status == 0;

    /// <summary>The bytes of a slice.</summary>
    public readonly ReadOnlySpan<byte> this[Slice slice] => All.Slice(slice.Start, slice.Length);

    /// <summary>Reads a message; false when it is none.</summary>
    public static bool Read(ReadOnlySpan<byte> bytes, out Incoming message)
    {
        message = new Incoming { All = bytes };
        var end = bytes.IndexOf("\r\n"u8);
        if (end < 0 || !message.ReadFirst(bytes[..end])) return false;
        for (var at = end + 2; ;)
        {
            var length = bytes[at..].IndexOf("\r\n"u8);
            if (length < 0) return false;
            if (length == 0) return message.IsWhole();
            // A folded line belongs to the one before it; no field that is read here is ever folded by a sane peer.
            if (bytes[at] is (byte)' ' or (byte)'\t' || !message.ReadField(at, at + length)) return false;
            at += length + 2;
        }
    }

    private bool ReadFirst(ReadOnlySpan<byte> line)
    {
        if (line.StartsWith("SIP/2.0 "u8))
        {
            if (line.Length < 12 || line[11] != ' ') return false;
            Status = Digits(line.Slice(8, 3));
            return Status is >= 100 and <= 699;
        }
        var space = line.IndexOf((byte)' ');
        var last = line.LastIndexOf((byte)' ');
        if (space <= 0 || last <= space + 1 || !line[(last + 1)..].SequenceEqual("SIP/2.0"u8)) return false;
        (Method, Uri) = (new Slice(0, space), new Slice(space + 1, last - space - 1));
        return true;
    }

    private bool ReadField(int start, int end)
    {
        var colon = All[start..end].IndexOf((byte)':');
        if (colon <= 0) return false;
        var name = All.Slice(start, colon).TrimEnd(" \t"u8);
        var value = Trim(start + colon + 1, end);
        // The first letter and the length tell most names apart.
        switch (name.Length)
        {
            case 1: return ReadCompact((byte)(name[0] | 0x20), value);
            case 2 when Is(name, "To"u8): To = value; break;
            case 3 when Is(name, "Via"u8): return Add(ref Vias, ref ViaCount, value);
            case 4 when Is(name, "From"u8): From = value; break;
            case 4 when Is(name, "CSeq"u8): return ReadCSeq(value);
            case 7 when Is(name, "Call-ID"u8): CallId = value; break;
            case 7 when Is(name, "Contact"u8): Contact = value; break;
            case 12 when Is(name, "Record-Route"u8): return Add(ref Routes, ref RouteCount, value);
            case 16 when Is(name, "WWW-Authenticate"u8): return Add(ref Challenges, ref ChallengeCount, value);
            case 18 when Is(name, "Proxy-Authenticate"u8): FromProxy = true; return Add(ref Challenges, ref ChallengeCount, value);
            default: break;
        }
        return true;
    }

    private bool ReadCompact(byte letter, Slice value)
    {
        switch (letter)
        {
            case (byte)'v': return Add(ref Vias, ref ViaCount, value);
            case (byte)'f': From = value; break;
            case (byte)'t': To = value; break;
            case (byte)'i': CallId = value; break;
            case (byte)'m': Contact = value; break;
            default: break;
        }
        return true;
    }

    private bool ReadCSeq(Slice value)
    {
        var bytes = this[value];
        var digits = 0;
        uint number = 0;
        while (digits < bytes.Length && digits < 10 && bytes[digits] is >= (byte)'0' and <= (byte)'9') number = number * 10 + bytes[digits++] - '0';
        if (digits == 0 || digits == bytes.Length || bytes[digits] != ' ') return false;
        (CSeq, Sequence, CSeqMethod) = (value, number, Trim(value.Start + digits, value.Start + value.Length));
        return true;
    }

    private readonly bool IsWhole() =>
        ViaCount > 0 && From.Length > 0 && To.Length > 0 && CallId.Length > 0 && CSeq.Length > 0
        && (Status != 0 || this[Method].SequenceEqual(this[CSeqMethod]));

    private readonly Slice Trim(int start, int end)
    {
        while (start < end && All[start] is (byte)' ' or (byte)'\t') start++;
        while (start < end && All[end - 1] is (byte)' ' or (byte)'\t') end--;
        return new Slice(start, end - start);
    }

    private static bool Add(ref Few few, ref int count, Slice value)
    {
        if (count == Few.Most) return false;
        few[count++] = value;
        return true;
    }

    private static int Digits(ReadOnlySpan<byte> three)
    {
        var number = 0;
        foreach (var digit in three) number = digit is >= (byte)'0' and <= (byte)'9' ? number * 10 + digit - '0' : -10_000;
        return number;
    }

    private static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> spelling) =>
        name.SequenceEqual(spelling) || Text.same(name, spelling);
}
