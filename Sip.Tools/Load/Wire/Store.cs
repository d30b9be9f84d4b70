namespace Sip.Tools.Load.Wire;

/// <summary>Bytes that are kept: an array that grows when it must and is written over when it can.</summary>
internal struct Store
{
    private byte[]? bytes;
    private int length;

    /// <summary>What is kept.</summary>
    public readonly ReadOnlySpan<byte> Span => bytes.AsSpan(0, length);

    /// <summary>Whether nothing is.</summary>
    public readonly bool IsEmpty => length == 0;

    /// <summary>Keeps this instead.</summary>
    public void Set(ReadOnlySpan<byte> value)
    {
        length = 0;
        Add(value);
    }

    /// <summary>Keeps this as well.</summary>
    public void Add(ReadOnlySpan<byte> value)
    {
        if (bytes is null || bytes.Length < length + value.Length) Array.Resize(ref bytes, Math.Max(64, (length + value.Length) * 3 / 2));
        value.CopyTo(bytes.AsSpan(length));
        length += value.Length;
    }

    /// <summary>Drops the first bytes.</summary>
    public void Drop(int count)
    {
        bytes.AsSpan(count, length - count).CopyTo(bytes);
        length -= count;
    }

    /// <summary>Gives the memory back.</summary>
    public void Clear() => (bytes, length) = (null, 0);
}
