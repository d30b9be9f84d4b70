using System.Buffers.Text;

namespace Sip.Tools.Load.Wire;

/// <summary>The message that is being written: one buffer for all, so that nothing is allocated.</summary>
internal sealed class Outgoing
{
    private readonly byte[] buffer = GC.AllocateUninitializedArray<byte>(128 << 10, pinned: true);
    private int length;

    /// <summary>What has been written.</summary>
    public ReadOnlySpan<byte> Written => buffer.AsSpan(0, length);

    /// <summary>Begins a new message.</summary>
    public Outgoing Begin()
    {
        length = 0;
        return this;
    }

    /// <summary>Writes bytes.</summary>
    public Outgoing Put(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(buffer.AsSpan(length));
        length += bytes.Length;
        return this;
    }

    /// <summary>Writes a number.</summary>
    public Outgoing Number(long value)
    {
        Utf8Formatter.TryFormat(value, buffer.AsSpan(length), out var count);
        length += count;
        return this;
    }

    /// <summary>Writes eight hexadecimal digits.</summary>
    public Outgoing Hex(uint value)
    {
        for (var i = 7; i >= 0; i--, value >>= 4) buffer[length + i] = "0123456789abcdef"u8[(int)(value & 15)];
        length += 8;
        return this;
    }

    /// <summary>Writes a user's name: `user` and at least six digits.</summary>
    public Outgoing User(int number)
    {
        Put("user"u8);
        if (number > 999_999) return Number(number);
        for (var i = 5; i >= 0; i--, number /= 10) buffer[length + i] = (byte)('0' + number % 10);
        length += 6;
        return this;
    }

    /// <summary>Room to be written by another; to be followed by <see cref="Advance"/>.</summary>
    public Span<byte> Room(int size) => buffer.AsSpan(length, size);

    /// <summary>So many bytes of the room were written.</summary>
    public void Advance(int count) => length += count;
}
